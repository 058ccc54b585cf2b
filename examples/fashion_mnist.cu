// SPDX-License-Identifier: MIT
// Fashion-MNIST on GPUs, part of the program fashion_mnist where nvcc was found.

#include "fashion_mnist.hpp"

#include <lockstep/cuda.hpp>

#include <string>

namespace ls = lockstep;

namespace {

/// Where this machine has fewer, a usage_error says what was found.
template <int Replicas>
void train_on_cuda(fashion_mnist::options const& o) {
    ls::first_available<ls::cuda_devices<Replicas>>([&]<class Devices>(Devices) { fashion_mnist::train_on<Devices>(o); });
}

template <int... Replicas>
bool add_cuda_devices() {
    auto& known = fashion_mnist::known_devices();
    return (known.emplace("cuda:" + std::to_string(Replicas), &train_on_cuda<Replicas>).second && ...);
}

/// The program's other source finds them when main begins.
[[maybe_unused]] bool const added = add_cuda_devices<1, 2, 4>();

} // namespace
