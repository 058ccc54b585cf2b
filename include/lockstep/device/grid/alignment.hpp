// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/call.hpp>

#include <cstdint>

namespace lockstep::grid {

/// As many bytes as a thread reads at once; results begin at a multiple of them.
inline constexpr std::uint32_t largest_alignment = 16;

/// Bytes of which the address of an operand is a multiple, whoever has it, up to these. What belongs to samples may
/// begin at any of them, for a shard's inputs lie behind those of the shard before.
template <class T, class E>
constexpr std::uint32_t alignment_of = [] {
    if (!E::per_sample) return largest_alignment;
    std::uint32_t bytes = largest_alignment;
    while (static_cast<std::uint64_t>(E::result_shape::size) * sizeof(stored<T, E>) % bytes != 0) bytes /= 2;
    return bytes;
}();

} // namespace lockstep::grid
