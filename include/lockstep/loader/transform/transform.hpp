// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/draw.hpp>
#include <lockstep/shape/shape.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace lockstep {

/// The elements of one sample, or of its targets, with their shape: a span, in PyTorch's order.
template <class Element, any_shape Shape>
struct sample_view : std::span<Element> {
    using element = std::remove_const_t<Element>;
    using sample_shape = Shape;

    constexpr explicit sample_view(Element* data)
        : std::span<Element>(data, static_cast<std::size_t>(Shape::size)) {}
    /// A view that reads what another may write.
    template <class Writable>
        requires(std::is_same_v<Writable const, Element> && !std::is_const_v<Writable>)
    constexpr sample_view(sample_view<Writable, Shape> other) : sample_view(other.data()) {}
};

/// How a transform is applied.
enum class transform_kind {
    none,        ///< not at all: it does not fit
    elementwise, ///< to each element by itself: several in a row are one loop
    in_place,    ///< to the sample where it lies
    copying      ///< from one place to another, perhaps of another shape
};

namespace detail {

/// Becomes an Element and nothing else: no transform of bytes is fed with floats by way of a conversion.
template <class Element>
struct exactly {
    template <std::same_as<Element> T>
    operator T() const;
};

template <class F, class Element>
struct elementwise_result {
    using type = void;
};
template <class F, class Element>
    requires std::invocable<F const&, exactly<Element>>
struct elementwise_result<F, Element> {
    using type = std::invoke_result_t<F const&, exactly<Element>>;
};
template <class F, class Element>
    requires(!std::invocable<F const&, exactly<Element>> && std::invocable<F const&, exactly<Element>, int>)
struct elementwise_result<F, Element> {
    using type = std::invoke_result_t<F const&, exactly<Element>, int>;
};

/// With a transform's arguments, and with random numbers behind them.
template <class F, class... Arguments>
inline constexpr bool draws_for = std::invocable<F const&, Arguments..., sample_random&>;
template <class F, class... Arguments>
inline constexpr bool transforms = std::invocable<F const&, Arguments...> || draws_for<F, Arguments...>;

template <class View>
using read_only = sample_view<typename View::element const, typename View::sample_shape>;

/// Where a copying transform writes to: what it says itself, else a sample like the one before, else one of float.
template <class F, class View>
struct copying_output {
    using floats = sample_view<float, typename View::sample_shape>;
    using type = std::conditional_t<transforms<F, read_only<View>, View>, View,
                                    std::conditional_t<transforms<F, read_only<View>, floats>, floats, void>>;
};
template <class F, class View>
    requires requires { typename F::template output<View>; }
struct copying_output<F, View> {
    using declared = typename F::template output<View>;
    using type = std::conditional_t<transforms<F, read_only<View>, declared>, declared, void>;
};

/// What a transform says itself of the samples that it fits, beyond what it can be called with.
template <class F, class View>
inline constexpr bool fits = true;
template <class F, class View>
    requires requires { F::template fits<View>; }
inline constexpr bool fits<F, View> = F::template fits<View>;

/// How a transform is applied to a View, a sample_view that it may write to, and what comes out.
template <class F, class View>
struct transformation {
    using element = typename elementwise_result<F, typename View::element>::type;
    using copied = typename copying_output<F, View>::type;

    static constexpr transform_kind kind = !detail::fits<F, View>    ? transform_kind::none
                                           : !std::is_void_v<element> ? transform_kind::elementwise
                                           : transforms<F, View>      ? transform_kind::in_place
                                           : !std::is_void_v<copied>  ? transform_kind::copying
                                                                      : transform_kind::none;

    static auto output_of() {
        if constexpr (kind == transform_kind::elementwise)
            return std::type_identity<sample_view<element, typename View::sample_shape>>{};
        else if constexpr (kind == transform_kind::copying) return std::type_identity<copied>{};
        else return std::type_identity<View>{};
    }
    using output = typename decltype(output_of())::type;

    static constexpr bool is_random = [] {
        if constexpr (kind == transform_kind::in_place) return !std::invocable<F const&, View>;
        else if constexpr (kind == transform_kind::copying)
            return !std::invocable<F const&, read_only<View>, output>;
        else return false;
    }();
};

} // namespace detail

/// A function of one sample's elements, a View = sample_view<Element, Shape>, in one of three forms:
///
///     Result operator()(Element) const;                       elementwise, of a sample of any shape; the second
///     Result operator()(Element, int channel) const;          one is told the index along the first axis
///     void operator()(std::span<Element>) const;              in place
///     void operator()(std::span<Element const> from, std::span<Output> to) const;
///
/// The last one changes elements or shape: it writes what `template <class View> using output`, a sample_view,
/// says; where there is no such member, a sample of the same shape, of the same elements or of float. In place of a
/// std::span it may take a sample_view, and thereby fit some shapes only; `template <class View> static constexpr
/// bool fits` can say more of them. The last two may have a last parameter sample_random&, to draw random numbers
/// from. Parameters have types, no auto: they are what says which form it is. Several threads call it at once.
///
/// Where it has `void check() const`, that is called once, when the pipeline is made, and throws usage_error for
/// options that make no sense.
template <class F, class View>
concept transform = detail::transformation<F, View>::kind != transform_kind::none;

} // namespace lockstep
