// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/element.hpp>
#include <lockstep/device/grid/kernel.hpp>

#include <cstdint>

namespace lockstep::grid {

/// An elementwise expression over numbered operands; a unit is an element of the result, or four of them where they draw
/// their random numbers together: these are most of a dropout's work.
template <class T, class E>
struct elementwise : kernel_base<1> {
    static constexpr bool in_fours = element_of<T, E>::draws_fours;

    static constexpr std::int64_t units(call const& c) { return element_of<T, E>::size(c) / (in_fours ? 4 : 1); }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        if constexpr (in_fours) element_of<T, E>::put_four(c, unit, c.template out<T>());
        else c.template out<T>()[unit] = element_of<T, E>::at(c, unit);
    }
};

template <class T, class Function, class... Operands>
struct kernels_for<T, apply<Function, Operands...>> {
    using type = passes<elementwise<T, apply<Function, Operands...>>>;
};

} // namespace lockstep::grid
