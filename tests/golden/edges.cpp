// SPDX-License-Identifier: MIT
// Numbers at the edge: where PyTorch is finite we are, and where it is not we say the same. The expected values follow
// from the formulas that PyTorch documents for CrossEntropyLoss, Softmax, LogSoftmax, BCEWithLogitsLoss, BatchNorm1d
// and LayerNorm, at places where each of their terms is a number that can be read off.
#include "harness.hpp"

#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/layer_norm.hpp>
#include <lockstep/layer/softmax.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/loss/regression.hpp>

#include <doctest/doctest.h>

#include <limits>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
double const ln2 = std::log(2.0);

/// The same numbers to rounding, the same infinities, and NaN where NaN is expected.
template <class T>
void check_values(std::vector<T> const& found, std::vector<double> const& expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        CAPTURE(i);
        auto const value = static_cast<double>(found[i]);
        if (std::isnan(expected[i])) CHECK(std::isnan(value));
        else if (std::isinf(expected[i])) CHECK(value == expected[i]);
        else CHECK(value == doctest::Approx(expected[i]).epsilon(1e-5));
    }
}

template <class T>
std::vector<T> values_of(std::vector<double> const& values) {
    return std::vector<T>(values.begin(), values.end());
}

struct identity {
    constexpr auto operator()(auto x) const { return x; }
};

/// A layer's results, and its gradients for an upstream gradient, of samples of a shape.
template <class T, class Model>
void check_layer(std::vector<double> const& input, std::vector<double> const& expected,
                 std::vector<double> const& upstream = {}, std::vector<double> const& gradient = {}) {
    constexpr int samples = 4;
    std::int64_t const count = static_cast<std::int64_t>(input.size()) / Model::input_shape::size;
    pass<T> model(pass_plan<Model, inner_product, T, ls::host::default_library, samples>);
    for (int i = 0; i < model.parameter_count(); ++i) {
        std::string const name = model.parameter_name(i);
        T const initial = name.ends_with("weight") || name.ends_with("running_var") ? T(1) : T(0);
        model.set_parameter(i, std::vector<T>(static_cast<std::size_t>(model.parameter_size(i)), initial));
    }
    std::vector<T> from_above = values_of<T>(upstream);
    from_above.resize(expected.size());
    model.forward(values_of<T>(input), from_above.data(), count);
    check_values(model.output(count), expected);
    if (upstream.empty()) return;
    model.backward();
    check_values(model.input_gradient(count), gradient);
    // Nothing of a constant batch spoils running statistics.
    model.merge_states(count);
    for (int i = 0; i < model.parameter_count(); ++i)
        for (T const value : model.parameter(i)) CHECK(std::isfinite(value));
}

/// A loss of one sample, and its gradient.
template <class T, class Loss, class Target>
void check_loss(std::vector<double> const& scores, std::vector<Target> const& target, double expected,
                std::vector<double> const& gradient) {
    pass<T> model(pass_plan<sequential<shape<3>, identity>, Loss, T, ls::host::default_library, 1>);
    check_values(std::vector<T>{model.forward(values_of<T>(scores), target.data(), 1)}, {expected});
    model.backward();
    check_values(model.input_gradient(1), gradient);
}

using softmax = sequential<shape<3>, ls::softmax>;
using log_softmax = sequential<shape<3>, ls::log_softmax>;
using targets = std::vector<std::int32_t>;

} // namespace

TEST_CASE_TEMPLATE("softmax and log_softmax of logits at the edge", T, float, double) {
    check_layer<T, softmax>({1e4, 0.0, -1e4}, {1.0, 0.0, 0.0}, {1.0, 2.0, 3.0}, {0.0, 0.0, 0.0});
    check_layer<T, softmax>({1e4, 1e4, -1e4}, {0.5, 0.5, 0.0}, {1.0, 2.0, 3.0}, {-0.25, 0.25, 0.0});
    check_layer<T, softmax>({-infinity, 0.0, 0.0}, {0.0, 0.5, 0.5}, {1.0, 2.0, 3.0}, {0.0, -0.25, 0.25});
    check_layer<T, softmax>({-infinity, -infinity, -infinity}, {not_a_number, not_a_number, not_a_number});
    check_layer<T, softmax>({infinity, 0.0, 0.0}, {not_a_number, not_a_number, not_a_number});
    check_layer<T, softmax>({not_a_number, 0.0, 0.0}, {not_a_number, not_a_number, not_a_number});
    check_layer<T, log_softmax>({1e4, 0.0, -1e4}, {0.0, -1e4, -2e4}, {1.0, 2.0, 3.0}, {-5.0, 2.0, 3.0});
    check_layer<T, log_softmax>({-infinity, 0.0, 0.0}, {-infinity, -ln2, -ln2}, {1.0, 2.0, 3.0}, {1.0, -1.0, 0.0});
    check_layer<T, log_softmax>({-infinity, -infinity, -infinity}, {not_a_number, not_a_number, not_a_number});
}

TEST_CASE_TEMPLATE("cross_entropy of logits at the edge", T, float, double) {
    using smoothed = ls::cross_entropy_with<ls::label_smoothing<0.3>>;
    check_loss<T, ls::cross_entropy>({1e4, 0.0, -1e4}, targets{0}, 0.0, {0.0, 0.0, 0.0});
    check_loss<T, ls::cross_entropy>({1e4, 0.0, -1e4}, targets{1}, 1e4, {1.0, -1.0, 0.0});
    check_loss<T, ls::cross_entropy>({-1e4, -1e4, -1e4}, targets{2}, std::log(3.0), {1.0 / 3, 1.0 / 3, -2.0 / 3});
    check_loss<T, ls::cross_entropy>({-infinity, 0.0, 0.0}, targets{1}, ln2, {0.0, -0.5, 0.5});
    check_loss<T, ls::cross_entropy>({-infinity, 0.0, 0.0}, targets{0}, infinity, {-1.0, 0.5, 0.5});
    check_loss<T, ls::cross_entropy>({-infinity, -infinity, -infinity}, targets{0}, not_a_number,
                                     {not_a_number, not_a_number, not_a_number});
    // 0.7 log_loss(1) + 0.1 (0 + 1e4 + 2e4).
    check_loss<T, smoothed>({1e4, 0.0, -1e4}, targets{1}, 0.7e4 + 0.3e4, {0.9, -0.8, -0.1});
    // An ignored target hides its scores, but for what 0 does not hide: 0 NaN is NaN.
    using ignoring = ls::cross_entropy_with<ls::ignore_index<-100>>;
    check_loss<T, ignoring>({1e4, -infinity, 0.0}, targets{-100}, 0.0, {0.0, 0.0, 0.0});
    check_loss<T, ignoring>({1e4, -infinity, not_a_number}, targets{-100}, 0.0,
                            {not_a_number, not_a_number, not_a_number});
}

TEST_CASE_TEMPLATE("bce_with_logits of logits at the edge", T, float, double) {
    check_loss<T, ls::bce_with_logits>({1e4, 1e4, -1e4}, values_of<T>({0.0, 1.0, 1.0}), 2e4, {1.0, 0.0, -1.0});
    // sigmoid(0) - target, where max(x, 0) and |x| have kinks.
    check_loss<T, ls::bce_with_logits>({0.0, 0.0, -1e4}, values_of<T>({0.25, 1.0, 0.0}), 2.0 * ln2, {0.25, -0.5, 0.0});
}

TEST_CASE_TEMPLATE("a batch of one value normalizes to nothing", T, float, double) {
    using batch = sequential<shape<2>, ls::batch_norm<>>;
    double const scale = 1.0 / std::sqrt(1e-5);
    // Four equal samples: a variance of 0, so y is the bias and dx is (g - mean(g)) / sqrt(epsilon).
    check_layer<T, batch>({3.5, -2.0, 3.5, -2.0, 3.5, -2.0, 3.5, -2.0}, std::vector<double>(8, 0.0),
                          {1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0},
                          {0.0, 0.0, -scale, 0.0, -scale, 0.0, 2.0 * scale, 0.0});
    // A batch of one sample, which PyTorch refuses: y is the bias, and no slope is left.
    check_layer<T, batch>({3.5, -2.0}, {0.0, 0.0}, {1.0, 2.0}, {0.0, 0.0});
    using row = sequential<shape<2>, ls::layer_norm<>>;
    check_layer<T, row>({3.5, 3.5}, {0.0, 0.0}, {1.0, 3.0}, {-scale, scale});
}
