#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: tests/gpu.sh [--limit SECONDS]
#
# Builds the tests with the label gpu for this machine's device and runs them, then once more under each of
# compute-sanitizer's tools, where it is there and supports the machine, and then the benchmarks of bench/gpu.sh, as far
# as the time goes: 10 minutes, if --limit does not say otherwise. What fails, or what of the tests had no time, keeps
# nothing else from being done, is named in the end, and makes the status 1; without a device, which skips what needs one,
# it is 77. It needs nvcc, CMake, ninja, doctest and Google Benchmark, and no network: LOCKSTEP_DOCTEST=<path of doctest.h>
# and LOCKSTEP_BENCHMARK=<prefix of a static libbenchmark> in the environment are taken instead of Debian's packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What ends late is killed 5 seconds after it was told to end.
limit=590
if [[ ${1-} == --help || ${1-} == -h ]]; then
    sed -n '3,10s/^# \{0,1\}//p' tests/gpu.sh
    exit 0
elif [[ ${1-} == --limit && ${2-} =~ ^[1-9][0-9]*$ && $# == 2 ]]; then
    limit=$2
elif (($# != 0)); then
    echo "tests/gpu.sh: expected nothing or --limit and a number of seconds, found '$*'" >&2
    exit 2
fi

failures=()
# When the step that runs must have ended.
until=$limit

# limited <command>...: with what is left of the time, at least a second; of 0, timeout makes no limit
limited() {
    local left=$((until - SECONDS))
    timeout --kill-after=5 "$((left > 1 ? left : 1))" "$@"
}

# step <name> <command>...: what fails, or has no time, is remembered
step() {
    local name=$1 status=0
    shift
    echo "== $name"
    if ((SECONDS >= until)); then
        failures+=("$name: no time was left")
        return
    fi
    limited "$@" || status=$?
    if ((status == 0)); then
        return
    elif ((SECONDS >= until)); then
        failures+=("$name: not done within the time")
    else
        failures+=("$name: status $status")
    fi
}

PATH=$PATH:/usr/local/cuda/bin
if ! command -v nvcc >/dev/null; then
    echo "tests/gpu.sh: expected nvcc in the PATH or in /usr/local/cuda/bin, found none" >&2
    exit 2
fi

build=build/gpu
options=(-DLOCKSTEP_BUILD_EXAMPLES=OFF -DLOCKSTEP_MPI=OFF)
if [[ -n ${LOCKSTEP_DOCTEST-} ]]; then
    if [[ ! -f $LOCKSTEP_DOCTEST ]]; then
        echo "tests/gpu.sh: LOCKSTEP_DOCTEST: expected the path of doctest.h, found no file '$LOCKSTEP_DOCTEST'" >&2
        exit 2
    fi
    # A package of nothing else.
    mkdir -p $build/doctest/doctest
    cp --preserve=timestamps "$LOCKSTEP_DOCTEST" $build/doctest/doctest/doctest.h
    cat >$build/doctest/doctestConfig.cmake <<'END'
add_library(doctest::doctest INTERFACE IMPORTED)
target_include_directories(doctest::doctest INTERFACE "${CMAKE_CURRENT_LIST_DIR}")
END
    options+=("-Ddoctest_DIR=$PWD/$build/doctest")
else
    cmake/install_packages.sh g++ cmake ninja-build doctest-dev
fi
gpu=
if nvidia-smi -L 2>/dev/null | grep '^GPU'; then
    gpu=yes
    options+=(-DCMAKE_CUDA_ARCHITECTURES=native)
fi

cmake --preset cuda -B $build "${options[@]}"

# Its compilers' minutes are not spent one after the other.
benchmarks=(bench/gpu.sh --build build/gpu-bench --seconds 0.5)
building=
if [[ -n $gpu ]]; then
    "${benchmarks[@]}" --build-only --limit "$limit" >build/gpu-bench.log 2>&1 &
    building=$!
fi
step build cmake --build $build --parallel "$(nproc)" --target gpu_tests -- -k 0
echo "== built in $SECONDS s"
step tests ctest --test-dir $build --parallel "$(nproc)" -L '^gpu$' --no-tests=error --output-on-failure

device=$build/tests/cuda/cuda.device
skipped='' status=0
reason=$(limited $device --count) || status=$?
if ((status == 77)); then skipped=$reason; fi

if [[ -n $skipped ]]; then
    echo "== $skipped"
elif ! command -v compute-sanitizer >/dev/null; then
    echo "== no compute-sanitizer: its part is skipped"
elif tried=$(limited compute-sanitizer $device --count 2>&1 || true) && grep -i 'not supported' <<<"$tried"; then
    echo "== compute-sanitizer does not work on this machine: its part is skipped"
else
    # The last minutes are for the benchmarks.
    until=$((limit - 150))
    # Not the thousand steps of a training, which take too long under a tool.
    for program in $device $build/tests/cuda/cuda.golden; do
        for tool in memcheck racecheck synccheck; do
            # Tests provoke errors of calls, which are none of the tests'.
            step "compute-sanitizer --tool $tool ${program##*/}" \
                compute-sanitizer --tool $tool --error-exitcode 1 --report-api-errors no "$program"
        done
    done
    until=$limit
fi

# How fast it is does not decide, an error does. 2: something that they need is missing, and was named; 77: they find no
# device; 124: their time was over before anything was measured.
if [[ -z $skipped ]]; then
    echo "== benchmarks"
    status=0
    if [[ -n $building ]]; then wait $building || status=$?; fi
    if ((status != 0)); then
        tail -n 20 build/gpu-bench.log
    elif ((limit - SECONDS < 10)); then
        status=124
    else
        "${benchmarks[@]}" --limit "$((limit - SECONDS))" || status=$?
    fi
    case $status in
        0 | 2 | 77) ;;
        124) echo "no time was left for the benchmarks" ;;
        *) failures+=("benchmarks: status $status") ;;
    esac
fi

echo "== all of it took $SECONDS s"
if ((${#failures[@]} != 0)); then
    printf 'failed: %s\n' "${failures[@]}"
    exit 1
fi
if [[ -n $skipped ]]; then exit 77; fi
