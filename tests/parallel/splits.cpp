// SPDX-License-Identifier: MIT
// 200 steps of a convolutional net with batch norm and of a transformer, with dropout and short batches: every split of a
// batch over replicas and processes leaves the same bits in losses, parameters, optimizer and running statistics.
#include "processes.hpp"
#include "training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/layer_norm.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/layer/multihead_attention.hpp>
#include <lockstep/layer/reshaped.hpp>
#include <lockstep/train/adam.hpp>

#include <doctest/doctest.h>

namespace {

using namespace tests;

using lenet = ls::sequential<ls::shape<1, 8, 8>, ls::conv2d<4, 3, ls::padding<1>>, ls::batch_norm<>, ls::relu, ls::max_pool2d<2>,
                             ls::conv2d<6, 3, ls::padding<1>>, ls::batch_norm<>, ls::relu, ls::max_pool2d<2>, ls::flatten,
                             ls::linear<16>, ls::relu, ls::dropout<0.25>, ls::linear<4>>;
using transformer =
    ls::sequential<ls::shape<5, 8>, ls::residual<ls::layer_norm<>, ls::multihead_attention<2, ls::causal>, ls::dropout<0.1>>,
                   ls::residual<ls::layer_norm<>, ls::linear<16>, ls::gelu, ls::linear<8>, ls::dropout<0.1>>, ls::layer_norm<>,
                   ls::reshaped<40>, ls::linear<4>>;

/// 25 epochs of 7 batches of 8 samples and a last one of 5.
template <class Model, class Devices, class... Policies>
outcome<float> train_part(int rank, int processes) {
    constexpr std::int64_t size = 61;
    samples<float, typename Model::input_shape> const data(size, 4, 11);
    ls::parallel<Model, Devices, ls::reproducible<4>, ls::buckets<ls::bucket_bytes<1024>>, Policies...> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::adamw{.learning_rate = 0.003}, ls::batch_size<8>};
    outcome<float> result;
    for (int epoch = 0; epoch < 25; ++epoch)
        for (std::int64_t first = 0; first < size; first += 8) {
            std::int64_t const count = std::min<std::int64_t>(8, size - first);
            ls::sample_range const part = ls::shard_of(count, rank, processes);
            auto batch = data.batch(first + part.first, part.count);
            batch.whole = count;
            batch.offset = part.first;
            result.losses.push_back(trainer.step(batch));
        }
    CHECK(trainer.steps() == 200);
    result.parameters.assign(model.parameters(), model.parameters() + model.parameter_elements());
    for (int s = 0; s < 2; ++s)
        for (float const value : trainer.read_optimizer_state(s)) result.states.push_back(value);
    return result;
}

template <class Model, class Devices, class... Policies>
void compare_processes(int processes, outcome<float> const& one) {
    auto const [results, failures] = run_processes(
        processes, [&](int rank) { return train_part<Model, Devices, threads_as_processes, Policies...>(rank, processes); });
    for (int rank = 0; rank < processes; ++rank) {
        CHECK(failures[static_cast<std::size_t>(rank)] == "");
        compare(results[static_cast<std::size_t>(rank)], one);
    }
}

} // namespace

TEST_CASE_TEMPLATE("200 steps", Model, lenet, transformer) {
    auto const one = train_part<Model, ls::cpu_devices<1>>(0, 1);
    CHECK(one.losses.back() < one.losses.front());
    compare(train_part<Model, ls::cpu_devices<2>>(0, 1), one);
    compare(train_part<Model, ls::cpu_devices<4>>(0, 1), one);
    compare_processes<Model, ls::cpu_devices<1>>(4, one);
    compare_processes<Model, ls::cpu_devices<2>, ls::sharded_optimizer>(2, one);
}
