// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/image_convolution.hpp>
#include <lockstep/device/host/library.hpp>
#include <lockstep/device/host/patch_convolution.hpp>
#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/shape/convolution.hpp>

#include <cstdint>
#include <type_traits>

namespace lockstep::host {

/// Two-dimensional convolution and its gradients: images channels-last, weights [kernel_height][kernel_width]
/// [in_channels / groups][out_channels]; `n` images; results are overwritten. A bias is an elementwise tail. One
/// object an operation and thread: it keeps its working memory, and only the first call of each kind, or one with
/// more images than before, allocates. Everything runs on the calling thread.
template <class T, class Geometry, class Library = default_library>
class convolution {
    using g = Geometry;

public:
    /// y[n] from x[n] and w; tail gets the pixels of y.
    void forward(T const* x, T const* w, T* y, std::int64_t n, row_tail tail = {}) {
        forward_.forward(x, w, y, n, tail);
    }
    /// dx[n] from dy[n] and w; tail gets the pixels of dx.
    void data_gradient(T const* dy, T const* w, T* dx, std::int64_t n, row_tail tail = {}) {
        gradients_.data_gradient(dy, w, dx, n, tail);
    }
    /// dw, summed over the images, from x[n] and dy[n]. Without images it is zero.
    void weight_gradient(T const* x, T const* dy, T* dw, std::int64_t n) {
        gradients_.weight_gradient(x, dy, dw, n);
    }

private:
    // (Measured.) A pass over weights that do not fit into a second-level cache should serve more than 16 pixels.
    // The forward pass of the register tiles only loses to them below that, or to a library.
    static constexpr int out_pixels = g::out_height * g::out_width;
    static constexpr bool few_pixels = g::groups == 1 && out_pixels <= 16 && g::weight_size >= 256 * 1024;
    static constexpr bool very_few_pixels = few_pixels && (out_pixels <= 4 || library_matmul<T, Library>::found);

    template <bool Patches>
    using kernels =
        std::conditional_t<Patches, patch_convolution<T, Geometry, Library>, image_convolution<T, Geometry>>;

    kernels<very_few_pixels> forward_;
    kernels<few_pixels> gradients_;
};

} // namespace lockstep::host
