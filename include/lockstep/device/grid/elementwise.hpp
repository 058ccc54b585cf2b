// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/element.hpp>
#include <lockstep/device/grid/kernel.hpp>

#include <cstdint>

namespace lockstep::grid {

/// An elementwise expression over numbered operands; a unit is an element of the result.
template <class T, class R, class E>
struct elementwise : kernel_base<1> {
    static constexpr std::int64_t units(call const& c) { return element_of<T, E>::size(c); }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        c.template out<R>()[unit] = element_of<T, E>::at(c, unit);
    }
};

template <class T, class Function, class... Operands, class R>
struct kernels_for<T, apply<Function, Operands...>, R> {
    using type = passes<elementwise<T, R, apply<Function, Operands...>>>;
};

} // namespace lockstep::grid
