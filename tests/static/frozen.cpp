// SPDX-License-Identifier: MIT
// Frozen layers: what a program no longer computes, where their parameters lie, and that nothing else changes.
#include <lockstep/device/host/backend.hpp>
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/embedding.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/softmax.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/plan/proof.hpp>
#include <lockstep/program/build.hpp>
#include <lockstep/program/reach.hpp>

#include <string_view>

namespace {

namespace ls = lockstep;
using ls::frozen;
using ls::linear;
using ls::sequential;
using ls::shape;
using ls::tanh;

template <class Model>
struct training {
    static constexpr ls::program build() {
        return ls::training_program<Model, ls::cross_entropy, ls::host::backend<float>>();
    }
};
template <class Model>
struct inference {
    static constexpr ls::program build() { return ls::inference_program<Model, ls::host::backend<float>>(); }
};
template <class Model>
using planned = ls::static_plan<training<Model>, ls::plan_settings{2, 2, 1, 4, {}}>;
template <class Model>
constexpr ls::plan const& plan_of = planned<Model>::value;

constexpr int operations_named(ls::plan const& p, std::string_view name) {
    int count = 0;
    for (ls::operation const& op : p.operations) count += op.facts.name == name;
    return count;
}
constexpr int backward_operations(ls::plan const& p) { return static_cast<int>(p.operations.size()) - p.forward_count; }

constexpr std::string_view product = "matmul", weight_gradient = "matmul (left transposed)",
                           data_gradient = "matmul (right transposed)";

// ---- nothing is computed for what lies in front of all that is trained ----

using net = sequential<shape<8>, linear<16>, tanh, linear<12>, tanh, linear<4>>;
using last_trained = sequential<shape<8>, frozen<linear<16>, tanh, linear<12>, tanh>, linear<4>>;
using only_last = sequential<shape<12>, linear<4>>;
constexpr ls::plan const& tuned = plan_of<last_trained>;
static_assert(backward_operations(plan_of<net>) == backward_operations(plan_of<only_last>) + 8);
static_assert(backward_operations(tuned) == backward_operations(plan_of<only_last>));
static_assert(tuned.forward_count == plan_of<net>.forward_count);
static_assert(operations_named(tuned, product) == 3 && operations_named(tuned, weight_gradient) == 1);
static_assert(operations_named(tuned, data_gradient) == 0);
// Values that no gradient reads make room for the next.
static_assert(tuned.arena_bytes < plan_of<net>.arena_bytes);

// ---- but gradients pass through ----

constexpr ls::plan const& middle = plan_of<sequential<shape<8>, linear<16>, tanh, frozen<linear<12>, tanh>, linear<4>>>;
static_assert(operations_named(middle, weight_gradient) == 2 && operations_named(middle, data_gradient) == 2);
// A weight gradient and a bias gradient less than where all is trained.
static_assert(backward_operations(middle) == backward_operations(plan_of<net>) - 2);

// ---- the two sides of a fork ----

template <class First, class Second>
using forked = sequential<shape<8>, linear<16>, ls::branch_sum<First, Second>, linear<4>>;
template <class First, class Second>
using forked_input = sequential<shape<8>, ls::branch_sum<First, Second>, linear<4>>;
constexpr ls::plan const& half = plan_of<forked<frozen<linear<5>>, linear<5>>>;
static_assert(operations_named(half, weight_gradient) == 3 && operations_named(half, data_gradient) == 3);
constexpr ls::plan const& half_of_input = plan_of<forked_input<frozen<linear<5>>, linear<5>>>;
static_assert(operations_named(half_of_input, weight_gradient) == 2);
static_assert(operations_named(half_of_input, data_gradient) == 1);

// ---- a frozen normalization goes on to observe, and an embedding is frozen like anything else ----

using normalized =
    sequential<shape<1, 6, 6>, frozen<ls::conv2d<4, 3>, ls::batch_norm<>, ls::relu>, ls::flatten, linear<3>>;
constexpr ls::plan const& observing = plan_of<normalized>;
static_assert(operations_named(observing, "convolution weight gradient") == 0);
static_assert(!observing.parameters[2].declared.is_trained() && !observing.parameters[2].observed);
static_assert(!observing.parameters[4].declared.is_trained() && observing.parameters[4].observed);
static_assert(observing.parameters[4].declared.name == std::string_view("running_mean"));
using words = sequential<ls::class_indices<9, 4>, frozen<ls::embedding<5>>, ls::flatten, linear<3>>;
static_assert(operations_named(plan_of<words>, data_gradient) == 0 && plan_of<words>.parameters.size() == 3);

// ---- parameters: behind the buckets, in every plan of the model; named as without ----

constexpr bool frozen_lies_behind(ls::plan const& p) {
    std::int64_t trained = 0;
    for (std::size_t i = 0; i < p.parameters.size(); ++i) {
        bool const behind = p.parameter_offsets[i] >= p.trained_elements;
        if (behind == p.parameters[i].declared.is_trained()) return false;
        bool const is_state = p.parameters[i].declared.merge.how != ls::merge_kind::none;
        if (p.parameters[i].declared.frozen != (p.parameters[i].path.frozen && !is_state)) return false;
        trained += !behind;
    }
    std::int64_t in_buckets = 0;
    for (ls::bucket const& b : p.buckets) in_buckets += b.parameters;
    return trained == in_buckets;
}
static_assert(frozen_lies_behind(tuned) && frozen_lies_behind(middle) && frozen_lies_behind(half));
static_assert(frozen_lies_behind(observing));
static_assert(ls::proven<planned<last_trained>> && ls::proven<planned<normalized>> && ls::proven<planned<words>>);
// Read in the backward pass, after the last use of the states: nobody changes it.
using read_late = sequential<shape<8>, linear<8>, ls::batch_norm<>, frozen<linear<8>>, tanh, linear<4>>;
using both = sequential<shape<8>, frozen<ls::batch_norm<>>, linear<8>, frozen<linear<8>>, linear<4>>;
static_assert(ls::proven<planned<read_late>> && ls::proven<planned<both>>);
static_assert(ls::reaches_all_parameters<ls::cross_entropy, planned<last_trained>>());

// ---- what no gradient reaches, and is not frozen, is found, behind a group as well as in it ----

struct larger_half {
    constexpr auto operator()(auto x) const { return less(ls::number<0.5>, ls::softmax{}(x)); }
};
constexpr ls::plan const& cut_off = plan_of<sequential<shape<8>, linear<4>, linear<2>, larger_half, linear<4>>>;
static_assert(cut_off.parameters[0].unreached && cut_off.parameters[3].unreached && !cut_off.parameters[4].unreached);
static_assert(backward_operations(cut_off) == backward_operations(plan_of<only_last>));
constexpr ls::plan const& cut_off_frozen = plan_of<sequential<shape<8>, frozen<linear<4>, linear<2>>, larger_half, linear<4>>>;
static_assert(!cut_off_frozen.parameters[0].unreached && cut_off_frozen.parameters[0].declared.frozen);

template <class Model>
constexpr bool layouts_agree() {
    ls::plan const& used = ls::static_plan<inference<Model>, ls::plan_settings{}>::value;
    for (std::size_t i = 0; i < used.parameters.size(); ++i)
        if (used.parameter_offsets[i] != plan_of<Model>.parameter_offsets[i]) return false;
    return used.trained_elements == plan_of<Model>.trained_elements;
}
static_assert(layouts_agree<last_trained>() && layouts_agree<normalized>());

template <class Model, class Other>
constexpr bool places_agree() {
    auto const& found = plan_of<Model>.parameters;
    auto const& expected = plan_of<Other>.parameters;
    if (found.size() != expected.size()) return false;
    for (std::size_t i = 0; i < found.size(); ++i)
        if (found[i].path.index != expected[i].path.index || found[i].path.name != expected[i].path.name ||
            found[i].path.depth != expected[i].path.depth || found[i].declared.name != expected[i].declared.name)
            return false;
    return true;
}
struct head {
    static constexpr char const* name = "head";
};
static_assert(places_agree<last_trained, net>());
static_assert(places_agree<sequential<shape<8>, frozen<linear<16>, frozen<tanh, linear<12>>>, tanh, linear<4>>, net>());
// In a block, under a name, repeated and in a branch: what is trained elsewhere keeps the model from being all frozen.
template <template <class...> class Kind>
using composed = sequential<shape<8>, ls::chain<Kind<linear<8>, tanh>, linear<8>>, ls::named<head, Kind<linear<8>>>,
                            ls::named<head, Kind<linear<8>, tanh>>, ls::repeat<2, Kind<linear<8>>>,
                            ls::residual<Kind<linear<8>>, tanh>, ls::branch<Kind<linear<2>>, Kind<linear<2>, tanh, linear<2>>>, linear<4>>;
using written_out =
    sequential<shape<8>, ls::chain<linear<8>, tanh, linear<8>>, ls::named<head, linear<8>>,
               ls::named<head, linear<8>, tanh>, ls::repeat<2, linear<8>>, ls::residual<linear<8>, tanh>,
               ls::branch<linear<2>, ls::chain<linear<2>, tanh, linear<2>>>, linear<4>>;
static_assert(places_agree<composed<frozen>, written_out>());
static_assert(std::same_as<composed<frozen>::output_shape, shape<4>>);

// ---- equal layers are the same code, frozen or not ----

constexpr ls::plan const& twice = plan_of<sequential<shape<8>, linear<8>, tanh, frozen<linear<8>, tanh>, linear<4>>>;
static_assert(twice.operations[0].kernel == twice.operations[2].kernel);
static_assert(twice.operations[0].group == 0 && twice.operations[2].group == 1);

} // namespace
