// SPDX-License-Identifier: MIT
// What a program consists of: no operation too much, equal blocks of the same kernels, PyTorch's names.
#include <lockstep/device/host/backend.hpp>
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/program/build.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string_view>

namespace {

namespace ls = lockstep;
using ls::sequential;
using ls::shape;

template <class Model, class Loss = ls::cross_entropy>
struct training {
    static constexpr ls::program build() { return ls::training_program<Model, Loss, ls::host::backend<float>>(); }
};
template <class Model>
constexpr ls::plan const& plan_of = ls::static_plan<training<Model>, ls::plan_settings{}>::value;

constexpr int operations_named(ls::plan const& p, std::string_view name) {
    int count = 0;
    for (ls::operation const& op : p.operations) count += op.facts.name == name;
    return count;
}
constexpr int elementwise_operations(ls::plan const& p, int first, int last) {
    int count = 0;
    for (int i = first; i < last; ++i) count += p.operations[static_cast<std::size_t>(i)].facts.elementwise;
    return count;
}

// ---- the first layer has no data gradient: nobody would read it ----

constexpr ls::plan const& mlp = plan_of<sequential<shape<8>, ls::linear<16>, ls::tanh, ls::linear<16>, ls::linear<4>>>;
static_assert(operations_named(mlp, "matmul") == 3);
static_assert(operations_named(mlp, "matmul (left transposed)") == 3);
static_assert(operations_named(mlp, "matmul (right transposed)") == 2);
static_assert(mlp.input_gradient == -1);

using lenet = sequential<shape<1, 28, 28>, ls::conv2d<6, 5>, ls::relu, ls::max_pool2d<2>, ls::conv2d<16, 5>, ls::relu,
                         ls::max_pool2d<2>, ls::flatten, ls::linear<120>, ls::relu, ls::linear<10>>;
constexpr ls::plan const& image_net = plan_of<lenet>;
static_assert(operations_named(image_net, "convolution") == 2);
static_assert(operations_named(image_net, "convolution weight gradient") == 2);
static_assert(operations_named(image_net, "convolution data gradient") == 1);
// One channel lies in memory as PyTorch has it, and the weight behind the flatten is stored in our order.
static_assert(operations_named(image_net, "to channels-last") == 0);
static_assert(operations_named(image_net, "from channels-last") == 0);

// A layer that reads its input twice, behind another one: still one weight gradient and one bias gradient.
struct swish {
    template <ls::expression X>
    constexpr auto operator()(X x) const {
        return x * ls::sigmoid{}(x);
    }
};
constexpr ls::plan const& twice = plan_of<sequential<shape<8>, ls::linear<16>, swish, swish>>;
static_assert(operations_named(twice, "matmul (left transposed)") == 1);
static_assert(operations_named(twice, "sum over samples") == 1); // the bias's
// The loss's sum evaluates the difference that it sums on its way.
static_assert(operations_named(twice, "sum over samples of subtract") == 1);

// Layers without parameters at the front have no gradient at all.
constexpr ls::plan const& late = plan_of<sequential<shape<8>, ls::tanh, ls::dropout<0.5>, ls::linear<4>>>;
static_assert(operations_named(late, "matmul (right transposed)") == 0);

// ---- an elementwise chain is one operation, forward and backward ----

using chain = sequential<shape<8>, ls::linear<16>, ls::tanh, ls::dropout<0.1>, ls::sigmoid, ls::relu, ls::linear<4>>;
constexpr ls::plan const& chained = plan_of<chain>;
// Forward: the chain, the second bias, and what the mean divides by. tanh's and sigmoid's derivatives read their
// results, which are stored on the way.
static_assert(chained.operations[0].facts.name == std::string_view("matmul") && chained.operations[0].has_tail);
constexpr ls::plan const& one_activation = plan_of<sequential<shape<8>, ls::linear<16>, ls::relu, ls::linear<4>>>;
constexpr int forward_elementwise = elementwise_operations(one_activation, 0, one_activation.forward_count);
static_assert(forward_elementwise == 3);
static_assert(one_activation.operations[1].facts.name == std::string_view("add+relu"));
static_assert(one_activation.operations[0].has_tail);
using evaluated = sequential<shape<8>, ls::linear<16>, ls::tanh, ls::dropout<0.1>, ls::sigmoid, ls::relu>;
struct inference {
    static constexpr ls::program build() { return ls::inference_program<evaluated, ls::host::backend<float>>(); }
};
constexpr ls::plan const& inferred = ls::static_plan<inference, ls::plan_settings{}>::value;
static_assert(inferred.operations.size() == 2);
static_assert(inferred.operations[1].facts.name == std::string_view("add+tanh+sigmoid+relu"));

// ---- equal blocks are the same code ----

using block = ls::residual<ls::linear<8>, ls::relu, ls::linear<8>>;
constexpr ls::plan const& blocks = plan_of<sequential<shape<4>, ls::linear<8>, block, block, block, ls::linear<4>>>;

/// Whether what one block's groups compute and the next one's are calls of the same kernels.
constexpr bool blocks_share_kernels(ls::plan const& p, int first_group, int groups) {
    std::vector<void const*> first, second;
    for (ls::operation const& op : p.operations) {
        if (op.group >= first_group && op.group < first_group + groups) first.push_back(op.kernel);
        if (op.group >= first_group + groups && op.group < first_group + 2 * groups) second.push_back(op.kernel);
    }
    return !first.empty() && first == second;
}
static_assert(blocks_share_kernels(blocks, 1, 2));
static_assert(blocks_share_kernels(blocks, 3, 2));
static_assert(!blocks_share_kernels(blocks, 0, 1));

// A model twice as deep adds its blocks' operations and nothing else.
constexpr ls::plan const& deeper =
    plan_of<sequential<shape<4>, ls::linear<8>, block, block, block, block, ls::linear<4>>>;
constexpr ls::plan const& shallower = plan_of<sequential<shape<4>, ls::linear<8>, block, block, ls::linear<4>>>;
static_assert(deeper.operations.size() - blocks.operations.size() == blocks.operations.size() - shallower.operations.size());

// ---- names and shapes ----

constexpr bool is_named(ls::program_parameter const& p, std::vector<int> const& path, std::string_view name) {
    if (p.path.depth != static_cast<int>(path.size()) || p.declared.name != name) return false;
    for (std::size_t i = 0; i < path.size(); ++i)
        if (p.path.index[i] != path[i]) return false;
    return true;
}
static_assert(blocks.parameters.size() == 2 * 2 + 3 * 4);
static_assert(is_named(blocks.parameters[0], {0}, "weight"));
static_assert(is_named(blocks.parameters[1], {0}, "bias"));
static_assert(is_named(blocks.parameters[2], {1, 0}, "weight"));
static_assert(is_named(blocks.parameters[5], {1, 2}, "bias"));
static_assert(is_named(blocks.parameters[6], {2, 0}, "weight"));
static_assert(is_named(blocks.parameters[14], {4}, "weight"));

// ---- a program that has no room the first time is built again, and is the same ----

template <class Source, std::size_t Room>
constexpr bool is_the_same_in_room_for = [] {
    using usual = ls::detail::static_program<Source>;
    using other = ls::detail::static_program<Source, Room>;
    if (other::operations.size() != usual::operations.size() || other::buffers.size() != usual::buffers.size() ||
        other::parameters.size() != usual::parameters.size())
        return false;
    for (std::size_t i = 0; i < usual::operations.size(); ++i)
        if (other::operations[i].kernel != usual::operations[i].kernel ||
            other::operations[i].result != usual::operations[i].result ||
            other::operations[i].operands != usual::operations[i].operands)
            return false;
    for (std::size_t i = 0; i < usual::buffers.size(); ++i)
        if (other::buffers[i].kind != usual::buffers[i].kind || other::buffers[i].shape != usual::buffers[i].shape ||
            other::buffers[i].storage != usual::buffers[i].storage)
            return false;
    for (std::size_t i = 0; i < usual::parameters.size(); ++i)
        if (other::parameters[i].declared.shape != usual::parameters[i].declared.shape) return false;
    return other::numbers.loss == usual::numbers.loss && other::numbers.output == usual::numbers.output &&
           other::numbers.forward_count == usual::numbers.forward_count;
}();
constexpr std::size_t most_values_of_lenet =
    std::max({image_net.operations.size(), image_net.buffers.size(), image_net.parameters.size()});
static_assert(image_net.parameters.size() < image_net.operations.size());
static_assert(is_the_same_in_room_for<training<lenet>, 1>);
static_assert(is_the_same_in_room_for<training<lenet>, most_values_of_lenet - 1>);
static_assert(is_the_same_in_room_for<training<lenet>, most_values_of_lenet>);

static_assert(std::same_as<lenet::output_shape, shape<10>>);
static_assert(lenet::well_formed);
template <class Layer, class In>
using after = typename sequential<In, Layer>::output_shape;
static_assert(std::same_as<after<ls::linear<5>, shape<7>>, shape<5>>);
static_assert(std::same_as<after<ls::linear<5>, shape<3, 7>>, shape<3, 5>>);
static_assert(std::same_as<after<ls::conv2d<4, 3, ls::stride<2>, ls::padding<1>>, shape<3, 8, 9>>, shape<4, 4, 5>>);
static_assert(std::same_as<after<ls::conv2d<3, 3, ls::window_width<5>, ls::stride<2, 1>, ls::padding<1, 2>>, shape<2, 8, 9>>,
                           shape<3, 4, 9>>);
static_assert(std::same_as<after<ls::max_pool2d<3, ls::stride<2>, ls::padding<1>>, shape<2, 8, 8>>, shape<2, 4, 4>>);
static_assert(std::same_as<after<ls::max_pool2d<2>, shape<2, 9, 7>>, shape<2, 4, 3>>);
static_assert(std::same_as<after<ls::flatten, shape<2, 3, 4>>, shape<24>>);
static_assert(std::same_as<after<ls::relu, shape<2, 3, 4>>, shape<2, 3, 4>>);
static_assert(ls::accepts<ls::linear<8>, shape<4>> && !ls::accepts<ls::linear<8>, shape<2, 3, 4>>);
static_assert(!ls::accepts<ls::conv2d<1, 5>, shape<1, 4, 4>> && ls::accepts<ls::conv2d<1, 5, ls::padding<1>>, shape<1, 4, 4>>);

} // namespace
