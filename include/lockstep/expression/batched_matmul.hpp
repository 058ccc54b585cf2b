// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/expression/movement.hpp>

namespace lockstep {

namespace primitive {

/// Which operand of a product is read transposed.
enum class transposed { none, left, right };

/// A product of two matrices at each place of the axes before the last two, which both operands have, and in each
/// sample: A[..., M, K] B[..., K, N] -> [..., M, N]. Its three forms are closed under differentiation.
template <transposed Which>
struct batched_matmul {
    static constexpr char const* name = Which == transposed::none   ? "batched matmul"
                                        : Which == transposed::left ? "batched matmul (left transposed)"
                                                                    : "batched matmul (right transposed)";
    template <class A>
    static constexpr int rows = A::result_shape::extents[A::result_shape::rank - (Which == transposed::left ? 1 : 2)];
    template <class A>
    static constexpr int inner = A::result_shape::extents[A::result_shape::rank - (Which == transposed::left ? 2 : 1)];
    template <class B>
    static constexpr int columns = B::result_shape::extents[B::result_shape::rank - (Which == transposed::right ? 2 : 1)];

    template <class A, class B>
    struct product_rule {
        static constexpr extents value = [] {
            extents result = extents_of<typename A::result_shape>();
            result.extent[result.rank - 2] = rows<A>;
            result.extent[result.rank - 1] = columns<B>;
            return result;
        }();
    };
    template <class A, class B>
    using result_shape = shape_from<product_rule<A, B>>;
    template <class A, class B>
    static constexpr bool per_sample = A::per_sample || B::per_sample;
    template <class A, class B>
    static constexpr double flops = 2.0 * static_cast<double>(A::result_shape::size) * columns<B>;

    template <int Operand, class G, class A, class B>
    static constexpr auto gradient(auto, G, A, B) {
        using none = batched_matmul<transposed::none>;
        using left = batched_matmul<transposed::left>;
        using right = batched_matmul<transposed::right>;
        if constexpr (Which == transposed::none) {
            if constexpr (Operand == 0) return compute<right, G, B>{};
            else return compute<left, A, G>{};
        } else if constexpr (Which == transposed::right) {
            if constexpr (Operand == 0) return compute<none, G, B>{};
            else return compute<left, G, A>{};
        } else {
            if constexpr (Operand == 0) return compute<right, B, G>{};
            else return compute<none, A, G>{};
        }
    }
};

} // namespace primitive

namespace detail {

template <class A, class B>
inline constexpr bool batches_fit = [] {
    if constexpr (A::rank < 2 || A::rank != B::rank) return false;
    else {
        for (int axis = 0; axis + 2 < A::rank; ++axis)
            if (A::extents[axis] != B::extents[axis]) return false;
        return A::extents[A::rank - 1] == B::extents[A::rank - 2];
    }
}();

/// A product for each sample.
template <class A, class B>
concept batched_product =
    expression<A> && expression<B> && (A::per_sample || B::per_sample) && batches_fit<typename A::result_shape, typename B::result_shape>;

/// Three axes would lie as those of an image do, with a matrix's elements apart from each other.
template <class X>
constexpr auto as_matrices(X x) {
    using from = typename X::result_shape;
    if constexpr (from::rank != 3) return x;
    else return reshape<shape<1, from::extents[0], from::extents[1], from::extents[2]>>(x);
}

template <class A, class B>
constexpr auto multiply_matrices(A a, B b) {
    using left = decltype(as_matrices(a));
    using right = decltype(as_matrices(b));
    compute<primitive::batched_matmul<primitive::transposed::none>, left, right> const product;
    if constexpr (A::result_shape::rank != 3) return product;
    else
        return reshape<shape<A::result_shape::extents[0], A::result_shape::extents[1], B::result_shape::extents[2]>>(product);
}

} // namespace detail

} // namespace lockstep
