#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: examples/quickstart.sh [argument...]
#
# Installs what is missing, builds examples/fashion_mnist.cpp and nothing else, and runs it with the arguments:
# examples/quickstart.sh --help
# With --devices cuda:N among them it is built with CUDA, for which nvcc must be there.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/quickstart cuda=OFF
# Compiling for GPUs takes minutes, so only for those who ask for them, and for the GPU that is there.
if [[ " $* " == *[\ =]cuda:* ]]; then
    build+=-cuda
    cuda=ON
    if nvidia-smi -L >/dev/null 2>&1; then architectures=(-DCMAKE_CUDA_ARCHITECTURES=native); fi
fi

"$root/cmake/install_packages.sh" g++ cmake ninja-build libdnnl-dev zlib1g-dev libcli11-dev dataset-fashion-mnist

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [[ -t 2 ]]; then echo "lockstep: builds the example" >&2; fi
if ! { cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DLOCKSTEP_BUILD_TESTS=OFF -DLOCKSTEP_BUILD_BENCH=OFF -DLOCKSTEP_BUILD_EXAMPLES=ON \
        -DLOCKSTEP_CUDA=$cuda ${architectures[@]+"${architectures[@]}"} &&
    cmake --build "$build" --parallel "$(nproc)" --target fashion_mnist; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "lockstep: the example could not be built; what it said stands above" >&2
    exit 1
fi
rm -f "$log"

# In the caller's directory, where relative paths among the arguments and the files it writes belong.
exec "$build/examples/fashion_mnist" "$@"
