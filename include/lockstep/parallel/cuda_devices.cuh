// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/platform.cuh>
#include <lockstep/parallel/cuda_available.hpp>
#include <lockstep/parallel/first_available.hpp>
#include <lockstep/parallel/grid/devices.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>
#include <utility>

namespace lockstep {

/// CUDA's device number Number, as the runtime counts them.
template <int Number>
struct cuda {
    static_assert(Number >= 0, "cuda<0> is the first device");
    using platform = gpu::platform;
    static constexpr int number = Number;
};

namespace detail {

template <int... Number>
devices<cuda<Number>...> cuda_devices_of(std::integer_sequence<int, Number...>);

/// "cuda_devices<2>", or "devices<cuda<0>, cuda<0>>".
template <std::size_t Count>
std::string cuda_list_text(std::array<int, Count> const& numbers) {
    bool counts = true;
    std::string each;
    for (std::size_t i = 0; i < Count; ++i) {
        counts = counts && numbers[i] == static_cast<int>(i);
        each += (i > 0 ? ", cuda<" : "cuda<") + std::to_string(numbers[i]) + ">";
    }
    return counts ? "cuda_devices<" + std::to_string(Count) + ">" : "devices<" + each + ">";
}

} // namespace detail

/// The first N devices, a replica on each.
template <int N>
using cuda_devices = decltype(detail::cuda_devices_of(std::make_integer_sequence<int, N>{}));

/// Whether this machine has them; where not, `reason` says what was expected and what was found.
template <class... Device>
    requires std::same_as<typename devices<Device...>::platform, gpu::platform>
bool is_available(devices<Device...>, std::string& reason) {
    constexpr auto numbers = devices<Device...>::numbers;
    return gpu::are_available(gpu::find_devices(), *std::max_element(numbers.begin(), numbers.end()) + 1,
                              detail::cuda_list_text(numbers), reason);
}

} // namespace lockstep
