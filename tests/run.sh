#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: tests/run.sh [--all | ctest argument...]
#
# Installs what is missing, then builds and runs every test that this machine can run, each program once: those of threads
# and of memory with clang++-19 and its sanitizers, fuzzers with it, all others with g++. --all: every program with g++ too;
# so it is where there is no clang++-19, with g++'s sanitizers and without fuzzers. With other arguments every program is
# compiled with g++, and ctest gets the arguments:
#     tests/run.sh -R unit.tensor
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ${1-} == --help || ${1-} == -h ]]; then
    sed -n '3,9s/^# \{0,1\}//p' tests/run.sh
    exit 0
fi

cmake/install_packages.sh g++ cmake ninja-build libdnnl-dev zlib1g-dev libpng-dev libturbojpeg0-dev \
    libcli11-dev doctest-dev libbenchmark-dev dataset-fashion-mnist \
    libopenmpi-dev openmpi-bin

passed=0
failed=0
failures=()

# suite <preset> <directory below build/> <target>... -- <ctest argument>...
# Builds the targets, runs the tests and counts them; what fails is remembered, not fatal.
suite() {
    local preset=$1 directory=build/$2 targets=() start=$SECONDS
    shift 2
    while [[ $1 != -- ]]; do
        targets+=("$1")
        shift
    done
    shift

    echo "== $directory"
    if ! cmake --preset "$preset" -B "$directory"; then
        failed=$((failed + 1))
        failures+=("$directory: configuration")
        return
    fi
    # What does not build does not keep the rest from being built and tested; its own test then fails.
    if ! cmake --build "$directory" --parallel "$(nproc)" --target "${targets[@]}" -- -k 0; then
        failed=$((failed + 1))
        failures+=("$directory: build")
    fi
    local built=$((SECONDS - start)) report=$PWD/$directory/tests.xml status=0
    rm -f "$report"
    ctest --test-dir "$directory" --parallel "$(nproc)" --output-on-failure --output-junit "$report" "$@" || status=$?

    # By what ran: a program that could not be built counts as failed, though ctest calls it skipped.
    local passing=0 failing=0
    if [[ -f $report ]]; then
        passing=$(count 'status="run"' "$report")
        failing=$(($(count 'status="fail"' "$report") + $(count 'message="Unable to find executable"' "$report")))
    fi
    # ctest may fail without a failed test, of a wrong argument.
    if ((status != 0 && failing == 0)); then failing=1; fi
    if ((failing != 0)); then failures+=("$directory: $failing"); fi
    passed=$((passed + passing))
    failed=$((failed + failing))
    echo "== $directory: built in $built s, tested in $((SECONDS - start - built)) s"
}

# count <text> <report>: the report's lines with the text
count() {
    grep -cF -- "$1" "$2" || true
}

if (($# != 0)) && [[ $1 != --all ]]; then
    suite tests tests all -- "$@"
else
    clang=
    if cmake/install_packages.sh --optional clang-19 libclang-rt-19-dev && command -v clang++-19 >/dev/null; then
        clang=clang-
    else
        echo "== no clang++-19 with its runtime: g++'s sanitizers instead, without fuzzers"
    fi
    if [[ -n $clang && ${1-} != --all ]]; then
        suite tests tests examples/all headers_tests docs_tests host_tests gradient_tests models_tests kernels_tests \
            grid_tests mpi_tests gpu_tests -- \
            -E '^(unit\.(expression|layer|loader|plan|shape|tensor)|fault|parallel|golden\.grid)$'
    else
        suite tests tests all --
    fi
    suite ${clang}asan-ubsan tests-asan unit_tests golden_tests fault_tests ${clang:+fuzz_tests} -- \
        -L '^(unit|static|golden|fault|fuzz)$'
    suite ${clang}tsan tests-tsan parallel_tests loader_tests -- -L '^(parallel|loader)$'
    command -v nvcc >/dev/null || [[ -x /usr/local/cuda/bin/nvcc ]] || echo "== no nvcc: its tests are left out"
fi

for failure in ${failures[@]+"${failures[@]}"}; do echo "failed in $failure"; done
echo "all of it took $((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "tests: $passed passed, $failed failed"
((failed == 0))
