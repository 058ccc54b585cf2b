// SPDX-License-Identifier: MIT
// Kernels whose members take turns the other way round: what a member reads in a phase in which another one writes it
// shows as other bits.
#pragma once

#include "compare.hpp"

#include <cstddef>
#include <cstring>
#include <type_traits>

namespace grid_kernels {

/// A group whose members take turns from the first to the last or the other way round.
template <int Size>
struct turns_either_way : ls::grid::taking_turns<Size> {
    bool backwards = false;

    template <class F>
    constexpr void phase(F const& f) const {
        for (int i = 0; i < Size; ++i) f(backwards ? Size - 1 - i : i);
    }
};

/// What the kernels compute, in shared memory that holds NaNs, and in scratch memory as large as `capacity` samples need.
template <class T, class E, class... Kernels>
std::vector<T> in_order(ls::grid::passes<Kernels...>, std::vector<void const*> const& operands, std::int64_t samples,
                        std::int64_t capacity, bool backwards) {
    std::vector<T> result = host_kernels::unset<T>(result_size<T, E>(samples));
    auto const bytes = ls::grid::scratch_bytes_of<ls::grid::kernels_for<T, E>>(capacity);
    std::vector<std::byte> scratch(static_cast<std::size_t>(bytes), std::byte{0xff});
    ls::grid::call call;
    call.result = result.data();
    std::ranges::copy(operands, call.operands);
    call.samples = samples;
    call.scratch = scratch.data();
    auto const run = [&]<class K>(std::type_identity<K>) {
        std::int64_t const units = K::units(call);
        turns_either_way<K::group_size> group;
        group.backwards = backwards;
        for (std::int64_t i = 0; i < units; ++i) {
            typename K::shared_type shared;
            std::memset(static_cast<void*>(&shared), 0xff, sizeof shared);
            K::run(call, backwards ? units - 1 - i : i, group, shared);
        }
    };
    (run(std::type_identity<Kernels>{}), ...);
    return result;
}

/// The grid's kernels compute what the host's do, and the same bits whoever of a group, and which of the groups, comes
/// first.
template <class T, class E>
void check_any_order(std::vector<void const*> const& operands, std::int64_t samples, std::int64_t capacity) {
    CAPTURE(samples);
    typename ls::grid::kernels_for<T, E>::type const kernels;
    auto const found = in_order<T, E>(kernels, operands, samples, capacity, false);
    CHECK(difference(found, on_host<T, E>(operands, samples)) <=
          64 * static_cast<double>(std::numeric_limits<T>::epsilon()));
    CHECK(in_order<T, E>(kernels, operands, samples, capacity, true) == found);
}

/// As many random elements as a kernel's operand has.
template <class T, class Operand>
std::vector<T> elements_of(std::int64_t samples, unsigned seed) {
    return host_kernels::random_elements<T>(Operand::result_shape::size * (Operand::per_sample ? samples : 1), seed);
}

/// A primitive of two operands, with each of these numbers of samples.
template <class T, class Primitive, class A, class B>
void check_primitive(std::initializer_list<std::int64_t> samples) {
    for (std::int64_t const n : samples) {
        auto const a = elements_of<T, A>(n, 1), b = elements_of<T, B>(n, 2);
        check_any_order<T, ls::compute<Primitive, A, B>>({a.data(), b.data()}, n, std::max(samples));
    }
}

} // namespace grid_kernels
