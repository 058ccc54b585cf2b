// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/call.hpp>
#include <lockstep/device/grid/group.hpp>

#include <cstdint>

namespace lockstep::grid {

/// Kernels that need no memory shared by a group's members.
struct nothing_shared {};

/// What a kernel inherits: so many members compute one unit, with so much memory shared by them. 1: every thread
/// computes units of its own; 32: a warp; up to 1024: a block.
///
/// A kernel K has, all constexpr,
///   K::units(argument)                       how many units there are
///   K::run(argument, unit, group, shared)    computes one of them; the units are independent
/// An argument is a call, or of kernels that are no operation's a type of their own.
template <int GroupSize, class Shared = nothing_shared>
struct kernel_base {
    static_assert(GroupSize == 1 || (GroupSize % 32 == 0 && GroupSize <= 1024), "a thread, a warp or a block of warps");
    static constexpr int group_size = GroupSize;
    using shared_type = Shared;
    using argument = call;
};

template <class K>
concept kernel = requires(typename K::argument const& c, std::int64_t unit, taking_turns<K::group_size> const& group,
                          typename K::shared_type& shared) {
    { K::units(c) } -> std::same_as<std::int64_t>;
    K::run(c, unit, group, shared);
};

/// Kernels that follow each other, with the same call.
template <kernel... Kernels>
struct passes {};

/// Which kernels compute an expression over numbered operands with numbers of type T, for a result that is stored as R:
/// `type` is passes<...>. Where they need scratch memory, scratch_bytes(samples) says how much.
template <class T, class E, class R = T>
struct kernels_for;

template <class Kernels>
constexpr std::int64_t scratch_bytes_of(std::int64_t samples) {
    if constexpr (requires { Kernels::scratch_bytes(samples); }) return Kernels::scratch_bytes(samples);
    else return 0;
}

/// Runs a kernel in the caller's thread, one unit after the other.
template <kernel K>
constexpr void run_here(typename K::argument const& c) {
    std::int64_t const units = K::units(c);
    for (std::int64_t unit = 0; unit < units; ++unit) {
        typename K::shared_type shared{}; // a compiler cannot see that phases write before they read
        K::run(c, unit, taking_turns<K::group_size>{}, shared);
    }
}
template <kernel... K>
constexpr void run_here(passes<K...>, call const& c) {
    (run_here<K>(c), ...);
}

} // namespace lockstep::grid
