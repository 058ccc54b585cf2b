// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/attention.hpp>
#include <lockstep/device/host/batched_matmul.hpp>
#include <lockstep/device/host/elementwise.hpp>
#include <lockstep/device/host/gather.hpp>
#include <lockstep/device/host/kernel_for.hpp>
#include <lockstep/device/host/matmul.hpp>
#include <lockstep/device/host/movement.hpp>
#include <lockstep/device/host/normalize.hpp>
#include <lockstep/device/host/reduce.hpp>
#include <lockstep/device/host/rows.hpp>
#include <lockstep/device/host/window_kernels.hpp>
#include <lockstep/expression/layout.hpp>
#include <lockstep/expression/matmul.hpp>
#include <lockstep/expression/reduce.hpp>
#include <lockstep/expression/rows.hpp>
#include <lockstep/expression/shards.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

namespace detail {

template <class E>
inline constexpr std::int64_t last = E::result_shape::extents[E::result_shape::rank - 1];
/// Rows of a matrix, all axes but the last and the samples taken together.
template <class E>
std::int64_t rows_of_operand(kernel_call const& call) {
    return E::result_shape::size / last<E> * (E::per_sample ? call.samples : 1);
}

} // namespace detail

template <class T, class Library, class Function, class... Operands>
struct kernel_for<T, Library, apply<Function, Operands...>> {
    using loops = elementwise<T, apply<Function, Operands...>>;
    static constexpr kernel value{&loops::run, &loops::run_rows};
};

template <class T, class Library, class X, class W>
struct kernel_for<T, Library, compute<primitive::matmul, X, W>> {
    static void run(kernel_call const& call) {
        constexpr int in = detail::last<X>, out = detail::last<W>;
        matmul_nn<T, out, in, Library>(call.operand<T>(operand_index<X>), call.operand<T>(operand_index<W>),
                                       static_cast<T*>(call.result), detail::rows_of_operand<X>(call), call.tail);
    }
    static constexpr kernel value{&run, nullptr, true};
};

template <class T, class Library, class G, class W>
struct kernel_for<T, Library, compute<primitive::matmul_right_transposed, G, W>> {
    static void run(kernel_call const& call) {
        constexpr int in = W::result_shape::extents[0], out = W::result_shape::extents[1];
        matmul_nt<T, in, out, Library>(call.operand<T>(operand_index<G>), call.operand<T>(operand_index<W>),
                                       static_cast<T*>(call.result), detail::rows_of_operand<G>(call), call.tail);
    }
    static constexpr kernel value{&run, nullptr, true};
};

template <class T, class Library, class X, class G>
struct kernel_for<T, Library, compute<primitive::matmul_left_transposed, X, G>> {
    static void run(kernel_call const& call) {
        constexpr int in = detail::last<X>, out = detail::last<G>;
        matmul_tn<T, in, out, Library>(call.operand<T>(operand_index<X>), call.operand<T>(operand_index<G>),
                                       static_cast<T*>(call.result), detail::rows_of_operand<X>(call));
    }
    static constexpr kernel value{&run};
};

template <class T, class Library, class Shape, bool PerSample, class X>
struct kernel_for<T, Library, compute<primitive::sum_to<Shape, PerSample>, X>> {
    static constexpr kernel value{&reduction<T, add_values, X, compute<primitive::sum_to<Shape, PerSample>, X>>::run};
};
template <class T, class Library, class Shape, bool PerSample, class X>
struct kernel_for<T, Library, compute<primitive::max_to<Shape, PerSample>, X>> {
    static constexpr kernel value{&reduction<T, larger_value, X, compute<primitive::max_to<Shape, PerSample>, X>>::run};
};
template <class T, class Library, class X>
struct kernel_for<T, Library, compute<primitive::softmax, X>> {
    static constexpr kernel value{&row_kernels<T, X>::softmax, nullptr, true};
};
template <class T, class Library, class X>
struct kernel_for<T, Library, compute<primitive::logsumexp, X>> {
    static constexpr kernel value{&row_kernels<T, X>::logsumexp};
};
template <class T, class Library, class X>
struct kernel_for<T, Library, compute<primitive::argmax, X>> {
    static constexpr kernel value{&row_kernels<T, X>::argmax};
};
template <class T, class Library, class X, class Index>
struct kernel_for<T, Library, compute<primitive::pick, X, Index>> {
    static constexpr kernel value{&row_kernels<T, X>::pick};
};

template <class T, class Library, bool ToChannelsLast, class X>
struct kernel_for<T, Library, compute<primitive::reorder_image<ToChannelsLast>, X>> {
    static void run(kernel_call const& call) {
        constexpr std::int64_t channels = X::result_shape::extents[0], pixels = X::result_shape::size / channels;
        T const* from = call.operand<T>(0);
        T* to = static_cast<T*>(call.result);
        for (std::int64_t n = 0; n < call.samples; ++n, from += channels * pixels, to += channels * pixels)
            for (std::int64_t p = 0; p < pixels; ++p)
                for (std::int64_t c = 0; c < channels; ++c) {
                    if constexpr (ToChannelsLast) to[p * channels + c] = from[c * pixels + p];
                    else to[c * pixels + p] = from[p * channels + c];
                }
    }
    static constexpr kernel value{&run};
};

// ---- elements that move ----

template <class T, class Library, class Primitive, class X>
    requires requires { Primitive::template moves<X>; }
struct kernel_for<T, Library, compute<Primitive, X>> {
    using kernels = movement_kernel<T, compute<Primitive, X>, X, Primitive::template moves<X>>;
    static constexpr kernel value{&kernels::run};
};
template <class T, class Library, int Axis, class... X>
struct kernel_for<T, Library, compute<primitive::concat<Axis>, X...>> {
    static constexpr kernel value{&concat_kernel<T, Axis, X...>::run};
};
template <class T, class Library, class Table, class Index>
struct kernel_for<T, Library, compute<primitive::gather, Table, Index>> {
    static constexpr kernel value{&gather_kernels<T, Table, Index>::gather};
};
template <class T, class Library, int Rows, class X, class Index>
struct kernel_for<T, Library, compute<primitive::scatter_sum<Rows>, X, Index>> {
    static constexpr kernel value{&gather_kernels<T, X, Index>::template scatter_sum<Rows>};
};

/// The sum over one shard, which is all that a replica sees by itself.
template <class T, class Library, class X>
struct kernel_for<T, Library, compute<primitive::sum_over_shards, X>> {
    static void run(kernel_call const& call) {
        std::copy_n(call.operand<T>(0), X::result_shape::size, static_cast<T*>(call.result));
    }
    static constexpr kernel value{&run};
};

// ---- normalization and attention ----

template <class T, class Library, int Groups, double Epsilon, normalization How, class X>
struct kernel_for<T, Library, compute<primitive::normalize<Groups, Epsilon, How>, X>> {
    static constexpr kernel value{&normalize_kernel<T, Groups, Epsilon, How, X>::forward, nullptr, true};
};
template <class T, class Library, int Groups, double Epsilon, normalization How, class X, class G>
struct kernel_for<T, Library, compute<primitive::normalize_gradient<Groups, Epsilon, How>, X, G>> {
    static constexpr kernel value{&normalize_kernel<T, Groups, Epsilon, How, X>::template gradient<G>, nullptr, true};
};
template <class T, class Library, int Heads, attention_mask Mask, class QKV>
struct kernel_for<T, Library, compute<primitive::attention<Heads, Mask>, QKV>> {
    using state = attention<T, Library, Heads, Mask, QKV>;
    static constexpr kernel value{&state::run, nullptr, false, &detail::make_state<state>, &detail::free_state<state>};
};
template <class T, class Library, int Heads, attention_mask Mask, class QKV, class G>
struct kernel_for<T, Library, compute<primitive::attention_gradient<Heads, Mask>, QKV, G>> {
    using state = attention<T, Library, Heads, Mask, QKV>;
    static constexpr kernel value{&state::template run_gradient<G>, nullptr, false, &detail::make_state<state>,
                                  &detail::free_state<state>};
};
template <class T, class Library, primitive::transposed Which, class A, class B>
struct kernel_for<T, Library, compute<primitive::batched_matmul<Which>, A, B>> {
    static constexpr kernel value{&batched_matmul_kernel<T, Library, Which, A, B>::run};
};

/// What a program asks for the address of a kernel's code.
template <class T, class Library = default_library>
struct backend {
    using element = T;
    template <class E>
    static constexpr void const* kernel() {
        return &kernel_for<T, Library, E>::value;
    }
};

} // namespace lockstep::host
