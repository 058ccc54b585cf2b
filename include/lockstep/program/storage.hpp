// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/reduce.hpp>
#include <lockstep/expression/rows.hpp>
#include <lockstep/program/group.hpp>
#include <lockstep/program/schedule.hpp>

namespace lockstep {

namespace detail {

/// What sums up many values is kept as it was computed: it is small, and statistics and losses are computed from it.
template <class Primitive>
inline constexpr bool is_summary = false;
template <class Shape, bool PerSample>
inline constexpr bool is_summary<primitive::sum_to<Shape, PerSample>> = true;
template <class Shape, bool PerSample>
inline constexpr bool is_summary<primitive::max_to<Shape, PerSample>> = true;
template <>
inline constexpr bool is_summary<primitive::logsumexp> = true;
template <>
inline constexpr bool is_summary<primitive::argmax> = true;
template <>
inline constexpr bool is_summary<primitive::pick> = true;

/// A vector may be read as one of channels, [C, 1, 1].
template <class Shape>
inline constexpr bool has_two_axes = [] {
    extents const all = extents_of<Shape>();
    int long_axes = 0;
    for (int axis = 0; axis < all.rank; ++axis) long_axes += all.extent[axis] > 1;
    return long_axes >= 2;
}();

/// Whether a value may be rounded when it is stored. Values of samples may, but for targets and what sums up others; of
/// what all samples share, matrices of parameters. A chain is as precise as the least precise value of samples in it.
template <class E>
inline constexpr bool may_be_rounded = false;
template <int Index, class Shape, bool PerSample>
inline constexpr bool may_be_rounded<leaf<input_tag<Index>, Shape, PerSample, leaf_content::number>> = PerSample;
template <class Shape, bool PerSample>
inline constexpr bool may_be_rounded<leaf<upstream_tag, Shape, PerSample, leaf_content::number>> = PerSample;
template <int Layer, class Tag, class Shape>
inline constexpr bool may_be_rounded<leaf<parameter_tag<Layer, Tag>, Shape, false, leaf_content::number>> = has_two_axes<Shape>;
template <class Primitive, class... Operands>
inline constexpr bool may_be_rounded<compute<Primitive, Operands...>> =
    compute<Primitive, Operands...>::per_sample && !is_summary<Primitive>;
template <class Function, class... Operands>
inline constexpr bool may_be_rounded<apply<Function, Operands...>> =
    apply<Function, Operands...>::per_sample && ((Operands::per_sample && may_be_rounded<Operands>) || ...);

} // namespace detail

/// Values are rounded to a format where they are stored, and read back as the numbers that are computed with.
template <leaf_content Format>
struct stored_rounded {
    static constexpr leaf_content rounded = Format;
    template <class E>
    static constexpr leaf_content content = detail::may_be_rounded<E> ? Format : detail::content_of<E>;
};

/// Whether gradients begin with a loss_scale: half has the precision for them, but not the range.
template <class Storage>
inline constexpr bool scales_loss = false;
template <>
inline constexpr bool scales_loss<stored_rounded<leaf_content::half>> = true;

namespace detail {

template <class Backend>
struct storage_of {
    using type = stored_as_computed;
};
template <class Backend>
    requires requires { typename Backend::storage; }
struct storage_of<Backend> {
    using type = typename Backend::storage;
};

/// What the gradient of a loss begins with.
template <class Upstream, class Storage>
struct upstream_in {
    using type = Upstream;
};
template <class Storage>
    requires scales_loss<Storage>
struct upstream_in<literal<1.0>, Storage> {
    using type = loss_scale;
};

template <class E, class Trained>
inline constexpr bool is_untrained = false;
template <int Layer, class Tag, class Shape, class Trained>
inline constexpr bool is_untrained<leaf<parameter_tag<Layer, Tag>, Shape, false>, Trained> =
    !contains<parameter_tag<Layer, Tag>, Trained>;

/// The same in a group: what goes from one group to the next is rounded, whatever computes it, as neither knows the
/// other. Of parameters those are that are trained: states have no exact values beside those that a program reads.
template <class Storage, class Boundary, class Trained>
struct storage_in_group {
    template <class E>
    static constexpr leaf_content content = [] {
        if constexpr (is_untrained<E, Trained>) return content_of<E>;
        else if constexpr (E::per_sample && contains<E, Boundary>) return Storage::rounded;
        else return Storage::template content<E>;
    }();
};
template <class Storage, class Boundary, class Trained>
struct storage_in {
    using type = storage_in_group<Storage, Boundary, Trained>;
};
template <class Boundary, class Trained>
struct storage_in<stored_as_computed, Boundary, Trained> {
    using type = stored_as_computed;
};

} // namespace detail

} // namespace lockstep
