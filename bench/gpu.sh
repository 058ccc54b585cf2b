#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Measures lockstep's training step on a GPU beside what the GPU can do at most, and beside PyTorch and JAX where Python
# finds them, and prints one table.
set -euo pipefail

usage() {
    cat <<'END'
usage: bench/gpu.sh [--filter REGEX] [--tf32] [--seconds N] [--limit N] [--python PYTHON] [--build DIR]
                    [--build-only]
  --filter REGEX       of lockstep's rows, only those that match, as in step/lenet
  --tf32               large products of floats in TF32; of models whose name says bf16 they are in bf16
  --seconds N          peers measure each case for at least so long (default 1)
  --limit N            all of it ends after so many seconds; what is not measured by then is left out (default 3600).
                       Ends with 124 where that is everything
  --python PYTHON      with torch or jax, for the peers (default python3)
  --build DIR          where to build (default build/bench-gpu)
  --build-only         measures nothing
It needs nvcc with cuBLAS, CMake, ninja and Google Benchmark, and no network: LOCKSTEP_BENCHMARK=<prefix of a static
libbenchmark> in the environment is taken instead of Debian's package. Ends with 77 where there is no device.
END
}
fail() {
    echo "bench/gpu.sh: $*" >&2
    exit 2
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
filter=. tf32=() seconds=1 limit=3600 python=python3 build=$root/build/bench-gpu measures=yes
while (($# > 0)); do
    case $1 in
        --filter | --seconds | --limit | --python | --build) (($# >= 2)) || fail "$1 wants a value" ;;
    esac
    case $1 in
        --filter) filter=$2 && shift 2 ;;
        --tf32) tf32=(--tf32) && shift ;;
        --seconds) seconds=$2 && shift 2 ;;
        --limit) limit=$2 && shift 2 ;;
        --python) python=$2 && shift 2 ;;
        --build) build=$2 && shift 2 ;;
        --build-only) measures=no && shift ;;
        --help | -h) usage && exit 0 ;;
        *) usage >&2 && fail "unknown argument '$1'" ;;
    esac
done
[[ $seconds =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "--seconds: expected seconds, found '$seconds'"
[[ $limit =~ ^[1-9][0-9]*$ ]] || fail "--limit: expected a number of at least 1, found '$limit'"

# limited <command>...: with what is left of the time, at least a second
limited() {
    timeout --kill-after=5 "$((limit - SECONDS > 1 ? limit - SECONDS : 1))" "$@"
}

PATH=$PATH:/usr/local/cuda/bin
command -v nvcc >/dev/null || fail "expected nvcc in the PATH or in /usr/local/cuda/bin, found none"

options=()
if [[ -n ${LOCKSTEP_BENCHMARK-} ]]; then
    prefix=$LOCKSTEP_BENCHMARK
    for file in include/benchmark/benchmark.h lib/libbenchmark.a; do
        [[ -f $prefix/$file ]] || fail "LOCKSTEP_BENCHMARK: expected a prefix with $file, found no file '$prefix/$file'"
    done
    # A package of nothing else.
    mkdir -p "$build/benchmark"
    cat >"$build/benchmark/benchmarkConfig.cmake" <<END
add_library(benchmark::benchmark STATIC IMPORTED)
set_target_properties(benchmark::benchmark PROPERTIES
    IMPORTED_LOCATION "$(realpath "$prefix")/lib/libbenchmark.a"
    INTERFACE_INCLUDE_DIRECTORIES "$(realpath "$prefix")/include"
    INTERFACE_COMPILE_DEFINITIONS BENCHMARK_STATIC_DEFINE
    INTERFACE_LINK_LIBRARIES pthread)
END
    options+=("-Dbenchmark_DIR=$(realpath "$build")/benchmark")
else
    "$root/cmake/install_packages.sh" g++ cmake ninja-build libbenchmark-dev
fi
# Where it finds none, it prints that instead of a name.
device=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1) || device=
if [[ -n $device ]]; then options+=(-DCMAKE_CUDA_ARCHITECTURES=native); fi
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLOCKSTEP_CUDA=ON -DLOCKSTEP_MPI=OFF \
    -DLOCKSTEP_BUILD_BENCH=ON -DLOCKSTEP_BUILD_TESTS=OFF -DLOCKSTEP_BUILD_EXAMPLES=OFF ${options[@]+"${options[@]}"} >&2
limited cmake --build "$build" --parallel "$(nproc)" --target bench_gpu >&2
if [[ $measures == no ]]; then exit 0; fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM

echo "lockstep" >&2
status=0
limited "$build/bench/gpu" --benchmark_filter="$filter" --benchmark_format=csv \
    ${tf32[@]+"${tf32[@]}"} >"$results/lockstep.csv" 2>"$results/messages" || status=$?
if ((status == 77)); then
    tail -n 1 "$results/messages"
    exit 77
elif ((status != 0 && SECONDS >= limit)); then
    status=0
    if ! grep -q '^"\{0,1\}\(limit\|step\)/' "$results/lockstep.csv"; then exit 124; fi
    echo "bench/gpu.sh: the time is over; what was measured by then stands below" >&2
elif ((status != 0)); then
    cat "$results/messages" >&2
    echo "bench/gpu.sh: lockstep ended with $status; what it had measured stands below" >&2
fi

# peer <name> <module> <script> <argument>...: where Python has the module
peer() {
    local name=$1 module=$2 script=$root/bench/peers/$3
    shift 3
    if ((SECONDS >= limit)); then
        echo "bench/gpu.sh: no time was left for $name" >&2
        return
    fi
    if ! "$python" -c "import $module" 2>/dev/null; then
        echo "bench/gpu.sh: $python has no $module: $name is left out" >&2
        return
    fi
    echo "$name" >&2
    limited "$python" "$script" --device cuda --seconds "$seconds" ${tf32[@]+"${tf32[@]}"} "$@" >"$results/$name.csv" ||
        echo "bench/gpu.sh: $name has not measured everything" >&2
}
for mode in eager graph reduce-overhead max-autotune; do
    peer "torch-$mode" torch torch_step.py --mode "$mode"
done
peer jax jax jax_step.py

commit=$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)
awk -f "$root/bench/gpu.awk" -v device="${device:-unknown device}" -v commit="$commit" -v tf32="${#tf32[@]}" \
    -v date="$(date -u +%Y-%m-%d)" "$results"/*.csv || status=1
exit "$status"
