#!/bin/sh
# SPDX-License-Identifier: MIT
# Measures every primitive by hand and by lockstep, forward and backward, and fused chains beside copies, on one
# thread, and prints the medians side by side.
set -eu

usage() {
    cat <<'END_OF_USAGE'
usage: bench/primitives.sh [--repetitions N] [--min-time SECONDS] [--filter REGEX] [--build DIR]
  --repetitions N      of every row, in random order; their median counts (default 5)
  --min-time SECONDS   at least so long per row and repetition (default 0.05)
  --filter REGEX       only rows that match, as in softmax
  --build DIR          where to build (default build/bench)
END_OF_USAGE
}
fail() { echo "bench/primitives.sh: $*" >&2; exit 2; }

root=$(cd "$(dirname "$0")/.." && pwd)
repetitions=5 min_time=0.05 filter=. build=$root/build/bench
while [ $# -gt 0 ]; do
    case $1 in
        --repetitions|--min-time|--filter|--build)
            [ $# -ge 2 ] || fail "$1 wants a value" ;;
    esac
    case $1 in
        --repetitions) repetitions=$2; shift 2 ;;
        --min-time) min_time=$2; shift 2 ;;
        --filter) filter=$2; shift 2 ;;
        --build) build=$2; shift 2 ;;
        --help|-h) usage; exit 0 ;;
        *) usage >&2; fail "unknown argument '$1'" ;;
    esac
done
case $repetitions in ''|*[!0-9]*|0) fail "--repetitions: expected a number of at least 1, found '$repetitions'" ;; esac
case $min_time in ''|*[!0-9.]*|*.*.*) fail "--min-time: expected seconds, found '$min_time'" ;; esac

"$root/cmake/install_packages.sh" g++ cmake libbenchmark-dev libdnnl-dev
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DLOCKSTEP_BUILD_BENCH=ON \
      -DLOCKSTEP_BUILD_TESTS=OFF -DLOCKSTEP_BUILD_EXAMPLES=OFF >&2
cmake --build "$build" --target bench_primitives bench_fused >&2

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM

# measure PROGRAM: as CSV, every repetition a line
measure() {
    if ! "$build/bench/$1" --benchmark_filter="$filter" --benchmark_repetitions="$repetitions" \
            --benchmark_enable_random_interleaving=true --benchmark_min_time="$min_time" \
            --benchmark_format=csv > "$results/$1.csv" 2> "$results/messages"; then
        cat "$results/messages" >&2
        echo "bench/primitives.sh: $1 failed" >&2
        exit 1
    fi
}
measure primitives
# Its arrays are large: a few passes are long enough, and a copy is always among them.
[ "$filter" = . ] || filter="^copy|^triad|$filter"
measure fused

commit=$(git -C "$root" rev-parse --short HEAD 2> /dev/null || echo unknown)
machine=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
echo "$machine; $(date -u +%Y-%m-%d), commit $commit; medians of $repetitions; one thread, processor time"
awk -f "$root/bench/median.awk" -f "$root/bench/primitives.awk" "$results/primitives.csv" "$results/fused.csv"
