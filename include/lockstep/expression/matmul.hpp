// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/batched_matmul.hpp>
#include <lockstep/expression/expression.hpp>

namespace lockstep {

/// The name of a broken rule: matmul(x, w) needs x's last extent to be w's last but one, and the axes before these
/// to be alike.
template <class Left, class Right>
struct inner_extents_differ {};

namespace primitive {

/// Matrix products between a per-sample operand [..., K] or [..., N], whose leading axes and samples are the
/// rows of one matrix, and a shared one. The three forms are closed under differentiation:
///
///   matmul                  X[..., K] W[K, N]    -> [..., N]
///   matmul_right_transposed G[..., N] W[K, N]^T  -> [..., K]
///   matmul_left_transposed  X[..., K]^T G[..., N] -> [K, N], summed over all rows of all samples
struct matmul;
struct matmul_right_transposed;
struct matmul_left_transposed;

} // namespace primitive

namespace detail {

template <class Shape>
inline constexpr int last_extent = Shape::extents[Shape::rank - 1];

template <class Left, class Right>
concept matrix_product = expression<Left> && expression<Right> && Left::result_shape::rank >= 1 &&
                         Right::result_shape::rank == 2 && !Right::per_sample &&
                         Left::result_shape::extents[Left::result_shape::rank - 1] ==
                             Right::result_shape::extents[0];

} // namespace detail

namespace primitive {

struct matmul {
    static constexpr char const* name = "matmul";
    template <class X, class W>
    using result_shape = shape_from<
        with_last<typename X::result_shape, detail::last_extent<typename W::result_shape>>>;
    template <class X, class>
    static constexpr bool per_sample = X::per_sample;
    template <class X, class W>
    static constexpr double flops =
        2.0 * static_cast<double>(X::result_shape::size) * detail::last_extent<typename W::result_shape>;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x, auto w) {
        if constexpr (Operand == 0)
            return compute<matmul_right_transposed, decltype(upstream), decltype(w)>{};
        else return compute<matmul_left_transposed, decltype(x), decltype(upstream)>{};
    }
};

struct matmul_right_transposed {
    static constexpr char const* name = "matmul (right transposed)";
    template <class G, class W>
    using result_shape = shape_from<with_last<typename G::result_shape, W::result_shape::extents[0]>>;
    template <class G, class>
    static constexpr bool per_sample = G::per_sample;
    template <class G, class W>
    static constexpr double flops = 2.0 * static_cast<double>(G::result_shape::size) * W::result_shape::extents[0];

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto g, auto w) {
        if constexpr (Operand == 0) return compute<matmul, decltype(upstream), decltype(w)>{};
        else return compute<matmul_left_transposed, decltype(upstream), decltype(g)>{};
    }
};

struct matmul_left_transposed {
    static constexpr char const* name = "matmul (left transposed)";
    template <class X, class G>
    using result_shape =
        shape<detail::last_extent<typename X::result_shape>, detail::last_extent<typename G::result_shape>>;
    template <class, class>
    static constexpr bool per_sample = false;
    template <class X, class G>
    static constexpr double flops =
        2.0 * static_cast<double>(X::result_shape::size) * detail::last_extent<typename G::result_shape>;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x, auto g) {
        if constexpr (Operand == 0) return compute<matmul_right_transposed, decltype(g), decltype(upstream)>{};
        else return compute<matmul, decltype(x), decltype(upstream)>{};
    }
};

} // namespace primitive

/// x[..., K] w[K, N] -> [..., N] for a matrix w that all samples share.
template <class X, class W>
    requires detail::matrix_product<X, W>
constexpr auto matmul(X, W) {
    return compute<primitive::matmul, X, W>{};
}
/// a[..., M, K] b[..., K, N] -> [..., M, N]: a product for each sample and each place of the axes before the last two.
template <class A, class B>
    requires(detail::batched_product<A, B> && !detail::matrix_product<A, B>)
constexpr auto matmul(A a, B b) {
    return detail::multiply_matrices(a, b);
}
template <expression A, expression B,
          class Rule = inner_extents_differ<typename A::result_shape, typename B::result_shape>>
    requires(!detail::matrix_product<A, B> && !detail::batched_product<A, B>)
Rule matmul(A, B) = delete;

} // namespace lockstep
