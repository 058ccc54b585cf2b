#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: tests/gpu.sh
#
# Builds the tests with the label gpu for this machine's device and runs them, then once more under each of
# compute-sanitizer's tools, where it is there and supports the machine, and then the benchmarks of bench/gpu.sh, as far
# as the time goes. Ends within 10 minutes, with 77 where there is no device, which skips what needs one. It needs nvcc,
# CMake, ninja, doctest and Google Benchmark, and no network: LOCKSTEP_DOCTEST=<path of doctest.h> and
# LOCKSTEP_BENCHMARK=<prefix of a static libbenchmark> in the environment are taken instead of Debian's packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ${1-} == --help || ${1-} == -h ]]; then
    sed -n '3,11s/^# \{0,1\}//p' tests/gpu.sh
    exit 0
fi

# limited <command>...: with what is left of the 10 minutes
limited() {
    timeout --kill-after=5 "$((590 - SECONDS))" "$@"
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
if nvidia-smi -L 2>/dev/null | grep '^GPU'; then
    options+=(-DCMAKE_CUDA_ARCHITECTURES=native)
fi

cmake --preset cuda -B $build "${options[@]}"
limited cmake --build $build --parallel "$(nproc)" --target gpu_tests
echo "== built in $SECONDS s"

status=0
limited ctest --test-dir $build -L '^gpu$' --output-on-failure || status=$?

device=$build/tests/cuda/cuda.device
if skipped=$($device --count); then
    skipped=
fi
if [[ -n $skipped ]]; then
    echo "== $skipped"
elif ! command -v compute-sanitizer >/dev/null; then
    echo "== no compute-sanitizer: its part is skipped"
elif limited compute-sanitizer $device --count 2>&1 | grep -i 'not supported'; then
    echo "== compute-sanitizer does not work on this machine: its part is skipped"
else
    # Not the thousand steps of a training, which take too long under a tool.
    for program in $device $build/tests/cuda/cuda.golden; do
        for tool in memcheck racecheck synccheck; do
            echo "== compute-sanitizer --tool $tool ${program##*/}"
            # Tests provoke errors of calls, which are none of the tests'.
            limited compute-sanitizer --tool $tool --error-exitcode 1 --report-api-errors no $program || status=$?
        done
    done
fi

# How fast it is does not decide, an error does; 2: something that they need is missing, and was named.
if [[ -z $skipped ]] && ((SECONDS < 540)); then
    echo "== benchmarks"
    benchmarks=0
    bench/gpu.sh --build build/gpu-bench --seconds 0.5 --limit "$((580 - SECONDS))" || benchmarks=$?
    if ((benchmarks != 0 && benchmarks != 2)); then status=$benchmarks; fi
fi

echo "all of it took $SECONDS s"
if ((status == 0)) && [[ -n $skipped ]]; then exit 77; fi
exit $status
