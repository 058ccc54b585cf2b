// SPDX-License-Identifier: MIT
// Every loss and each of its options, alone and together: for scores of one row, of positions and of pixels, and for
// targets that are numbers.
#include "check.hpp"

#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/softmax.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/loss/regression.hpp>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

/// A model that does nothing: its scores are its input.
struct identity {
    constexpr auto operator()(auto x) const { return x; }
};
template <int... Extents>
using scores = sequential<shape<Extents...>, identity>;

template <class Loss>
void check_rows() {
    check_model<scores<3>, Loss>();
    check_model<scores<5, 3>, Loss>();
    check_model<scores<3, 2, 5>, Loss>();
    check_model<scores<3, 1, 1>, Loss>();
    check_model<sequential<shape<2>, ls::linear<3>, ls::log_softmax>, Loss>();
}

/// Targets and outputs lie in [-1, 1], so every one of the losses meets both sides of its kinks.
template <class Loss>
void check_numbers() {
    check_model<scores<1>, Loss>();
    check_model<scores<17>, Loss>();
    check_model<scores<5, 3>, Loss>();
    check_model<scores<3, 2, 5>, Loss>();
    check_model<sequential<shape<3>, ls::linear<5>>, Loss>();
}

using weights = ls::class_weights<0.5, 2.0, 1.25>;
using smoothing = ls::label_smoothing<0.1>;
using ignored = ls::ignore_index<-100>;

struct loss_case {
    char const* name;
    void (*run)();
};

constexpr loss_case cases[] = {
    {"cross_entropy", check_rows<ls::cross_entropy>},
    {"cross_entropy, ignore_index", check_rows<ls::cross_entropy_with<ignored>>},
    {"cross_entropy, a class is ignored", check_rows<ls::cross_entropy_with<ls::ignore_index<1>>>},
    {"cross_entropy, class_weights", check_rows<ls::cross_entropy_with<weights>>},
    {"cross_entropy, label_smoothing", check_rows<ls::cross_entropy_with<smoothing>>},
    {"cross_entropy, label_smoothing of 1", check_rows<ls::cross_entropy_with<ls::label_smoothing<1.0>>>},
    {"cross_entropy, class_weights and label_smoothing", check_rows<ls::cross_entropy_with<weights, smoothing>>},
    {"cross_entropy, all options", check_rows<ls::cross_entropy_with<weights, smoothing, ignored, ls::reduce_by_sum>>},
    {"nll", check_rows<ls::nll>},
    {"nll, all options", check_rows<ls::nll_with<weights, ignored, ls::reduce_by_sum>>},
    {"mse", check_numbers<ls::mse>},
    {"mse, reduce_by_sum", check_numbers<ls::mse_with<ls::reduce_by_sum>>},
    {"l1", check_numbers<ls::l1>},
    {"huber", check_numbers<ls::huber<>>},
    {"huber of a small delta", check_numbers<ls::huber<0.3>>},
    {"bce_with_logits", check_numbers<ls::bce_with_logits>},
    {"kl_div", check_numbers<ls::kl_div>},
};

} // namespace

TEST_CASE("derived gradients of losses are those that differences show") {
    for (loss_case const& each : cases)
        SUBCASE(each.name) { each.run(); }
}

namespace {

/// -weight log softmax(scores)[target], smoothed, as PyTorch documents CrossEntropyLoss, and what the mean divides by.
struct plain_cross_entropy {
    std::vector<double> weights = {1.0, 1.0, 1.0};
    double smoothing = 0.0;
    double sum = 0.0, divisor = 0.0;

    void add(double const* scores, int step, int target) {
        double total = 0.0;
        for (int c = 0; c < 3; ++c) total += std::exp(scores[c * step]);
        auto log_loss = [&](int c) { return std::log(total) - scores[c * step]; };
        sum += (1.0 - smoothing) * weights[target] * log_loss(target);
        for (int c = 0; c < 3; ++c) sum += smoothing / 3.0 * weights[c] * log_loss(c);
        divisor += weights[target];
    }
};

/// Values and divisors of 3 samples of scores [3, 2, 5]: a class for each pixel, every fourth one ignored.
template <class Loss>
void compare_pixels(plain_cross_entropy expected, bool ignores) {
    using model = scores<3, 2, 5>;
    std::mt19937_64 generator(3);
    std::vector<double> const input = random_values(3 * 30, generator);
    std::vector<std::int32_t> targets = random_indices(3 * 10, 3, generator);
    for (std::size_t i = 0; ignores && i < targets.size(); i += 4) targets[i] = -100;
    for (std::size_t i = 0; i < targets.size(); ++i)
        if (targets[i] >= 0) expected.add(input.data() + i / 10 * 30 + i % 10, 10, targets[i]);
    pass<double> run(pass_plan<model, Loss, double, ls::host::portable, 3>);
    CHECK(run.forward(input, targets.data(), 3) == doctest::Approx(expected.sum).epsilon(1e-12));
    CHECK(run.divisor(3) == doctest::Approx(expected.divisor).epsilon(1e-12));
}

} // namespace

TEST_CASE("a cross entropy of pixels is what plain loops compute") {
    std::vector<double> const some{0.5, 2.0, 1.25};
    compare_pixels<ls::cross_entropy>({}, false);
    compare_pixels<ls::cross_entropy_with<ignored>>({}, true);
    compare_pixels<ls::cross_entropy_with<weights>>({.weights = some}, false);
    compare_pixels<ls::cross_entropy_with<smoothing>>({.smoothing = 0.1}, false);
    compare_pixels<ls::cross_entropy_with<weights, smoothing>>({.weights = some, .smoothing = 0.1}, false);
    compare_pixels<ls::cross_entropy_with<weights, smoothing, ignored>>({.weights = some, .smoothing = 0.1}, true);
}
