#!/bin/sh
# SPDX-License-Identifier: MIT
# Measures a training step of lockstep, of a raw hand-written loop and of libtorch in turn, several rounds in
# one run, and prints the medians side by side.
set -eu

usage() {
    cat <<'END'
usage: bench/compare.sh [--rounds N] [--min-time SECONDS] [--filter REGEX] [--json FILE] [--build DIR]
  --rounds N           rounds over all programs, their median counts (default 5)
  --min-time SECONDS   at least so long per row and round (default 0.2)
  --filter REGEX       only rows that match, as in train_step/small/batch:64
  --json FILE          write everything that was measured
  --build DIR          where to build (default build/bench)
END
}
fail() { echo "bench/compare.sh: $*" >&2; exit 2; }

root=$(cd "$(dirname "$0")/.." && pwd)
rounds=5 min_time=0.2 filter=train_step json='' build=$root/build/bench
while [ $# -gt 0 ]; do
    case $1 in
        --rounds|--min-time|--filter|--json|--build)
            [ $# -ge 2 ] || fail "$1 wants a value" ;;
    esac
    case $1 in
        --rounds) rounds=$2; shift 2 ;;
        --min-time) min_time=$2; shift 2 ;;
        --filter) filter=$2; shift 2 ;;
        --json) json=$2; shift 2 ;;
        --build) build=$2; shift 2 ;;
        --help|-h) usage; exit 0 ;;
        *) usage >&2; fail "unknown argument '$1'" ;;
    esac
done
case $rounds in ''|*[!0-9]*|0) fail "--rounds: expected a number of at least 1, found '$rounds'" ;; esac
case $min_time in ''|*[!0-9.]*|*.*.*) fail "--min-time: expected seconds, found '$min_time'" ;; esac
# Found out now, not after minutes of measuring.
[ -z "$json" ] || { true > "$json.part"; } 2> /dev/null || fail "--json: cannot write '$json'"

"$root/cmake/install_packages.sh" g++ cmake libbenchmark-dev libdnnl-dev libopenblas-dev libtorch-dev
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DLOCKSTEP_BUILD_BENCH=ON \
      -DLOCKSTEP_BUILD_TESTS=OFF -DLOCKSTEP_BUILD_EXAMPLES=OFF >&2
cmake --build "$build" >&2

results=$(mktemp -d)
trap 'rm -rf "$results"; [ -z "$json" ] || rm -f "$json.part"' EXIT
trap 'exit 130' INT TERM

# measure PROGRAM SETTING FILTER [VARIABLE=VALUE]: one round, as CSV
measure() {
    program=$build/bench/$1 setting=$2 rows=$3
    shift 3
    [ -x "$program" ] || return 0
    echo "round $round of $rounds: $setting" >&2
    file=$results/$round.$setting.csv
    if ! env "$@" "$program" --benchmark_filter="$rows" --benchmark_min_time="$min_time" \
                             --benchmark_format=csv > "$file" 2> "$results/messages"; then
        cat "$results/messages" >&2
        echo "bench/compare.sh: $program failed" >&2
        exit 1
    fi
}
round=1
while [ "$round" -le "$rounds" ]; do
    measure train_step lockstep "$filter"
    measure train_step_raw raw "^fma_peak|^copy|$filter"
    measure train_step_libtorch libtorch_one_blas_thread "$filter" OPENBLAS_NUM_THREADS=1
    measure train_step_libtorch libtorch "$filter"
    round=$((round + 1))
done

commit=$(git -C "$root" rev-parse --short HEAD 2> /dev/null || echo unknown)
machine=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
find "$results" -name '*.csv' | sort | xargs awk -f "$root/bench/median.awk" -f "$root/bench/table.awk" \
    -v rounds="$rounds" -v cores="$(nproc)" -v machine="${machine:-unknown}" \
    -v date="$(date -u +%Y-%m-%dT%H:%M:%SZ)" -v commit="$commit" -v json="${json:+$json.part}"
[ -z "$json" ] || mv "$json.part" "$json"
