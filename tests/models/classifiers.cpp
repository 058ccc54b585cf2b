// SPDX-License-Identifier: MIT
#include "samples.hpp"

#include <models/lenet.hpp>
#include <models/mlp.hpp>

#include <doctest/doctest.h>

#include <array>

namespace {

namespace ls = lockstep;

template <class Model>
void learns_by_heart(int steps) {
    tests::images<typename Model::input_shape> const data(16, 10);
    ls::parallel<Model, ls::cpu_devices<2>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::adam{}, ls::batch_size<16>};
    auto const [first, last] = tests::train(trainer, data.batch(), steps);
    CHECK(first > 1.5);
    CHECK(last < 0.2);
    std::array const batches{data.batch()};
    CHECK(trainer.evaluate(batches).accuracy == 1.0);
}

} // namespace

TEST_CASE("a perceptron learns its samples by heart") { learns_by_heart<models::mlp>(40); }
TEST_CASE("LeNet learns its samples by heart") { learns_by_heart<models::lenet>(40); }
