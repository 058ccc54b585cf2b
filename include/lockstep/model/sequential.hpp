// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/layer/layer.hpp>

#include <concepts>
#include <type_traits>

namespace lockstep {

/// y = x + layers(x). The layers' output shape is their input's.
template <class... Layers>
struct residual {};

/// Where in a model a layer stands that was fed with a shape it cannot take. The compiler prints these names;
/// the position counts the layers of the sequential from 0.
template <int Position, class Layer>
struct layer_at {
    template <class Shape>
    struct fed_with {
        template <class Rule>
        struct breaks {
            static_assert(std::is_same_v<Rule, rule::none>,
                          "a layer cannot take its input: the type above names its position in the model, the "
                          "layer, the shape it is fed with and the rule that this breaks");
            using result = void;
        };
    };
};

namespace detail {

template <class Layer>
struct type_tag {};

/// The first layer that cannot take its input.
template <class Layer, class In, class Rule>
struct rejection {
    static constexpr bool accepted = false;
    using shape = In;
    int position = 0;
    template <class Next>
    constexpr rejection operator>>(type_tag<Next>) const {
        return *this;
    }
    template <int Position>
    using error = typename layer_at<Position, Layer>::template fed_with<In>::template breaks<Rule>::result;
};

template <class In>
struct shape_walk;

template <class Layer, class In>
struct fed {
    static constexpr auto result() {
        if constexpr (!accepts<Layer, In>)
            return rejection<Layer, In, typename broken_rule<Layer, In>::type>{};
        else return shape_walk<output_shape<Layer, In>>{};
    }
};

/// The shape on its way through a model. Only the shape is part of the type: equal layers at equal shapes are
/// one instantiation, wherever they stand.
template <class In>
struct shape_walk {
    static constexpr bool accepted = true;
    using shape = In;
    int position = 0;
    template <class Layer>
    constexpr auto operator>>(type_tag<Layer>) const {
        auto next = fed<Layer, In>::result();
        next.position = next.accepted ? position + 1 : position;
        return next;
    }
    template <int>
    using error = void;
};

template <class In, class... Layers>
constexpr auto walk_shapes() {
    return (shape_walk<In>{} >> ... >> type_tag<Layers>{});
}

template <class... Layers, class In>
struct fed<residual<Layers...>, In> {
    static constexpr auto result() {
        using end = decltype(walk_shapes<In, Layers...>());
        if constexpr (!end::accepted) return end{};
        else if constexpr (!std::same_as<typename end::shape, In>)
            return rejection<residual<Layers...>, In,
                             rule::output_shape_equals_input_shape<typename end::shape, In>>{};
        else return shape_walk<In>{};
    }
};


} // namespace detail

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
