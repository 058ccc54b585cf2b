// SPDX-License-Identifier: MIT
// Platforms that bring a library: its operations take the place of the grid's kernels where they are chosen, and keep
// something for each operation and replica.
#include "../parallel/training.hpp"
#include "queues.hpp"

#include <lockstep/device/grid/dense_product.hpp>
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/grid/step.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <map>
#include <utility>

namespace {

using namespace tests;

/// Queues with a library that multiplies matrices.
struct with_library : queues::platform<true> {};
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
} asked;

constexpr std::int64_t scratch_of_library = 100'000;

} // namespace

template <class E>
    requires ls::grid::dense_product_of<E>::found
struct ls::grid::library_operation<with_library, float, E> {
    static constexpr bool found = true;
    /// Not the narrow ones.
    static constexpr bool is_chosen(std::int64_t samples) { return dense_product_of<E>::of(samples).columns > 4; }
    static constexpr std::int64_t scratch_bytes(int, std::int64_t) { return scratch_of_library; }

    library_operation(int device, std::int64_t samples) : samples_(samples) {
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
            run_here(typename kernels_for<float, E>::type{}, c);
            // All of it is the call's.
            std::memset(c.scratch, 0xff, scratch_of_library);
        });
        return true;
    }

private:
    std::int64_t samples_;
};

namespace {

using mlp = ls::sequential<ls::shape<6>, ls::linear<33>, ls::tanh, ls::linear<20>, ls::relu, ls::linear<4>>;

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

TEST_CASE("in double precision this library has nothing") {
    asked = {};
    train<mlp, on<0>, ls::reproducible<4>, ls::element<double>>();
    CHECK(asked.made.empty());
}
