// SPDX-License-Identifier: MIT
// Platforms that bring a library: its operations take the place of the grid's kernels where they are chosen, keep
// something for each operation and replica, and take operations that follow them.
#include "../parallel/training.hpp"
#include "queues.hpp"

#include <lockstep/device/grid/dense_product.hpp>
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/grid/step.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace tests;

/// The ranges that began.
std::vector<std::string> begun;

/// Queues with a library that multiplies matrices.
struct with_library : queues::platform<true> {
    struct range {
        explicit range(char const* name) { begun.push_back(name); }
    };
};
template <int Number>
struct queue {
    using platform = with_library;
    static constexpr int number = Number;
};
template <int... Number>
using on = ls::devices<queue<Number>...>;

/// What was asked of the library.
struct {
    int alive = 0, launches = 0, refusals = 0;
    bool refuses = false;
    /// How many were made for a device and a number of samples.
    std::map<std::pair<int, std::int64_t>, int> made;
    /// Whether it takes followers, for so many samples and more, and how often it took one of each kind.
    bool takes_followers = false;
    std::int64_t least_samples = 0;
    std::map<ls::grid::follower_kind, int> taken;
} asked;

constexpr std::int64_t scratch_of_library = 100'000;

/// What follows a product, with its matrix and as many rows, where the vector is stored as the result is, R.
template <class R, class M>
void follow(ls::grid::follower const& what, M const* matrix, R* vector, R* result, std::int64_t rows) {
    using enum ls::grid::follower_kind;
    if (what.kind == column_sums) std::fill_n(result, what.columns, R(0));
    for (std::int64_t i = 0; i < rows * what.columns; ++i) {
        auto value = static_cast<float>(matrix[i]);
        std::int64_t const column = i % what.columns;
        if (what.kind == column_sums) result[column] = result[column] + value;
        else {
            if (what.adds_vector()) value += vector[column];
            result[i] = what.kind != bias && value < 0 ? 0.0F : value;
        }
    }
}

} // namespace

template <class Primitive, class Left, class Right, class R>
    requires ls::grid::dense_product_of<ls::compute<Primitive, Left, Right>>::found
struct ls::grid::library_operation<with_library, float, ls::compute<Primitive, Left, Right>, R> {
    using E = compute<Primitive, Left, Right>;
    static constexpr bool found = true;
    /// Not the narrow ones.
    static constexpr bool is_chosen(std::int64_t samples) { return dense_product_of<E>::of(samples).columns > 4; }
    static constexpr std::int64_t scratch_bytes(int, std::int64_t) { return scratch_of_library; }

    static constexpr bool takes(follower const& next, int operand) {
        constexpr dense_product p = dense_product_of<E>::of(1);
        if (next.columns != p.columns) return false;
        return next.kind == follower_kind::column_sums ? p.left_transposed && operand == operand_index<Right> : operand < 0;
    }

    library_operation(int device, std::int64_t samples, follower const& next) : samples_(samples), next_(next) {
        ++asked.alive;
        ++asked.made[{device, samples}];
    }
    library_operation(library_operation const&) = delete;
    ~library_operation() { --asked.alive; }

    bool launch(queues::stream const& s, call const& c) {
        CHECK(c.samples <= samples_);
        CHECK(is_chosen(c.samples));
        if (asked.refuses) {
            ++asked.refusals;
            return false;
        }
        ++asked.launches;
        s.tell([c] {
            run_here(typename kernels_for<float, E, R>::type{}, c);
            // All of it is the call's.
            std::memset(c.scratch, 0xff, scratch_of_library);
        });
        return true;
    }

    bool computes_both(std::int64_t samples) const {
        return asked.takes_followers && next_.kind != follower_kind::none && is_chosen(samples) &&
               samples >= asked.least_samples && samples > 0;
    }
    void launch_both(queues::stream const& s, call const& c, call const& next) {
        CHECK(computes_both(c.samples));
        ++asked.taken[next_.kind];
        bool const sums = next_.kind == follower_kind::column_sums;
        if (!sums) CHECK(next.result == c.result);
        CHECK(next.operands[next_.matrix] == (sums ? c.operands[operand_index<Right>] : c.result));
        auto* const vector = next_.adds_vector() ? const_cast<void*>(next.operands[next_.vector]) : nullptr;
        CHECK(reinterpret_cast<std::uintptr_t>(sums ? next.result : vector) % 16 == 0);
        s.tell([c, next, vector, what = next_] {
            dense_product const p = dense_product_of<E>::of(c.samples);
            run_here(typename kernels_for<float, E, R>::type{}, c);
            auto* const result = static_cast<R*>(next.result);
            if (what.kind == follower_kind::column_sums)
                follow<R>(what, c.template operand<stored<float, Right>>(operand_index<Right>), nullptr, result, p.depth);
            else follow<R>(what, c.template out<R>(), static_cast<R*>(vector), result, p.rows);
        });
    }

private:
    std::int64_t samples_;
    follower next_;
};

namespace {

using mlp = ls::sequential<ls::shape<6>, ls::linear<33>, ls::tanh, ls::linear<20>, ls::relu, ls::linear<4>>;

using taken = std::map<ls::grid::follower_kind, int>;
using enum ls::grid::follower_kind;

/// How often the library took followers in one step of so many samples.
template <class Model, class Devices, class... Policies>
taken taken_by_step(std::int64_t samples) {
    ls::parallel<Model, Devices, Policies...> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.05}, ls::batch_size<16>};
    tests::samples<float, typename Model::input_shape> const data(16, static_cast<int>(Model::output_shape::size), 11);
    asked = {};
    asked.takes_followers = true;
    static_cast<void>(static_cast<double>(trainer.step(data.batch(0, samples))));
    return asked.taken;
}

/// Its first product is read after the relu that follows it; what is added to the second one is no vector.
struct read_again {
    template <class>
    using broken_rule = ls::rule::none;
    template <class In>
    using parameters = ls::parameters<
        ls::parameter<ls::weight, ls::shape<In::extents[0], In::extents[0]>, ls::initializer::fan_in_uniform<In::extents[0]>>>;

    constexpr auto operator()(auto x, auto context) const {
        auto const z = ls::matmul(x, context[ls::weight{}]);
        return ls::matmul(ls::relu{}(z), context[ls::weight{}]) + z;
    }
};

} // namespace

TEST_CASE("a library's operations are made once for each operation and replica, used, and freed") {
    auto const expected = train<mlp, ls::devices<queues::queue<0>>, ls::reproducible<4>>();
    asked = {};
    compare(train<mlp, on<0>, ls::reproducible<4>>(), expected);
    CHECK(asked.launches > 0);
    CHECK(asked.alive == 0);
    // For a step, results of two layers, gradients of their weights, and of the values before the last two; for an
    // evaluation, results of two layers. The last one's are narrow, and nobody asks for the gradient of the samples.
    int const a_replica = 2 + 2 + 2 + 2;
    using made = std::map<std::pair<int, std::int64_t>, int>;
    CHECK(asked.made == made{{{0, 4}, a_replica}});

    int const launches = asked.launches;
    compare(train<mlp, on<0, 1>, ls::reproducible<4>>(), expected);
    CHECK(asked.launches == 2 * launches);
    CHECK(asked.alive == 0);
    CHECK(asked.made == made{{{0, 4}, 2 * a_replica}, {{1, 4}, a_replica}});
}

TEST_CASE("where a library has nothing to launch, the grid's kernels compute") {
    auto const expected = train<mlp, ls::devices<queues::queue<0>>, ls::reproducible<4>>();
    asked = {};
    asked.refuses = true;
    compare(train<mlp, on<0>, ls::reproducible<4>>(), expected);
    CHECK(asked.refusals > 0);
    CHECK(asked.launches == 0);
}

TEST_CASE("a library is given what adds to a product or takes its maximum in place, and sums of the gradient it reads") {
    // For each of four shards. The tanh's chain is none of these, nor has the narrow layer a library.
    CHECK(taken_by_step<mlp, on<0>, ls::reproducible<4>>(16) == taken{{bias_relu, 4}, {column_sums, 8}});
    using images = ls::sequential<ls::shape<3, 4, 4>, ls::conv2d<8, 1>, ls::relu, ls::conv2d<6, 1, ls::no_bias>, ls::relu,
                                  ls::flatten, ls::linear<9>, ls::linear<5>>;
    CHECK(taken_by_step<images, on<0>>(16) == taken{{bias, 2}, {bias_relu, 1}, {relu, 1}, {column_sums, 3}});
}

TEST_CASE("a library is not given what reads a product that is read again, or more than it can add") {
    using others = ls::sequential<ls::shape<6>, ls::residual<ls::linear<6, ls::no_bias>>, ls::linear<9, ls::no_bias>,
                                  ls::gelu_tanh, read_again, ls::linear<4>>;
    CHECK(taken_by_step<others, on<0>>(16) == taken{});
    CHECK(asked.launches > 0);
}

TEST_CASE("with followers in a library, trainings have the results of those without, and its bits on any number of devices") {
    auto const alone = train<mlp, on<0>, ls::reproducible<4>>();
    asked = {};
    asked.takes_followers = true;
    auto const expected = train<mlp, on<0>, ls::reproducible<4>>();
    check_close(expected, alone);
    CHECK(asked.taken.at(bias_relu) > 0);
    CHECK(asked.taken.at(column_sums) == 2 * asked.taken.at(bias_relu));
    compare(train<mlp, on<0, 1>, ls::reproducible<4>>(way::by_parts), expected);
    // Where passes are cut, here behind the gradient of each weight, is nothing to it.
    using each_its_own = ls::buckets<ls::bucket_bytes<1>>;
    compare(train<mlp, on<0>, ls::reproducible<4>, each_its_own>(), expected);
    compare(train<mlp, on<0, 1>, ls::reproducible<4>, each_its_own>(), expected);
    auto const in_one_bucket = taken_by_step<mlp, on<0>, ls::reproducible<4>>(16);
    CHECK(taken_by_step<mlp, on<0>, ls::reproducible<4>, each_its_own>(16) == in_one_bucket);
    CHECK(taken_by_step<mlp, on<0, 1>, ls::reproducible<4>, each_its_own>(16) == in_one_bucket);
}

TEST_CASE("a library may take followers for some numbers of samples alone") {
    auto const alone = train<mlp, on<0>, ls::reproducible<4>>();
    asked = {};
    asked.takes_followers = true;
    asked.least_samples = 4;
    auto const expected = train<mlp, on<0>, ls::reproducible<4>>();
    check_close(expected, alone);
    CHECK(asked.taken.at(bias_relu) > 0);
    CHECK(asked.launches > 0);
    compare(train<mlp, on<0, 1>, ls::reproducible<4>, ls::buckets<ls::bucket_bytes<1>>>(), expected);
}

TEST_CASE("with mixed precision a library adds the bias as it is rounded, and sums gradients of biases as floats") {
    using mixed = ls::mixed_precision<ls::bf16>;
    asked = {};
    auto const alone = train<mlp, on<0>, ls::reproducible<4>, mixed>();
    asked.takes_followers = true;
    auto const expected = train<mlp, on<0>, ls::reproducible<4>, mixed>();
    CHECK(asked.taken.at(bias_relu) > 0);
    CHECK(asked.taken.at(column_sums) > 0);
    check_close(expected, alone, 0.02);
    CHECK(expected.losses != alone.losses);
    compare(train<mlp, on<0, 1>, ls::reproducible<4>, mixed>(), expected);
}

TEST_CASE("two operations that a library computes at once are one range in profiles") {
    ls::parallel<mlp, on<0>> model{ls::seed{3}};
    tests::samples<float, ls::shape<6>> const data(16, 4, 11);
    auto const operations = [&](bool takes_followers) {
        asked = {};
        asked.takes_followers = takes_followers;
        begun.clear();
        static_cast<void>(model(data.inputs));
        return begun;
    };
    auto const own = operations(false), together = operations(true);
    REQUIRE(own.size() == 6);
    CHECK(own[3] == "operation 3: add+relu, layer 2");
    CHECK(together == std::vector<std::string>{own[0], own[1], own[2], own[4], own[5]});
}

TEST_CASE("in double precision this library has nothing") {
    asked = {};
    train<mlp, on<0>, ls::reproducible<4>, ls::element<double>>();
    CHECK(asked.made.empty());
}
