// SPDX-License-Identifier: MIT
// Kernels whose members take turns the other way round: what a member reads in a phase in which another one writes it
// shows as other bits.
#pragma once

#include "compare.hpp"

#include <cstddef>
#include <cstring>
#include <type_traits>

namespace grid_kernels {

template <int Size>
struct taking_turns_backwards : ls::grid::taking_turns<Size> {
    template <class F>
    constexpr void phase(F const& f) const {
        for (int member = Size; member-- > 0;) f(member);
    }
};

/// Runs the kernels unit by unit, from the last to the first, in shared memory that holds NaNs.
template <class... Kernels>
void run_backwards(ls::grid::passes<Kernels...>, ls::grid::call const& call) {
    auto const run = [&]<class K>(std::type_identity<K>) {
        for (std::int64_t unit = K::units(call); unit-- > 0;) {
            typename K::shared_type shared;
            std::memset(static_cast<void*>(&shared), 0xff, sizeof shared);
            K::run(call, unit, taking_turns_backwards<K::group_size>{}, shared);
        }
    };
    (run(std::type_identity<Kernels>{}), ...);
}

/// The grid's kernels compute what the host's do, and the same bits whoever of a group, and which of the groups, comes
/// first. Scratch memory is as large as `capacity` samples need.
template <class T, class E>
void check_any_order(std::vector<void const*> const& operands, std::int64_t samples, std::int64_t capacity) {
    CAPTURE(samples);
    check_same<T, E>(operands, samples);
    using kernels = ls::grid::kernels_for<T, E>;
    std::vector<T> result = host_kernels::unset<T>(result_size<T, E>(samples));
    auto const bytes = static_cast<std::size_t>(ls::grid::scratch_bytes_of<kernels>(capacity));
    std::vector<std::byte> scratch(bytes, std::byte{0xff});
    ls::grid::call call;
    call.result = result.data();
    std::ranges::copy(operands, call.operands);
    call.samples = samples;
    call.scratch = scratch.data();
    run_backwards(typename kernels::type{}, call);
    CHECK(result == on_grid<T, E>(operands, samples));
}

/// As many random elements as a kernel's operand has.
template <class T, class Operand>
std::vector<T> elements_of(std::int64_t samples, unsigned seed) {
    return host_kernels::random_elements<T>(Operand::result_shape::size * (Operand::per_sample ? samples : 1), seed);
}

/// A primitive of two operands, with 0, 1 and several samples.
template <class T, class Primitive, class A, class B>
void check_primitive(std::initializer_list<std::int64_t> samples) {
    for (std::int64_t const n : samples) {
        auto const a = elements_of<T, A>(n, 1), b = elements_of<T, B>(n, 2);
        check_any_order<T, ls::compute<Primitive, A, B>>({a.data(), b.data()}, n, std::max(samples));
    }
}

} // namespace grid_kernels
