// SPDX-License-Identifier: MIT
// Plans are values, so what holds for them is asserted: memory, buckets, numbers.
#include "placement.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/parallel/devices.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

template <class Model, int Replicas, int Batch, class... Policies>
using trainer_of =
    ls::trainer<ls::parallel<Model, ls::cpu_devices<Replicas>, Policies...>, ls::cross_entropy, ls::sgd, Batch>;

template <class Trainer>
constexpr bool plans_are_sound = is_sound(Trainer::training_plan) && is_sound(Trainer::evaluation_plan);
template <class Trainer>
constexpr bool plans_are_proved = is_proved(Trainer::training_plan) && is_proved(Trainer::evaluation_plan);

template <int Width>
using block = ls::residual<ls::linear<Width>, ls::tanh, ls::linear<Width>>;

using mlp = sequential<shape<20>, ls::linear<64>, ls::tanh, ls::dropout<0.2>, ls::residual<ls::linear<48>, ls::relu, ls::linear<64>>,
                       ls::residual<block<64>, ls::relu, block<64>>, ls::linear<10>>;
using lenet = sequential<shape<1, 28, 28>, ls::conv2d<32, 5, ls::padding<2>>, ls::relu, ls::max_pool2d<2>,
                         ls::conv2d<64, 5, ls::padding<2>>, ls::relu, ls::max_pool2d<2>, ls::flatten, ls::linear<512>,
                         ls::relu, ls::dropout<0.25>, ls::linear<10>>;
using residual_net =
    sequential<shape<3, 8, 8>, ls::conv2d<8, 3, ls::padding<1>>, ls::residual<ls::conv2d<8, 3, ls::padding<1>>, ls::relu>,
               ls::flatten, ls::relu, ls::linear<10>>;

// ---- memory and buckets ----

using mlp_trainer = trainer_of<mlp, 2, 30, ls::reproducible<4>>;
using lenet_trainer = trainer_of<lenet, 2, 64>;
static_assert(plans_are_sound<mlp_trainer>);
static_assert(plans_are_sound<lenet_trainer>);
static_assert(plans_are_sound<trainer_of<residual_net, 3, 7, ls::element<double>>>);
static_assert(plans_are_sound<trainer_of<sequential<shape<3>, ls::linear<2>>, 4, 1>>);
static_assert(plans_are_proved<mlp_trainer> && plans_are_proved<lenet_trainer>);

// Both find out plans that are broken on purpose.
using short_mlp = sequential<shape<20>, ls::linear<64>, ls::tanh, ls::dropout<0.2>, block<64>, ls::linear<10>>;
static_assert(moved_values_are_noticed(trainer_of<short_mlp, 2, 30>::training_plan));
static_assert(moved_values_are_noticed(lenet_trainer::training_plan));
static_assert(moved_values_are_no_proof(trainer_of<short_mlp, 2, 30>::training_plan));
static_assert(moved_values_are_no_proof(lenet_trainer::training_plan));
static_assert(order_matters(mlp_trainer::training_plan, 0));

// A bucket holds at least a mebibyte, the last one excepted; the last layers' parameters come first.
constexpr ls::plan const& large = lenet_trainer::training_plan;
static_assert(large.buckets.size() == 2);
static_assert((large.buckets[0].end - large.buckets[0].begin) * 4 >= 1 << 20);
static_assert(large.parameter_offsets.back() < large.parameter_offsets.front());

// Live ranges share memory: all values of a step together are larger than the arena.
constexpr std::int64_t bytes_of_values(ls::plan const& p) {
    std::int64_t sum = 0;
    for (ls::buffer const& b : p.buffers)
        if (b.kind == ls::buffer_kind::value) sum += p.bytes_of(b, p.shard_samples());
    return sum;
}
static_assert(large.arena_bytes < bytes_of_values(large) * 2 / 3);
static_assert(lenet_trainer::evaluation_plan.arena_bytes < large.arena_bytes);

// ---- numbers ----

// What a user asks.
static_assert(lenet_trainer::training_plan.peak_bytes(0) < 64 << 20);
static_assert(trainer_of<lenet, 1, 64>::training_plan.peak_bytes(0) > lenet_trainer::training_plan.peak_bytes(0));

// 2 * 64 * 20 * 64 for the first product of a batch, and all others in proportion.
using small = sequential<shape<20>, ls::linear<64, ls::no_bias>>;
constexpr ls::plan const& small_plan = trainer_of<small, 2, 64>::training_plan;
static_assert(small_plan.operations[0].facts.flops == 2.0 * 20 * 64);
static_assert(small_plan.flops() > 64 * 2 * 2.0 * 20 * 64);
static_assert(small_plan.flops() < 64 * 2 * 2.0 * 20 * 64 * 1.5);
static_assert(small_plan.shard_samples() == 32);
static_assert(trainer_of<small, 2, 63>::training_plan.shard_samples() == 32);

// Shards differ by one sample at most, and no sample is lost.
constexpr bool shards_are_fair(std::int64_t samples, int shards) {
    std::int64_t next = 0;
    for (int s = 0; s < shards; ++s) {
        ls::sample_range const part = ls::shard_of(samples, s, shards);
        if (part.first != next || part.count < samples / shards || part.count > samples / shards + 1) return false;
        next += part.count;
    }
    return next == samples;
}
static_assert(shards_are_fair(64, 4) && shards_are_fair(13, 4) && shards_are_fair(3, 4) && shards_are_fair(1, 4) &&
              shards_are_fair(60000, 7) && shards_are_fair(0, 2));

} // namespace
