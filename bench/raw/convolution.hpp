// SPDX-License-Identifier: MIT
#pragma once

#include "memory.hpp"

#include <dnnl.hpp>

#include <cstddef>
#include <optional>
#include <vector>

namespace raw {

/// A square convolution of stride 1 by oneDNN, without bias, its weights in the layout that the library
/// chooses for their gradient: asked for any other, it falls back to its reference loops, 900 times slower.
/// Forward and data gradient may want layouts of their own: the weights are reordered for them.
class convolution {
public:
    using memory = dnnl::memory;
    using tag = memory::format_tag;

    /// The first layer of a net needs no data gradient.
    convolution(dnnl::engine const& engine, int samples, int in, int out, int size, int window, int padding,
                tag layout, bool data_gradient)
        : engine_(engine), stream_(engine),
          plain_({out, in, window, window}, memory::data_type::f32, tag::oihw) {
        memory::dims const one{1, 1}, pad{padding, padding};
        // One channel is both; blocked, the library only knows it by this name.
        tag const x_layout = in == 1 && layout != tag::nhwc ? tag::nchw : layout;
        memory::desc const x({samples, in, size, size}, memory::data_type::f32, x_layout);
        memory::desc const y({samples, out, size, size}, memory::data_type::f32, layout);
        memory::desc const any({out, in, window, window}, memory::data_type::f32, tag::any);
        auto const direct = dnnl::algorithm::convolution_direct;
        dnnl::convolution_forward::primitive_desc const forward(
            {dnnl::prop_kind::forward_training, direct, x, any, y, one, pad, pad}, engine);
        dnnl::convolution_backward_weights::primitive_desc const weight_gradient(
            {direct, x, any, y, one, pad, pad}, engine, forward);
        x_ = memory(x, engine, nullptr);
        y_ = memory(y, engine, nullptr);
        weights_ = memory(weight_gradient.diff_weights_desc(), engine, nullptr);
        forward_ = dnnl::convolution_forward(forward);
        weight_gradient_ = dnnl::convolution_backward_weights(weight_gradient);
        forward_weights_ = reordered(forward.weights_desc());
        if (!data_gradient) return;
        dnnl::convolution_backward_data::primitive_desc const data({direct, x, any, y, one, pad, pad}, engine,
                                                                   forward);
        data_gradient_ = dnnl::convolution_backward_data(data);
        data_weights_ = reordered(data.weights_desc());
    }

    /// Elements of the weights, in the library's layout.
    std::size_t weight_size() const { return weights_.get_desc().get_size() / sizeof(float); }

    void forward(float const* x, float const* weights, float* y) {
        set(x_, x), set(weights_, weights), set(y_, y);
        forward_.execute(stream_, {{DNNL_ARG_SRC, x_},
                                   {DNNL_ARG_WEIGHTS, current(forward_weights_)},
                                   {DNNL_ARG_DST, y_}});
    }
    void weight_gradient(float const* x, float const* dy, float* gradient) {
        set(x_, x), set(weights_, gradient), set(y_, dy);
        weight_gradient_.execute(stream_, {{DNNL_ARG_SRC, x_},
                                           {DNNL_ARG_DIFF_WEIGHTS, weights_},
                                           {DNNL_ARG_DIFF_DST, y_}});
    }
    void data_gradient(float const* dy, float const* weights, float* dx) {
        set(x_, dx), set(weights_, weights), set(y_, dy);
        data_gradient_.execute(stream_, {{DNNL_ARG_DIFF_SRC, x_},
                                         {DNNL_ARG_WEIGHTS, current(data_weights_)},
                                         {DNNL_ARG_DIFF_DST, y_}});
    }

    /// Between PyTorch's layout, [out, in, window, window], and the library's.
    void import_from(std::vector<float> const& plain, float* weights) const {
        move(plain_, plain.data(), weights_.get_desc(), weights);
    }
    void export_to(float const* weights, std::vector<float>& plain) const {
        move(weights_.get_desc(), weights, plain_, plain.data());
    }

private:
    /// The weights in another layout.
    struct reordered_weights {
        memory copy;
        dnnl::reorder reorder;
    };
    std::optional<reordered_weights> reordered(memory::desc const& layout) const {
        if (layout == weights_.get_desc()) return std::nullopt;
        memory const copy(layout, engine_);
        return reordered_weights{copy, dnnl::reorder(weights_, copy)};
    }
    memory& current(std::optional<reordered_weights>& other) {
        if (!other) return weights_;
        other->reorder.execute(stream_, weights_, other->copy);
        return other->copy;
    }
    static void set(memory& to, float const* data) { to.set_data_handle(const_cast<float*>(data)); }
    void move(memory::desc const& from, float const* source, memory::desc const& to, float* target) const {
        memory a(from, engine_, const_cast<float*>(source)), b(to, engine_, target);
        dnnl::stream stream(engine_);
        dnnl::reorder(a, b).execute(stream, a, b);
        stream.wait();
    }

    dnnl::engine engine_;
    dnnl::stream stream_;
    memory::desc plain_;
    memory x_, y_, weights_;
    dnnl::convolution_forward forward_;
    dnnl::convolution_backward_weights weight_gradient_;
    dnnl::convolution_backward_data data_gradient_;
    std::optional<reordered_weights> forward_weights_, data_weights_;
};

} // namespace raw
