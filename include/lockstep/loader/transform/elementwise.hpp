// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/transform/transform.hpp>

#include <cstdint>

namespace lockstep::detail {

template <class F, class Element>
inline constexpr bool is_elementwise = !std::is_void_v<typename elementwise_result<F, Element>::type>;

/// Whether it is told the channel.
template <class F, class Element>
inline constexpr bool is_by_channel = is_elementwise<F, Element> && !std::invocable<F const&, exactly<Element>>;

template <class F, class Element>
constexpr auto apply_to_element(F const& f, Element value, int channel) {
    if constexpr (is_by_channel<F, Element>) return f(value, channel);
    else return f(value);
}

/// One elementwise transform after another, in one loop.
template <class First, class Second>
struct fused_elementwise {
    First first;
    Second second;
};

template <class First, class Second, class Element>
struct elementwise_result<fused_elementwise<First, Second>, Element>
    : elementwise_result<Second, typename elementwise_result<First, Element>::type> {};

template <class First, class Second, class Element>
inline constexpr bool is_by_channel<fused_elementwise<First, Second>, Element> =
    is_by_channel<First, Element> || is_by_channel<Second, typename elementwise_result<First, Element>::type>;

template <class First, class Second, class Element>
constexpr auto apply_to_element(fused_elementwise<First, Second> const& f, Element value, int channel) {
    return apply_to_element(f.second, apply_to_element(f.first, value, channel), channel);
}

/// The two don't overlap, and the function is a copy that nobody else writes to: only when told so do compilers
/// vectorize, as bytes may alias anything.
template <std::int64_t Size, class F, class From, class To>
void transform_elements(F f, From const* __restrict from, To* __restrict to, int channel) {
    for (std::int64_t i = 0; i < Size; ++i) to[i] = apply_to_element(f, from[i], channel);
}
template <std::int64_t Size, class F, class T>
void transform_elements_in_place(F f, T* elements, int channel) {
    for (std::int64_t i = 0; i < Size; ++i) elements[i] = apply_to_element(f, elements[i], channel);
}

/// Elements for which an elementwise function is the same: a channel's, or all.
template <class F, class Element, any_shape Shape>
inline constexpr std::int64_t elements_of_a_channel = [] {
    if constexpr (is_by_channel<F, Element> && Shape::rank > 0) return Shape::size / Shape::extents[0];
    else return Shape::size;
}();

template <class F, class From, class To, any_shape Shape>
void apply_elementwise(F const& f, sample_view<From const, Shape> from, sample_view<To, Shape> to) {
    constexpr auto size = elements_of_a_channel<F, From, Shape>;
    for (int c = 0; c < Shape::size / size; ++c)
        transform_elements<size>(f, from.data() + c * size, to.data() + c * size, c);
}
template <class F, class T, any_shape Shape>
void apply_elementwise(F const& f, sample_view<T, Shape> sample) {
    constexpr auto size = elements_of_a_channel<F, T, Shape>;
    for (int c = 0; c < Shape::size / size; ++c)
        transform_elements_in_place<size>(f, sample.data() + c * size, c);
}

} // namespace lockstep::detail
