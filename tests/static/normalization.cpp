// SPDX-License-Identifier: MIT
// What programs of normalizing layers consist of, and where their states lie.
#include "placement.hpp"

#include <lockstep/device/host/portable.hpp>
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/embedding.hpp>
#include <lockstep/layer/fan_initializer.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/layer_norm.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/multihead_attention.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/parallel/devices.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

#include <string_view>

namespace {

using namespace tests;
using ls::class_indices;
using ls::sequential;
using ls::shape;

template <class Model, int Replicas = 1, int Batch = 8, class... Policies>
using trainer_of = ls::trainer<ls::parallel<Model, ls::cpu_devices<Replicas, ls::host::portable>, Policies...>,
                               ls::cross_entropy, ls::sgd, Batch>;

/// Operations of a group: those before the loss's last one, or those behind it.
enum class pass_of { forward, backward };
constexpr int count_operations(ls::plan const& p, int group, pass_of which, std::string_view name) {
    int count = 0;
    for (std::size_t i = 0; i < p.operations.size(); ++i)
        count += p.operations[i].group == group && std::string_view(p.operations[i].facts.name).starts_with(name) &&
                 (static_cast<int>(i) < p.forward_count) == (which == pass_of::forward);
    return count;
}

// ---- batch_norm ----

using normalized_net =
    sequential<shape<3, 4, 4>, ls::conv2d<8, 3>, ls::batch_norm<>, ls::relu, ls::flatten, ls::linear<4>>;
constexpr ls::plan const& normalized = trainer_of<normalized_net>::training_plan;
constexpr int norm_group = 2;

// The mean and the variance forward; backward, the sums of the upstream gradient and of its product with the
// deviations, which are the bias's and the scale's gradients as well as all that the input's needs.
static_assert(count_operations(normalized, norm_group, pass_of::forward, "sum over samples") == 2);
static_assert(count_operations(normalized, norm_group, pass_of::backward, "sum over samples") == 2);

constexpr bool is_scalar_once(ls::plan const& p, int group) {
    int scalars = 0;
    for (ls::operation const& op : p.operations)
        if (op.group == group && !p.buffers[op.result].per_sample && p.buffers[op.result].shape.rank == 0) ++scalars;
    return scalars == 2;
}
// What depends on no channel is computed once for all: the count of a batch's values, and the factor of the unbiased
// variance. What depends on the channel alone is computed once for each.
static_assert(is_scalar_once(normalized, norm_group));
constexpr bool reads_images_only_where_needed(ls::plan const& p, int group) {
    int images = 0;
    for (ls::operation const& op : p.operations)
        if (op.group == group && p.buffers[op.result].per_sample) ++images;
    return images == 2; // the result, and the input's gradient
}
static_assert(reads_images_only_where_needed(normalized, norm_group));

// In use there are no statistics to compute: batch_norm is part of the chain behind its convolution.
struct inference {
    static constexpr ls::program build() {
        return ls::inference_program<sequential<shape<3, 4, 4>, ls::conv2d<8, 3>, ls::batch_norm<>, ls::relu>,
                                     ls::host::backend<float, ls::host::portable>>();
    }
};
constexpr ls::plan const& inferred = ls::static_plan<inference, ls::plan_settings{}>::value;
constexpr bool reduces_anything(ls::plan const& p) {
    for (ls::operation const& op : p.operations)
        if (std::string_view(op.facts.name).find("sum") != std::string_view::npos) return true;
    return false;
}
static_assert(!reduces_anything(inferred) && reduces_anything(normalized));

// ---- states ----

constexpr bool states_lie_behind(ls::plan const& p, int states) {
    int found = 0;
    for (std::size_t i = 0; i < p.parameters.size(); ++i) {
        std::int64_t const begin = p.parameter_offsets[i], end = begin + p.parameters[i].declared.shape.size();
        if (p.parameters[i].declared.is_trained()) {
            if (end > p.trained_elements) return false;
        } else {
            ++found;
            if (begin < p.trained_elements || end > p.parameter_elements) return false;
            if (!p.parameters[i].observed) return false;
        }
    }
    return found == states && p.buckets.back().end == p.trained_elements;
}
static_assert(states_lie_behind(normalized, 2));
static_assert(normalized.parameters.size() == 2 + 4 + 2);
static_assert(normalized.parameters[2].declared.name == std::string_view("weight"));
static_assert(normalized.parameters[3].declared.name == std::string_view("bias"));
static_assert(normalized.parameters[4].declared.name == std::string_view("running_mean"));
static_assert(normalized.parameters[5].declared.name == std::string_view("running_var"));
static_assert(normalized.parameters[5].path.depth == 1 && normalized.parameters[5].path.index[0] == 1);

// ---- plans ----

template <int Width>
using block = ls::chain<ls::residual<ls::layer_norm<>, ls::multihead_attention<2, ls::causal>>,
                        ls::residual<ls::layer_norm<>, ls::linear<2 * Width>, ls::gelu, ls::linear<Width>>>;
template <int Blocks>
using transformer = sequential<class_indices<11, 5>, ls::embedding<8>, ls::repeat<Blocks, block<8>>, ls::linear<11>>;
using many_norms =
    sequential<shape<3, 4, 4>, ls::conv2d<8, 3, ls::padding<1>>, ls::batch_norm<>, ls::relu,
               ls::residual<ls::conv2d<8, 3, ls::padding<1>>, ls::batch_norm<ls::no_affine>, ls::relu>,
               ls::branch<ls::conv2d<4, 1>, ls::batch_norm<>>, ls::flatten, ls::batch_norm<>, ls::linear<4>>;

template <class Trainer>
constexpr bool plans_are_sound = is_sound(Trainer::training_plan) && is_sound(Trainer::evaluation_plan);
template <class Trainer>
constexpr bool plans_are_proved = is_proved(Trainer::training_plan) && is_proved(Trainer::evaluation_plan);
static_assert(plans_are_sound<trainer_of<normalized_net, 2, 9>>);
static_assert(plans_are_sound<trainer_of<many_norms, 2, 13, ls::reproducible<4>>>);
static_assert(plans_are_sound<trainer_of<many_norms, 1, 3, ls::element<double>>>);
static_assert(plans_are_sound<trainer_of<transformer<2>, 3, 7>>);
static_assert(plans_are_proved<trainer_of<normalized_net, 2, 9>> && plans_are_proved<trainer_of<transformer<2>, 3, 7>>);
static_assert(states_lie_behind(trainer_of<many_norms, 2>::training_plan, 8));

// Both find out plans that are broken on purpose: of a small net, for clang counts the steps of an evaluation.
using small_norm = sequential<shape<5>, ls::linear<4, ls::no_bias>, ls::batch_norm<ls::no_affine>>;
static_assert(moved_values_are_noticed(trainer_of<small_norm, 2>::training_plan));
static_assert(moved_values_are_no_proof(trainer_of<small_norm, 2>::training_plan));
static_assert(order_matters(trainer_of<transformer<1>>::training_plan, 0));

// ---- repeat ----

// Blocks that are repeated are the same code, and one more adds its operations and nothing else.
constexpr std::size_t kernels_of(ls::plan const& p) {
    std::vector<void const*> distinct;
    for (ls::operation const& op : p.operations) {
        bool known = false;
        for (void const* each : distinct) known = known || each == op.kernel;
        if (!known) distinct.push_back(op.kernel);
    }
    return distinct.size();
}
constexpr ls::plan const& two = trainer_of<transformer<2>>::training_plan;
constexpr ls::plan const& three = trainer_of<transformer<3>>::training_plan;
constexpr ls::plan const& four = trainer_of<transformer<4>>::training_plan;
static_assert(kernels_of(three) == kernels_of(two) && kernels_of(four) == kernels_of(two));
static_assert(four.operations.size() - three.operations.size() == three.operations.size() - two.operations.size());
static_assert(two.operations.size() > kernels_of(two));

} // namespace
