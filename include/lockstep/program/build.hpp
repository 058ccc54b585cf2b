// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/model/sequential.hpp>
#include <lockstep/program/builder.hpp>
#include <lockstep/program/lower.hpp>
#include <lockstep/program/passes.hpp>

#include <vector>

namespace lockstep {

namespace detail {

/// The layers that the next group will hold. Order is the image in whose order the input's features lie in
/// memory after a flatten, or void where they lie in their own.
template <class In, class Order, class... Layers>
struct open_group {
    using shape = In;
};

struct model_walk {
    program_builder& builder;
    /// The buffers that the open group reads: its input, then those that join.
    std::vector<int> inputs;
    /// Where its layers stand in the model.
    std::vector<layer_path> paths;
    layer_path here;
};

template <class Layer, class In>
inline constexpr bool is_elementwise_layer =
    !holds_compute<decltype(forward<Layer, 0, training_mode>(leaf<probe_tag, In, true>{}))>;

template <class Layer, class In>
inline constexpr bool is_without_parameters = std::is_same_v<parameters_of<Layer, In>, parameters<>>;

template <class Layer>
inline constexpr bool follows_feature_order = requires { Layer::follows_feature_order; };

/// The order that an image's features have in memory once it is flattened; void where that is their own.
template <class Image>
struct order_of {
    static constexpr bool moves = [] {
        if constexpr (Image::rank != 3) return false;
        else return Image::extents[0] > 1 && Image::size > Image::extents[0];
    }();
    using type = std::conditional_t<moves, Image, void>;
};

template <class Order>
constexpr extents extents_of_order() {
    if constexpr (std::is_void_v<Order>) return {};
    else return extents_of<Order>();
}

/// The buffers of a model's result: as it lies in memory, and in PyTorch's order. They differ for images.
struct model_output {
    int in_memory = -1;
    int in_order = -1;
};

/// Cuts a model into groups. Nothing here depends on more than one layer and the open group, so that equal
/// blocks share what they instantiate; where each stands is in the walk, as values.
template <class Backend, bool Backward>
struct model_lowering {
    template <class Group>
    static constexpr local_program const& local() {
        return lower<Group, Backend, Backward>;
    }

    template <class Group>
    using result_of = typename group_expression<Group, training_mode>::result_shape;

    /// Places the open group. Returns the empty one behind it.
    template <class In, class Order>
    static constexpr auto close(model_walk&, open_group<In, Order> open) {
        return open;
    }
    template <class In, class Order, class First, class... Rest>
    static constexpr auto close(model_walk& walk, open_group<In, Order, First, Rest...>) {
        using closed = group<In, First, Rest...>;
        walk.inputs = {walk.builder.place(local<closed>(), walk.inputs, walk.paths, extents_of_order<Order>())};
        walk.paths = {};
        constexpr bool keeps_order = !holds_compute<group_expression<closed, training_mode>>;
        return open_group<result_of<closed>, std::conditional_t<keeps_order, Order, void>>{};
    }

    /// Places the open group and brings flattened features into their own order.
    template <class Open>
    static constexpr auto close_in_order(model_walk& walk, Open open) {
        return restore_order(walk, close(walk, open));
    }
    template <class In, class Order>
    static constexpr auto restore_order(model_walk& walk, open_group<In, Order> open) {
        if constexpr (std::is_void_v<Order>) return open;
        else {
            walk.inputs = {walk.builder.place(local<group<Order, reorder<false>>>(), walk.inputs, {walk.here}, {})};
            return open_group<In, void>{};
        }
    }

    template <class Layer, class In, class Order, class... Layers>
    static constexpr auto append_layer(model_walk& walk, open_group<In, Order, Layers...> open,
                                       type_tag<Layer> layer) {
        using shape_here = result_of<group<In, Layers...>>;
        constexpr bool starts = sizeof...(Layers) == 0;
        if constexpr (!accepts<Layer, shape_here>) {
            return open; // the model has said so already
        } else if constexpr (reshaping_layer<Layer, shape_here>) {
            close_in_order(walk, open);
            return open_group<output_shape<Layer, shape_here>, typename order_of<shape_here>::type>{};
        } else {
            constexpr bool elementwise = is_elementwise_layer<Layer, shape_here>;
            constexpr bool order_matters =
                !std::is_void_v<Order> && starts && !follows_feature_order<Layer> &&
                !(elementwise && is_without_parameters<Layer, shape_here>);
            if constexpr (!elementwise && !starts) return append_layer(walk, close(walk, open), layer);
            else if constexpr (order_matters) return append_layer(walk, close_in_order(walk, open), layer);
            else {
                walk.paths.push_back(walk.here);
                return open_group<In, Order, Layers..., Layer>{};
            }
        }
    }

    // ---- layers that are made of layers ----

    /// Layers one level further in.
    template <class Open, class... Inner>
    static constexpr auto append_inner(model_walk& walk, Open open, type_tag<chain<Inner...>>) {
        layer_path const outer = walk.here;
        walk.here.enter();
        auto const end = append_all(walk, open, type_tag<Inner>{}...);
        walk.here = outer;
        return end;
    }
    /// One layer has its block's place, several have places in it.
    template <class Open, class Layer>
    static constexpr auto append_block(model_walk& walk, Open open, type_tag<chain<Layer>>) {
        return append_layer(walk, open, type_tag<Layer>{});
    }
    template <class Open, class... Inner>
    static constexpr auto append_block(model_walk& walk, Open open, type_tag<chain<Inner...>> block) {
        return append_inner(walk, open, block);
    }

    /// A block of frozen layers alone is a frozen block.
    template <class Open, class... Inner>
    static constexpr auto append_block(model_walk& walk, Open open, type_tag<chain<frozen<Inner...>>>) {
        return freeze(walk, [&] { return append_block(walk, open, type_tag<chain<Inner...>>{}); });
    }

    /// Appends layers that are not trained. Of these it is a value, so that they are the same code as others.
    template <class Append>
    static constexpr auto freeze(model_walk& walk, Append const& append) {
        bool const outer = walk.here.frozen;
        walk.here.frozen = true;
        auto const end = append();
        walk.here.frozen = outer;
        return end;
    }

    template <class... Inner, class In, class Order, class... Layers>
    static constexpr auto append_layer(model_walk& walk, open_group<In, Order, Layers...> open, type_tag<chain<Inner...>> layer) {
        return append_inner(walk, open, layer);
    }

    template <class... Inner, class In, class Order, class... Layers>
    static constexpr auto append_layer(model_walk& walk, open_group<In, Order, Layers...> open, type_tag<frozen<Inner...>>) {
        return append_block(walk, open, type_tag<chain<frozen<Inner...>>>{});
    }

    template <class Tag, class... Inner, class In, class Order, class... Layers>
    static constexpr auto append_layer(model_walk& walk, open_group<In, Order, Layers...> open, type_tag<named<Tag, Inner...>>) {
        layer_path const outer = walk.here;
        walk.here.name[walk.here.depth - 1] = Tag::name;
        auto const end = append_block(walk, open, type_tag<chain<Inner...>>{});
        walk.here = outer;
        return end;
    }

    /// Equal shapes make this a loop over values: one block is instantiated, whatever N is.
    template <int N, class... Inner, class In, class Order, class... Layers>
    static constexpr auto append_layer(model_walk& walk, open_group<In, Order, Layers...> open, type_tag<repeat<N, Inner...>>) {
        layer_path const outer = walk.here;
        walk.here.enter();
        auto const end = append_repeated<N, Inner...>(walk, close_in_order(walk, open));
        walk.here = outer;
        return end;
    }
    template <int N, class... Inner, class Open>
    static constexpr auto append_repeated(model_walk& walk, Open open) {
        auto const once = [&] {
            auto const end = close_in_order(walk, append_block(walk, open, type_tag<chain<Inner...>>{}));
            ++walk.here.index[walk.here.depth - 1];
            return end;
        };
        auto const end = once();
        if constexpr (N == 1) return end;
        else if constexpr (std::is_same_v<std::remove_const_t<decltype(end)>, Open>) {
            for (int i = 1; i < N; ++i) once();
            return end;
        } else return append_repeated<N - 1, Inner...>(walk, end);
    }

    template <class... Inner, class In, class Order, class... Layers>
    static constexpr auto append_layer(model_walk& walk, open_group<In, Order, Layers...> open, type_tag<residual<Inner...>>) {
        auto const start = close_in_order(walk, open);
        int const input = fork(walk, start);
        auto const end = append_inner(walk, start, type_tag<chain<Inner...>>{});
        return add_inputs<join>(walk, end, {input});
    }

    template <class... Branches, class In, class Order, class... Layers>
    static constexpr auto append_layer(model_walk& walk, open_group<In, Order, Layers...> open, type_tag<branch_sum<Branches...>>) {
        auto const start = close_in_order(walk, open);
        branch_results results{fork(walk, start), {}};
        layer_path const outer = walk.here;
        walk.here.enter();
        auto const last = append_branches(walk, results, start, type_tag<Branches>{}...);
        walk.here = outer;
        return add_joins(walk, last, results.buffers, type_tag<Branches>{}...);
    }

    template <class... Branches, class In, class Order, class... Layers>
    static constexpr auto append_layer(model_walk& walk, open_group<In, Order, Layers...> open, type_tag<branch<Branches...>>) {
        auto const start = close_in_order(walk, open);
        branch_results results{fork(walk, start), {}};
        layer_path const outer = walk.here;
        walk.here.enter();
        close_in_order(walk, append_branches(walk, results, start, type_tag<Branches>{}...));
        results.buffers.push_back(walk.inputs[0]);
        walk.here = outer;
        walk.inputs = {results.buffers.front()};
        return add_concat<typename decltype(start)::shape, Branches...>(walk, results.buffers);
    }

    /// What branches read, and what all but the last have given.
    struct branch_results {
        int input;
        std::vector<int> buffers;
    };

    /// The buffer that several branches read, whose gradients will be added.
    template <class Open>
    static constexpr int fork(model_walk& walk, Open) {
        if constexpr (!is_class_indices<typename Open::shape>)
            walk.builder.set_sum(walk.inputs[0], local<sum_group<typename Open::shape>>());
        return walk.inputs[0];
    }

    /// Places all branches but the last, which stays open.
    template <class Open, class Last>
    static constexpr auto append_branches(model_walk& walk, branch_results& results, Open start, type_tag<Last> last) {
        walk.inputs = {results.input};
        return append_layer(walk, start, last);
    }
    template <class Open, class First, class... Rest>
    static constexpr auto append_branches(model_walk& walk, branch_results& results, Open start, type_tag<First> first,
                                          Rest... rest) {
        walk.inputs = {results.input};
        close_in_order(walk, append_layer(walk, start, first));
        results.buffers.push_back(walk.inputs[0]);
        ++walk.here.index[walk.here.depth - 1];
        return append_branches(walk, results, start, rest...);
    }

    /// The open group continues with a layer that reads further buffers.
    template <class Joining, class In, class... Layers>
    static constexpr auto add_inputs(model_walk& walk, open_group<In, void, Layers...>, std::vector<int> const& buffers) {
        for (int const buffer : buffers) walk.inputs.push_back(buffer);
        walk.paths.push_back(walk.here);
        return open_group<In, void, Layers..., Joining>{};
    }
    /// After a flatten, features come into their own order before they are joined.
    template <class Joining, class In, class Order, class... Layers>
    static constexpr auto add_inputs(model_walk& walk, open_group<In, Order, Layers...> open, std::vector<int> const& buffers) {
        return add_inputs<Joining>(walk, close_in_order(walk, open), buffers);
    }
    template <class Open, class... Branches>
    static constexpr auto add_joins(model_walk& walk, Open open, std::vector<int> const& buffers, type_tag<Branches>...) {
        return add_joins_at<0, static_cast<int>(sizeof...(Branches)) - 1>(walk, open, buffers);
    }
    template <int Index, int Count, class Open>
    static constexpr auto add_joins_at(model_walk& walk, Open open, std::vector<int> const& buffers) {
        if constexpr (Index == Count) return open;
        else return add_joins_at<Index + 1, Count>(walk, add_inputs<join>(walk, open, {buffers[Index]}), buffers);
    }
    template <class In, class First, class... Rest>
    static constexpr auto add_concat(model_walk& walk, std::vector<int> const& buffers) {
        using first = typename decltype(fed<First, In>::result())::shape;
        return add_inputs<concat_join<typename decltype(fed<Rest, In>::result())::shape...>>(
            walk, open_group<first, void>{}, {buffers.begin() + 1, buffers.end()});
    }

    template <class Open>
    struct fold {
        model_walk& walk;
        Open open;
        template <class Layer>
        constexpr auto operator>>(type_tag<Layer> layer) const {
            auto const next = append_layer(walk, open, layer);
            ++walk.here.index[walk.here.depth - 1];
            return fold<std::remove_const_t<decltype(next)>>{walk, next};
        }
        /// Frozen layers have their own places.
        template <class... Inner>
        constexpr auto operator>>(type_tag<frozen<Inner...>>) const {
            return freeze(walk, [&] { return (*this >> ... >> type_tag<Inner>{}); });
        }
    };
    template <class Open, class... Layers>
    static constexpr auto append_all(model_walk& walk, Open open, Layers... layers) {
        return (fold<Open>{walk, open} >> ... >> layers).open;
    }

    /// Places a whole model.
    template <class In, class... Layers>
    static constexpr model_output place_model(program_builder& builder, type_tag<sequential<In, Layers...>>) {
        model_walk walk{builder, {builder.add_input(extents_of<In>(), storage_of<Backend>::type::template content<group_input<In>>)}, {}, {}};
        walk.here.enter();
        if constexpr (order_of<In>::moves)
            walk.inputs = {builder.place(local<group<In, reorder<true>>>(), walk.inputs, {walk.here}, {})};
        auto const end = close_in_order(walk, append_all(walk, open_group<In, void>{}, type_tag<Layers>{}...));
        using out = typename decltype(end)::shape;
        model_output output{walk.inputs[0], walk.inputs[0]};
        if constexpr (order_of<out>::moves)
            output.in_order = builder.place(local<group<out, reorder<false>>>(), walk.inputs, {walk.here}, {});
        return output;
    }
};

template <class Loss, class Out>
concept counts_right_answers = requires { Loss::correct(group_input<Out>{}, target_leaf<Out, Loss>{}); };

/// A program's result for a loss: a number.
template <class Lowering, class Out, class Loss, class What>
constexpr int place_loss(program_builder& builder, int output) {
    int const buffer = builder.place(Lowering::template local<loss_group<Out, Loss, What>>(), {output}, {}, {});
    builder.result.buffers[buffer].result = true;
    return buffer;
}

template <class Model, class Loss, class Backend, bool Backward>
constexpr program build_program(bool input_gradient) {
    using lowering = model_lowering<Backend, Backward>;
    using out = typename Model::output_shape;
    program_builder builder;
    program& result = builder.result;
    model_output const output = lowering::place_model(builder, type_tag<Model>{});
    result.output = output.in_order;
    result.buffers[result.output].result = true;
    if constexpr (!std::is_void_v<Loss>) {
        // Targets that are numbers lie in PyTorch's order; classes are read where they lie next to each other.
        int const scores = Loss::target_content == leaf_content::number ? output.in_order : output.in_memory;
        if constexpr (requires { Loss::divisor(group_input<out>{}, target_leaf<out, Loss>{}); })
            result.divisor = place_loss<lowering, out, Loss, loss_divisor>(builder, scores);
        if constexpr (counts_right_answers<Loss, out> && !Backward)
            result.correct = place_loss<lowering, out, Loss, correct_count>(builder, scores);
        if constexpr (requires { Loss::answers(group_input<out>{}, target_leaf<out, Loss>{}); } && !Backward)
            result.answers = place_loss<lowering, out, Loss, answer_count>(builder, scores);
        result.loss = place_loss<lowering, out, Loss, loss_value>(builder, scores);
    }
    result.forward_count = static_cast<int>(result.operations.size());
    if constexpr (Backward) builder.add_backward();
    if (!input_gradient) result.input_gradient = -1;
    if (result.input_gradient >= 0) result.buffers[result.input_gradient].result = true;
    drop_unread(result);
    fuse_tails(result);
    share_storage(result);
    return result;
}

} // namespace detail

/// The program that computes a model's result for a batch, without random layers.
template <class Model, class Backend>
constexpr program inference_program() {
    return detail::build_program<Model, void, Backend, false>(false);
}

/// The program that evaluates a loss, and where it has one, the number of right answers.
template <class Model, class Loss, class Backend>
constexpr program evaluation_program() {
    return detail::build_program<Model, Loss, Backend, false>(false);
}

/// The program of a training step: forward, loss, and the gradients of all parameters; on request also the
/// input's.
template <class Model, class Loss, class Backend>
constexpr program training_program(bool input_gradient = false) {
    return detail::build_program<Model, Loss, Backend, true>(input_gradient);
}

} // namespace lockstep
