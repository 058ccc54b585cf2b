// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/movement.hpp>
#include <lockstep/layer/layer.hpp>

namespace lockstep {

/// The same elements under another shape, in PyTorch's order: reshaped<3, 8, 8> makes images of [192].
template <int... Extents>
struct reshaped {
    template <class In>
    using broken_rule = std::conditional_t<In::size == shape<Extents...>::size, rule::none,
                                           rule::keeps_the_number_of_elements<shape<Extents...>, In>>;

    constexpr auto operator()(auto x) const { return reshape<shape<Extents...>>(x); }
};

} // namespace lockstep
