// SPDX-License-Identifier: MIT
// Losses that are added, weighted and on parts of the output: gradients against differences, values by plain loops.
#include "check.hpp"

#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/softmax.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/loss/on.hpp>
#include <lockstep/model/loss/regression.hpp>
#include <lockstep/model/loss/sum.hpp>

namespace {

using namespace tests;
using ls::number;
using ls::on;
using ls::sequential;
using ls::shape;

struct identity {
    constexpr auto operator()(auto x) const { return x; }
};
template <int... Extents>
using scores = sequential<shape<Extents...>, identity>;

template <auto Loss>
using type_of = std::remove_const_t<decltype(Loss)>;

/// Outputs of features and of positions.
template <auto Loss>
void check_features() {
    check_model<scores<6>, type_of<Loss>>();
    check_model<sequential<shape<5, 3>, ls::linear<6>>, type_of<Loss>>();
}
/// And of pixels.
template <auto Loss>
void check_classes() {
    check_features<Loss>();
    check_model<sequential<shape<2, 3, 4>, ls::conv2d<6, 2>>, type_of<Loss>>();
}

constexpr ls::mse mse;
constexpr ls::l1 l1;
constexpr ls::kl_div kl_div;
constexpr ls::bce_with_logits bce;
constexpr ls::mse_with<ls::reduce_by_sum> sum_of_squares;
constexpr ls::cross_entropy entropy;
constexpr ls::cross_entropy_with<ls::ignore_index<1>> without_one;
constexpr ls::cross_entropy_with<ls::ignore_index<-100>> padded;
constexpr ls::nll_with<ls::ignore_index<-100>> padded_nll;
constexpr ls::cross_entropy_with<ls::class_weights<0.5, 2.0, 1.25, 1.0, 1.0, 0.0>> weighed;
constexpr ls::cross_entropy_with<ls::reduce_by_sum> sum_of_entropies;

struct loss_case {
    char const* name;
    void (*run)();
};

constexpr loss_case cases[] = {
    {"one number for all", check_features<number<0.3> * mse>},
    {"means of elements", check_features<mse + number<0.3> * l1>},
    {"means of elements and of samples", check_features<number<-2.0> * mse + number<0.3> * kl_div + bce>},
    {"sums", check_features<sum_of_squares + number<0.5> * sum_of_squares>},
    {"a sum and a mean", check_features<sum_of_squares + number<0.5> * l1>},
    {"parts", check_features<on<0, 2>(mse) + number<0.5> * on<2, 6>(l1)>},
    {"parts that overlap", check_features<on<0, 4>(mse) + on<2, 6>(bce)>},
    {"a part alone", check_features<on<1, 2>(mse)>},
    {"a part that is everything", check_features<on<0, 6>(mse) + mse>},
    {"a part of a sum", check_features<on<3, 6>(mse + number<3.0> * l1)>},
    {"a sum's weight", check_features<number<0.5> * (mse + number<3.0> * l1) + kl_div>},
    {"classes", check_classes<entropy + number<0.2> * entropy>},
    {"classes of parts", check_classes<on<0, 3>(entropy) + number<0.2> * on<3, 6>(entropy)>},
    {"targets that are ignored by both", check_classes<padded + number<0.2> * padded_nll>},
    {"targets that are ignored by one", check_classes<without_one + number<0.2> * entropy>},
    {"classes that weigh in one", check_classes<without_one + number<0.2> * weighed + sum_of_entropies>},
    {"parts that count differently", check_classes<on<0, 3>(without_one) + number<0.2> * on<2, 6>(entropy)>},
};

} // namespace

TEST_CASE("derived gradients of sums of losses are those that differences show") {
    for (loss_case const& each : cases)
        SUBCASE(each.name) { each.run(); }
}

namespace {

/// Two positions of six scores for each of three samples, and a class among the first three for each position.
struct tagged_rows {
    static constexpr std::size_t rows = 6, columns = 6;
    std::vector<double> input;
    std::vector<std::int32_t> targets{0, 2, 1, 1, 0, 2};

    tagged_rows() {
        std::mt19937_64 generator(3);
        input = random_values(rows * columns, generator);
    }
    double entropy(std::size_t row, std::size_t first, std::size_t last) const {
        double total = 0.0;
        for (std::size_t c = first; c < last; ++c) total += std::exp(input[row * columns + c]);
        return std::log(total) - input[row * columns + first + static_cast<std::size_t>(targets[row])];
    }
    /// What the trainer makes of a loss: its values, added up and divided by what they count.
    template <auto Loss>
    double mean() const {
        pass<double> run(pass_plan<scores<2, 6>, type_of<Loss>, double, ls::host::portable, 3>);
        double const sum = run.forward(input, targets.data(), 3);
        return ls::detail::is_sum_loss<type_of<Loss>> ? sum : sum / run.divisor(3);
    }
};

} // namespace

TEST_CASE("each loss of a sum is the mean over what it counts") {
    tagged_rows const data;
    double plain = 0.0, later = 0.0, without = 0.0, counted = 0.0, weights = 0.0, by_weight = 0.0;
    constexpr double weight[] = {0.5, 2.0, 1.25};
    for (std::size_t row = 0; row < tagged_rows::rows; ++row) {
        auto const target = static_cast<std::size_t>(data.targets[row]);
        plain += data.entropy(row, 0, 6);
        later += data.entropy(row, 3, 6);
        if (target != 1) without += data.entropy(row, 0, 6), counted += 1.0;
        weights += weight[target], by_weight += weight[target] * data.entropy(row, 0, 6);
    }
    auto const is = [](double expected) { return doctest::Approx(expected).epsilon(1e-12); };
    CHECK(data.mean<entropy>() == is(plain / 6));
    CHECK(data.mean<number<0.2> * entropy>() == is(0.2 * plain / 6));
    CHECK(data.mean<on<3, 6>(entropy)>() == is(later / 6));
    CHECK(data.mean<entropy + number<0.2> * on<3, 6>(entropy)>() == is(plain / 6 + 0.2 * later / 6));
    CHECK(data.mean<without_one + number<0.2> * without_one>() == is(1.2 * without / counted));
    CHECK(data.mean<without_one + number<0.2> * entropy>() == is(without / counted + 0.2 * plain / 6));
    CHECK(data.mean<without_one + weighed>() == is(without / counted + by_weight / weights));
    CHECK(data.mean<entropy + number<0.1> * sum_of_entropies>() == is(plain / 6 + 0.1 * plain));
    CHECK(data.mean<sum_of_entropies + number<0.1> * sum_of_entropies>() == is(1.1 * plain));
    // Of a loss that counts nothing the share is 0.
    constexpr ls::cross_entropy_with<ls::class_weights<0.0, 0.0, 0.0, 1.0, 1.0, 1.0>> of_no_target;
    CHECK(data.mean<of_no_target + entropy>() == is(plain / 6));
}

TEST_CASE("targets of numbers are cut as the output is") {
    std::mt19937_64 generator(4);
    std::vector<double> const input = random_values(18, generator), targets = random_values(18, generator);
    double squares = 0.0, distances = 0.0;
    for (std::size_t i = 0; i < 18; ++i) {
        double const difference = input[i] - targets[i];
        if (i % 6 < 2) squares += difference * difference / 6;
        else distances += std::abs(difference) / 12;
    }
    constexpr auto loss = on<0, 2>(mse) + number<0.5> * on<2, 6>(l1);
    pass<double> run(pass_plan<scores<6>, type_of<loss>, double, ls::host::portable, 3>);
    double const sum = run.forward(input, targets.data(), 3);
    CHECK(sum / run.divisor(3) == doctest::Approx(squares + 0.5 * distances).epsilon(1e-12));
    CHECK(run.divisor(3) == 3.0);
}
