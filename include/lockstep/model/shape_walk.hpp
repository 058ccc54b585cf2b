// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/movement.hpp>
#include <lockstep/layer/layer.hpp>
#include <lockstep/model/composition.hpp>
#include <lockstep/shape/memory_order.hpp>

#include <tuple>
#include <type_traits>

namespace lockstep {

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

/// What a layer makes of a shape: the walk behind it, or a rejection.
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
    /// Frozen layers have their own positions.
    template <class... Layers>
    constexpr auto operator>>(type_tag<frozen<Layers...>>) const {
        return (*this >> ... >> type_tag<Layers>{});
    }
    template <int>
    using error = void;
};

template <class In, class... Layers>
constexpr auto walk_shapes() {
    return (shape_walk<In>{} >> ... >> type_tag<Layers>{});
}

template <class... Layers, class In>
struct fed<chain<Layers...>, In> {
    static constexpr auto result() { return walk_shapes<In, Layers...>(); }
};
template <class Tag, class... Layers, class In>
struct fed<named<Tag, Layers...>, In> : fed<chain<Layers...>, In> {};
template <class... Layers, class In>
struct fed<frozen<Layers...>, In> : fed<chain<Layers...>, In> {};

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

template <int N, class... Layers, class In>
struct fed<repeat<N, Layers...>, In> {
    static constexpr auto result() {
        using once = decltype(walk_shapes<In, Layers...>());
        if constexpr (N == 1 || !once::accepted || std::same_as<typename once::shape, In>) return once{};
        else return fed<repeat<N - 1, Layers...>, typename once::shape>::result();
    }
};

/// The first branch that cannot take its input, or all of their shapes.
template <class... Ends>
struct branch_ends {
    static constexpr bool accepted = true;
    template <class End>
    constexpr auto operator>>(End end) const {
        if constexpr (End::accepted) return branch_ends<Ends..., typename End::shape>{};
        else return end;
    }
};
template <class In, class... Branches>
constexpr auto walk_branches() {
    return (branch_ends<>{} >> ... >> fed<Branches, In>::result());
}

template <class First, class... Rest>
inline constexpr bool all_same = (std::is_same_v<First, Rest> && ...);

template <class... Branches, class In>
struct fed<branch_sum<Branches...>, In> {
    static_assert(sizeof...(Branches) >= 1, "a sum has at least one branch");
    static constexpr auto result() { return of(walk_branches<In, Branches...>()); }

private:
    template <class... Shapes>
    static constexpr auto of(branch_ends<Shapes...>) {
        if constexpr (all_same<Shapes...>) return shape_walk<std::tuple_element_t<0, std::tuple<Shapes...>>>{};
        else return rejection<branch_sum<Branches...>, In, rule::branches_have_one_output_shape<Shapes...>>{};
    }
    static constexpr auto of(auto rejected) { return rejected; }
};

/// The axis along which branches are put one behind another.
template <class Shape>
inline constexpr int branch_axis = column_axis_of(extents_of<Shape>());

template <class First, class... Rest>
struct joined_extents {
    static constexpr extents value = [] {
        extents result = extents_of<First>();
        ((result.extent[branch_axis<First>] += Rest::extents[branch_axis<First>]), ...);
        return result;
    }();
};

template <class... Branches, class In>
struct fed<branch<Branches...>, In> {
    static_assert(sizeof...(Branches) >= 1, "there is at least one branch");
    static constexpr auto result() { return of(walk_branches<In, Branches...>()); }

private:
    template <class First, class... Rest>
    static constexpr auto of(branch_ends<First, Rest...>) {
        if constexpr ((alike_beside_axis<First, Rest, branch_axis<First>> && ...))
            return shape_walk<lockstep::shape_from<joined_extents<First, Rest...>>>{};
        else return rejection<branch<Branches...>, In, rule::branches_differ_in_channels_or_features_alone<First, Rest...>>{};
    }
    static constexpr auto of(auto rejected) { return rejected; }
};

} // namespace detail

} // namespace lockstep
