// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/kernel.hpp>
#include <lockstep/device/host/matmul.hpp>
#include <lockstep/expression/batched_matmul.hpp>
#include <lockstep/program/schedule.hpp>

#include <cstdint>

namespace lockstep::host {

/// A product for each sample and each place of the axes before the last two.
template <class T, class Library, primitive::transposed Which, class A, class B>
struct batched_matmul_kernel {
    using product = primitive::batched_matmul<Which>;
    using result = compute<product, A, B>;
    static constexpr int rows = product::template rows<A>, inner = product::template inner<A>;
    static constexpr int columns = product::template columns<B>;
    static constexpr std::int64_t a_size = std::int64_t{rows} * inner, b_size = std::int64_t{inner} * columns;
    static constexpr std::int64_t places = A::result_shape::size / a_size;

    static void run(kernel_call const& call) {
        T* c = static_cast<T*>(call.result);
        std::int64_t const samples = result::per_sample ? call.samples : 1;
        for (std::int64_t n = 0; n < samples; ++n)
            for (std::int64_t place = 0; place < places; ++place, c += std::int64_t{rows} * columns) {
                T const* const a = call.operand<T>(operand_index<A>) + ((A::per_sample ? n * places : 0) + place) * a_size;
                T const* const b = call.operand<T>(operand_index<B>) + ((B::per_sample ? n * places : 0) + place) * b_size;
                if constexpr (Which == primitive::transposed::none) matmul_nn<T, columns, inner, Library>(a, b, c, rows);
                else if constexpr (Which == primitive::transposed::right) matmul_nt<T, columns, inner, Library>(a, b, c, rows);
                else matmul_tn<T, rows, columns, Library>(a, b, c, inner);
            }
    }
};

} // namespace lockstep::host
