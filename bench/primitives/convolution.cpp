// SPDX-License-Identifier: MIT
#include "../raw/convolution.hpp"
#include "pair.hpp"
#include "window_loops.hpp"

#include <lockstep/expression/convolution.hpp>

#include <type_traits>

namespace bench {

namespace {

/// By oneDNN, on channels-last images. The weights lie as the library wants them, which costs it nothing here.
template <int In, int Out, int Size, int Window>
class library_convolution {
public:
    explicit library_convolution(int samples, float const* weights)
        : convolution_(dnnl::engine(dnnl::engine::kind::cpu, 0), samples, In, Out, Size, Window, Window / 2,
                       dnnl::memory::format_tag::nhwc, true),
          weights_(convolution_.weight_size()) {
        std::vector<float> plain(std::size_t{Window} * Window * In * Out);
        for (int place = 0; place < Window * Window; ++place)
            for (int in = 0; in < In; ++in)
                for (int out = 0; out < Out; ++out)
                    plain[(out * In + in) * Window * Window + place] = weights[(place * In + in) * Out + out];
        convolution_.import_from(plain, weights_.data());
    }
    void forward(float const* x, float* y) { convolution_.forward(x, weights_.data(), y); }
    void data_gradient(float const* dy, float* dx) { convolution_.data_gradient(dy, weights_.data(), dx); }
    void weight_gradient(float const* x, float const* dy) { convolution_.weight_gradient(x, dy, weights_.data()); }
    /// The weights, or after weight_gradient their gradient, in our layout.
    void export_to(float* weights) const {
        std::vector<float> plain(std::size_t{Window} * Window * In * Out);
        convolution_.export_to(weights_.data(), plain);
        for (int place = 0; place < Window * Window; ++place)
            for (int in = 0; in < In; ++in)
                for (int out = 0; out < Out; ++out)
                    weights[(place * In + in) * Out + out] = plain[(out * In + in) * Window * Window + place];
    }

private:
    raw::convolution convolution_;
    std::vector<float> weights_;
};

/// An object that is made in the first call.
template <class Made>
class made_once {
public:
    Made& operator()(auto const&... arguments) const {
        if (!*made_) *made_ = std::make_unique<Made>(arguments...);
        return **made_;
    }

private:
    std::shared_ptr<std::unique_ptr<Made>> made_ = std::make_shared<std::unique_ptr<Made>>();
};

template <int In, int Out, int Size, int Window>
void add_library_convolution(int samples) {
    constexpr ls::samples<struct image, ls::shape<In, Size, Size>> x;
    constexpr ls::variable<struct weights, ls::shape<Window, Window, In, Out>> w;
    using window = ls::window<Window, Window, 1, 1, Window / 2, Window / 2>;
    constexpr auto y = ls::convolve<window>(x, w);
    using gradient = upstream<decltype(y)>;
    using library = library_convolution<In, Out, Size, Window>;
    std::string const name = "convolution/" + std::to_string(Window) + "x" + std::to_string(Window) + "/" +
                             std::to_string(In) + " to " + std::to_string(Out) + " channels, " + std::to_string(Size) +
                             "x" + std::to_string(Size);
    using geometry = ls::convolution_geometry<In, Size, Size, Out, window>;
    work const amount = flops(geometry::flops * samples);
    made_once<library> const once;
    add_forward(name, y, samples, amount,
                [=](auto const& at, float* out) { once(samples, at(w)).forward(at(x), out); });
    add_backward(name + "/data gradient", y, x, samples, amount,
                 [=](auto const& at, float* out) { once(samples, at(w)).data_gradient(at(gradient{}), out); });
    // Its result is put into our layout outside of the time.
    add_pair(name + "/weight gradient", amount, [=] {
        using own = std::remove_const_t<decltype(y)>;
        auto const ours =
            std::make_shared<derived<own, gradient_with_respect_to<own, std::remove_const_t<decltype(w)>>>>(samples, 1);
        auto const theirs = std::make_shared<library>(samples, (*ours)(w));
        auto const out = std::make_shared<std::vector<float>>(ours->template result<1>().size());
        return comparison{[=] { theirs->weight_gradient((*ours)(x), (*ours)(gradient{})); }, [=] { ours->backward(); },
                          [=] {
                              theirs->export_to(out->data());
                              return std::span<float const>(*out);
                          },
                          [=] { return ours->template result<1>(); }};
    });
}

/// By loops, see window_loops.hpp.
template <int In, int Out, int Size, class Window, int Groups>
void add_looped_convolution(std::string const& name, int samples) {
    using geometry = ls::convolution_geometry<In, Size, Size, Out, Window, Groups>;
    constexpr ls::samples<struct image, ls::shape<In, Size, Size>> x;
    constexpr ls::variable<struct weights, ls::shape<Window::kernel_height, Window::kernel_width, In / Groups, Out>> w;
    constexpr auto y = ls::convolve<Window, Groups>(x, w);
    using gradient = upstream<decltype(y)>;
    using loops = raw::window_loops<geometry>;
    work const amount = flops(geometry::flops * samples);
    add_forward("convolution/" + name, y, samples, amount,
                [=](auto const& at, float* out) { loops::forward(at(x), at(w), out, samples); });
    add_backward("convolution/" + name + "/data gradient", y, x, samples, amount,
                 [=](auto const& at, float* out) { loops::data_gradient(at(gradient{}), at(w), out, samples); });
    add_backward("convolution/" + name + "/weight gradient", y, w, samples, amount,
                 [=](auto const& at, float* out) { loops::weight_gradient(at(x), at(gradient{}), out, samples); });
}

/// A transposed convolution is the data gradient of another one; its own data gradient is that one.
void add_transposed_convolution() {
    constexpr int samples = 8, in = 64, out_channels = 32, size = 16;
    using window = ls::window<2, 2, 2, 2, 0, 0>;
    using geometry = ls::transposed_geometry<in, size, size, out_channels, window, 1, 0, 0>;
    constexpr ls::samples<struct image, ls::shape<in, size, size>> x;
    constexpr ls::variable<struct weights, ls::shape<2, 2, out_channels, in>> w;
    constexpr auto y = ls::convolve_transposed<window>(x, w);
    using gradient = upstream<decltype(y)>;
    using loops = raw::window_loops<geometry>;
    work const amount = flops(geometry::flops * samples);
    std::string const name = "convolution/transposed 2x2 stride 2, 64 to 32 channels, 16x16";
    add_forward(name, y, samples, amount,
                [=](auto const& at, float* out) { loops::data_gradient(at(x), at(w), out, samples); });
    add_backward(name + "/data gradient", y, x, samples, amount,
                 [=](auto const& at, float* out) { loops::forward(at(gradient{}), at(w), out, samples); });
    add_backward(name + "/weight gradient", y, w, samples, amount,
                 [=](auto const& at, float* out) { loops::weight_gradient(at(gradient{}), at(x), out, samples); });
}

} // namespace

void add_convolution() {
    add_library_convolution<64, 64, 16, 3>(8);
    add_library_convolution<64, 128, 16, 1>(8);
    add_looped_convolution<32, 64, 32, ls::window<3, 3, 2, 2, 1, 1>, 1>("3x3 stride 2/32 to 64 channels, 32x32", 8);
    add_looped_convolution<64, 64, 16, ls::window<3, 3, 1, 1, 1, 1>, 64>("depthwise 3x3/64 channels, 16x16", 16);
    add_transposed_convolution();
}

} // namespace bench
