// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/group.hpp>
#include <lockstep/device/larger.hpp>

#include <array>
#include <concepts>

namespace lockstep::grid {

/// Threads that compute one unit together, as kernels see them. A kernel is written from the group's point of view, in
/// phases: `group.phase(f)` calls f(member) for all members, and what they wrote is there for all of them after it.
/// Between two phases a member keeps what is its own in an `own<T>`: own[member].
///
/// Besides, it is a group_of_threads: sum, max, each. These, and phase, are called by the group, not by a member within
/// a phase.
template <class G>
concept thread_group = group_of_threads<G, float> && requires(G const group, void (*work)(int)) {
    { G::size } -> std::convertible_to<int>;
    group.phase(work);
    typename G::template own<float>;
};

/// A group whose members take turns, in one thread: what a GPU computes at the same time, in the same order of additions.
template <int Size>
struct taking_turns {
    static constexpr int size = Size;

    template <class T>
    struct own {
        std::array<T, Size> values{};
        constexpr T& operator[](int member) { return values[static_cast<std::size_t>(member)]; }
    };

    template <class F>
    constexpr void phase(F const& f) const {
        for (int member = 0; member < Size; ++member) f(member);
    }

    /// Each member takes every Size-th column, and their parts are added as a tree.
    template <int Columns, class T, class F>
    constexpr T sum(F const& f) const {
        return combine<Columns>(f, T(0), [](T a, T b) { return a + b; });
    }
    template <int Columns, class T, class F>
    constexpr T max(F const& f) const {
        static_assert(Columns > 0);
        return combine<Columns>(f, T(f(0)), [](T a, T b) { return larger_or_nan(a, b); });
    }
    template <int Columns, class F>
    constexpr void each(F const& f) const {
        for (int column = 0; column < Columns; ++column) f(column);
    }

    /// The members' values as a tree.
    template <class T, class Combine>
    constexpr T combine_own(own<T> values, Combine const& both) const {
        for (int stride = 1; stride < Size; stride *= 2)
            for (int member = 0; member + stride < Size; member += 2 * stride)
                values[member] = both(values[member], values[member + stride]);
        return values[0];
    }

private:
    template <int Columns, class T, class F, class Combine>
    constexpr T combine(F const& f, T start, Combine const& both) const {
        own<T> parts;
        phase([&](int member) {
            T part = start;
            for (int column = member; column < Columns; column += Size) part = both(part, static_cast<T>(f(column)));
            parts[member] = part;
        });
        return combine_own<T>(parts, both);
    }
};

static_assert(thread_group<taking_turns<1>> && thread_group<taking_turns<32>>);

} // namespace lockstep::grid
