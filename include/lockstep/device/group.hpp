// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

namespace lockstep {

/// Those who compute one row together: one thread on a host, a warp or a block on a GPU. Kernel bodies over
/// rows are written once, against this concept. `sum<Columns>(f)` and `max<Columns>(f)` reduce f(0) ...
/// f(Columns - 1) in an order that depends on the group's size alone; every member gets the result. `each<Columns>(f)` calls f for every column,
/// and what it wrote is there for all members after it.
template <class G, class T>
concept group_of_threads = requires(G const group, T (*f)(int), void (*visit)(int)) {
    { group.template sum<8, T>(f) } -> std::same_as<T>;
    { group.template max<8, T>(f) } -> std::same_as<T>;
    group.template each<8>(visit);
};

} // namespace lockstep
