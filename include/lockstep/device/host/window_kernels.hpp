// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/averaging.hpp>
#include <lockstep/device/host/convolution.hpp>
#include <lockstep/device/host/kernel_for.hpp>
#include <lockstep/device/host/pooling.hpp>
#include <lockstep/expression/convolution.hpp>
#include <lockstep/expression/pooling.hpp>

namespace lockstep::host {

template <class T, class Library, class Geometry>
struct convolution_kernel {
    using state = convolution<T, Geometry, Library>;
    static void forward(kernel_call const& call) {
        static_cast<state*>(call.state)->forward(call.operand<T>(0), call.operand<T>(1),
                                                 static_cast<T*>(call.result), call.samples, call.tail);
    }
    static void data_gradient(kernel_call const& call) {
        static_cast<state*>(call.state)->data_gradient(call.operand<T>(0), call.operand<T>(1),
                                                       static_cast<T*>(call.result), call.samples, call.tail);
    }
    static void weight_gradient(kernel_call const& call) {
        static_cast<state*>(call.state)->weight_gradient(call.operand<T>(0), call.operand<T>(1),
                                                         static_cast<T*>(call.result), call.samples);
    }
    static constexpr kernel with_state(void (*run)(kernel_call const&), bool takes_tail) {
        return {run, nullptr, takes_tail, &detail::make_state<state>, &detail::free_state<state>};
    }
};

template <class T, class Library, class Window, int Groups, class X, class W>
struct kernel_for<T, Library, compute<primitive::convolution<Window, Groups>, X, W>> {
    using kernels =
        convolution_kernel<T, Library, typename primitive::convolution<Window, Groups>::template geometry<X, W>>;
    static constexpr kernel value = kernels::with_state(&kernels::forward, true);
};
template <class T, class Library, class Geometry, class G, class W>
struct kernel_for<T, Library, compute<primitive::convolution_data_gradient<Geometry>, G, W>> {
    using kernels = convolution_kernel<T, Library, Geometry>;
    static constexpr kernel value = kernels::with_state(&kernels::data_gradient, true);
};
template <class T, class Library, class Geometry, class X, class G>
struct kernel_for<T, Library, compute<primitive::convolution_weight_gradient<Geometry>, X, G>> {
    using kernels = convolution_kernel<T, Library, Geometry>;
    static constexpr kernel value = kernels::with_state(&kernels::weight_gradient, false);
};

template <class T, class Library, class Window, class X>
struct kernel_for<T, Library, compute<primitive::max_pool<Window>, X>> {
    static void run(kernel_call const& call) {
        using geometry = typename primitive::max_pool<Window>::template geometry<X>;
        max_pool<T, geometry>(call.operand<T>(0), static_cast<T*>(call.result), call.samples, call.tail);
    }
    static constexpr kernel value{&run, nullptr, true};
};
template <class T, class Library, class Geometry, class X, class G>
struct kernel_for<T, Library, compute<primitive::max_pool_gradient<Geometry>, X, G>> {
    static void run(kernel_call const& call) {
        max_pool_gradient<T, Geometry>(call.operand<T>(0), call.operand<T>(1), static_cast<T*>(call.result),
                                       call.samples, call.tail);
    }
    static constexpr kernel value{&run, nullptr, true};
};

template <class T, class Library, class Average, class X>
struct kernel_for<T, Library, compute<primitive::avg_pool<Average>, X>> {
    static void run(kernel_call const& call) {
        using geometry = typename primitive::avg_pool<Average>::template geometry<X>;
        avg_pool<T, geometry>(call.operand<T>(0), static_cast<T*>(call.result), call.samples, call.tail);
    }
    static constexpr kernel value{&run, nullptr, true};
};
template <class T, class Library, class Geometry, class G>
struct kernel_for<T, Library, compute<primitive::avg_pool_gradient<Geometry>, G>> {
    static void run(kernel_call const& call) {
        avg_pool_gradient<T, Geometry>(call.operand<T>(0), static_cast<T*>(call.result), call.samples, call.tail);
    }
    static constexpr kernel value{&run, nullptr, true};
};

} // namespace lockstep::host
