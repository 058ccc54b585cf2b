#!/bin/sh
# SPDX-License-Identifier: MIT
# Measures the loader beside a copy, a conversion loop and, where Python finds torch, torchvision and NumPy, PyTorch's
# DataLoader, and prints millions of samples a second side by side; and a CSV file's parsing beside std::from_chars.
set -eu

usage() {
    cat <<'END_OF_USAGE'
usage: bench/loader.sh [--repetitions N] [--min-time SECONDS] [--python PYTHON] [--build DIR]
  --repetitions N      of every row, in random order; their median counts (default 5)
  --min-time SECONDS   at least so long per row and repetition (default 0.2)
  --python PYTHON      with torch, torchvision and NumPy, for the peer (default python3)
  --build DIR          where to build (default build/bench)
END_OF_USAGE
}
fail() { echo "bench/loader.sh: $*" >&2; exit 2; }

root=$(cd "$(dirname "$0")/.." && pwd)
repetitions=5 min_time=0.2 python=python3 build=$root/build/bench
while [ $# -gt 0 ]; do
    case $1 in
        --repetitions|--min-time|--python|--build)
            [ $# -ge 2 ] || fail "$1 wants a value" ;;
    esac
    case $1 in
        --repetitions) repetitions=$2; shift 2 ;;
        --min-time) min_time=$2; shift 2 ;;
        --python) python=$2; shift 2 ;;
        --build) build=$2; shift 2 ;;
        --help|-h) usage; exit 0 ;;
        *) usage >&2; fail "unknown argument '$1'" ;;
    esac
done
case $repetitions in ''|*[!0-9]*|0) fail "--repetitions: expected a number of at least 1, found '$repetitions'" ;; esac
case $min_time in ''|*[!0-9.]*|*.*.*) fail "--min-time: expected seconds, found '$min_time'" ;; esac

"$root/cmake/install_packages.sh" g++ cmake libbenchmark-dev zlib1g-dev dataset-fashion-mnist
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DLOCKSTEP_BUILD_BENCH=ON \
      -DLOCKSTEP_BUILD_TESTS=OFF -DLOCKSTEP_BUILD_EXAMPLES=OFF >&2
cmake --build "$build" --target bench_loader >&2

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM
if ! "$build/bench/loader" --benchmark_repetitions="$repetitions" --benchmark_enable_random_interleaving=true \
        --benchmark_min_time="$min_time" --benchmark_format=csv > "$results/loader.csv" 2> "$results/messages"; then
    cat "$results/messages" >&2
    echo "bench/loader.sh: loader failed" >&2
    exit 1
fi
"$python" "$root/bench/loader_torch.py" > "$results/torch.csv" || echo "bench/loader.sh: no peer" >&2

commit=$(git -C "$root" rev-parse --short HEAD 2> /dev/null || echo unknown)
machine=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
echo "$machine; $(date -u +%Y-%m-%d), commit $commit; medians of $repetitions; millions of samples a second"
awk -f "$root/bench/median.awk" -f "$root/bench/loader.awk" "$results/loader.csv" "$results/torch.csv"
