// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/operand.hpp>
#include <lockstep/device/grid/product.hpp>
#include <lockstep/expression/batched_matmul.hpp>

#include <cstdint>

namespace lockstep::grid {

/// A product for each sample and each place of the axes before the last two: A[M, K] B[K, N], one of them maybe
/// transposed.
template <class T, primitive::transposed Which, class A, class B>
struct batched_product {
    using primitive_type = primitive::batched_matmul<Which>;
    static constexpr std::int64_t m = primitive_type::template rows<A>, k = primitive_type::template inner<A>;
    static constexpr std::int64_t columns = primitive_type::template columns<B>;
    static constexpr std::int64_t places_of_sample = A::result_shape::size / (m * k);
    using tile = tile_for<m, columns>;

    static constexpr std::int64_t rows(std::int64_t) { return m; }
    static constexpr std::int64_t depth(std::int64_t) { return k; }
    static constexpr std::int64_t places(std::int64_t samples) {
        return places_of_sample * (A::per_sample || B::per_sample ? samples : 1);
    }
    static constexpr std::int64_t result_size(std::int64_t samples) { return places(samples) * m * columns; }
    static constexpr std::int64_t row_start(std::int64_t place, std::int64_t row) {
        return (place * m + row) * columns;
    }

    static constexpr auto left(call const& c, std::int64_t place) {
        auto const* const a = elements_of<T, A>(c) + own_place<A>(place) * m * k;
        if constexpr (Which == primitive::transposed::left) return matrix_columns<stored<T, A>, m>{{a}};
        else return matrix_rows<stored<T, A>, k>{a};
    }
    static constexpr auto right(call const& c, std::int64_t place) {
        auto const* const b = elements_of<T, B>(c) + own_place<B>(place) * k * columns;
        if constexpr (Which == primitive::transposed::right) return matrix_rows<stored<T, B>, k>{b};
        else return matrix_columns<stored<T, B>, columns>{{b}};
    }

private:
    /// An operand that all samples share has the places of one.
    template <class Operand>
    static constexpr std::int64_t own_place(std::int64_t place) {
        return Operand::per_sample ? place : place % places_of_sample;
    }
};

template <class T, primitive::transposed Which, class A, class B, class R>
struct kernels_for<T, compute<primitive::batched_matmul<Which>, A, B>, R>
    : product_kernels<T, R, batched_product<T, Which, A, B>> {};

} // namespace lockstep::grid
