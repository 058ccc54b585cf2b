// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/elementwise.hpp>
#include <lockstep/device/host/kernel_for.hpp>
#include <lockstep/device/host/matmul.hpp>
#include <lockstep/device/host/reduce.hpp>
#include <lockstep/device/host/reshape_kernel.hpp>
#include <lockstep/device/host/window_kernels.hpp>
#include <lockstep/expression/layout.hpp>
#include <lockstep/expression/matmul.hpp>
#include <lockstep/expression/reduce.hpp>

#include <cstdint>

namespace lockstep::host {

namespace detail {

template <class E>
inline constexpr std::int64_t last = E::result_shape::extents[E::result_shape::rank - 1];
/// Rows of a sample, all axes but the last taken together.
template <class E>
inline constexpr std::int64_t leading = E::result_shape::size / last<E>;

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
        matmul_nn<T, out, in, Library>(call.operand<T>(0), call.operand<T>(1), static_cast<T*>(call.result),
                                       call.samples * detail::leading<X>, call.tail);
    }
    static constexpr kernel value{&run, nullptr, true};
};

template <class T, class Library, class G, class W>
struct kernel_for<T, Library, compute<primitive::matmul_right_transposed, G, W>> {
    static void run(kernel_call const& call) {
        constexpr int in = W::result_shape::extents[0], out = W::result_shape::extents[1];
        matmul_nt<T, in, out, Library>(call.operand<T>(0), call.operand<T>(1), static_cast<T*>(call.result),
                                       call.samples * detail::leading<G>, call.tail);
    }
    static constexpr kernel value{&run, nullptr, true};
};

template <class T, class Library, class X, class G>
struct kernel_for<T, Library, compute<primitive::matmul_left_transposed, X, G>> {
    static void run(kernel_call const& call) {
        constexpr int in = detail::last<X>, out = detail::last<G>;
        matmul_tn<T, in, out, Library>(call.operand<T>(0), call.operand<T>(1), static_cast<T*>(call.result),
                                       call.samples * detail::leading<X>);
    }
    static constexpr kernel value{&run};
};

template <class T, class Library, class Shape, bool PerSample, class X>
struct kernel_for<T, Library, compute<primitive::sum_to<Shape, PerSample>, X>> {
    static constexpr kernel value{&sum_kernel<T, X, compute<primitive::sum_to<Shape, PerSample>, X>>::run};
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
