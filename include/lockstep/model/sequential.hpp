// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/layer/layer.hpp>
#include <lockstep/model/composition.hpp>
#include <lockstep/model/shape_walk.hpp>

namespace lockstep {

/// Layers one after another, for samples of shape In: sequential<shape<784>, linear<128>, relu, linear<10>>.
/// A layer that cannot take what the one before it gives is one compile error that names both.
template <any_shape In, class... Layers>
struct sequential {
    using input_shape = In;

private:
    static constexpr auto end = detail::walk_shapes<In, Layers...>();
    using checked = typename std::remove_cvref_t<decltype(end)>::template error<end.position>;

public:
    /// The shape of the result for one sample; after an error, the shape that did not fit.
    using output_shape = typename decltype(end)::shape;
    static constexpr bool well_formed = decltype(end)::accepted;
};

} // namespace lockstep
