// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/gradient.hpp>
#include <lockstep/expression/philox.hpp>
#include <lockstep/layer/parameter.hpp>
#include <lockstep/program/group.hpp>
#include <lockstep/program/kernel_facts.hpp>
#include <lockstep/program/schedule.hpp>

#include <array>
#include <span>

namespace lockstep {

/// What a slot of a group's program stands for. A slot becomes a buffer once the group has its place.
enum class slot_role { input, target, parameter, upstream, value };

struct local_slot {
    slot_role role = slot_role::value;
    /// Number of the input or of the parameter.
    int index = 0;
    extents shape;
    bool per_sample = true;
    leaf_content content = leaf_content::number;
};

struct local_operation {
    /// What the device calls.
    void const* kernel = nullptr;
    kernel_facts facts;
    int result = 0;
    std::array<int, max_operands> operands{};
    int operand_count = 0;
};

/// Fills a parameter's first values, in PyTorch's order, for the shape that PyTorch would print.
using initializer_function = void (*)(std::span<double> values, extents const& shape, philox_key key);

struct local_parameter {
    /// Which of the group's layers it belongs to.
    int layer = 0;
    char const* name = "";
    extents shape;
    /// For each axis of the saved tensor, the axis in memory.
    std::array<int, max_rank> saved_axes{};
    initializer_function initialize = nullptr;
    bool follows_feature_order = false;
};

/// The program of one group, forward and backward, over slots of its own: the same data for every place in
/// every model where the group stands.
struct local_program {
    std::span<local_slot const> slots;
    std::span<local_operation const> forward;
    std::span<local_operation const> backward;
    std::span<local_parameter const> parameters;
    /// The slot of the result.
    int result = 0;
    /// The slots of the gradients with respect to parameters and inputs; in an evaluation empty.
    std::span<int const> parameter_gradients;
    std::span<int const> input_gradients;
    bool random = false;
};

/// What the compiler prints when the loss doesn't depend on a parameter: its layer's expression doesn't read it.
template <class Layer, class Parameter>
struct parameter_is_not_reached_by_the_loss {
    template <class Gradient>
    struct check {
        static constexpr bool passed = !std::is_same_v<Gradient, no_gradient>;
        static_assert(passed, "the loss does not depend on a parameter: the type above names its layer and it");
    };
};

namespace detail {

// ---- the parameters of a group ----

template <int Layer, class Owner, class Tag, class Shape, class Initializer, class Axes>
struct group_parameter {
    using tag = parameter_tag<Layer, Tag>;
    using owner = Owner;
    using name_tag = Tag;
    static constexpr local_parameter value() {
        local_parameter result;
        result.layer = Layer;
        result.name = Tag::name;
        result.shape = extents_of<Shape>();
        result.initialize = &Initializer::fill;
        result.follows_feature_order = requires { Owner::follows_feature_order; };
        for (int axis = 0; axis < max_rank; ++axis) result.saved_axes[axis] = axis;
        set_axes(result, Axes{});
        return result;
    }
    template <int... Axis>
    static constexpr void set_axes(local_parameter& result, saved_axes<Axis...>) {
        int position = 0;
        ((result.saved_axes[position++] = Axis), ...);
    }
};

template <int Index, class Owner, class Parameters>
struct parameters_of_layer;
template <int Index, class Owner, class... Tag, class... Shape, class... Initializer, class... Axes>
struct parameters_of_layer<Index, Owner, parameters<parameter<Tag, Shape, Initializer, Axes>...>> {
    using type = type_list<group_parameter<Index, Owner, Tag, Shape, Initializer, Axes>...>;
};

template <int Index, class In, class... Layers>
struct parameters_of_layers {
    using type = type_list<>;
};
template <int Index, class In, class Layer, class... Rest>
struct parameters_of_layers<Index, In, Layer, Rest...> {
    using type =
        concatenate<typename parameters_of_layer<Index, Layer, parameters_of<Layer, In>>::type,
                    typename parameters_of_layers<Index + 1, output_shape<Layer, In>, Rest...>::type>;
};
template <int Index, class In, class... Rest>
struct parameters_of_layers<Index, In, join, Rest...> : parameters_of_layers<Index + 1, In, Rest...> {};

template <class Group>
struct group_traits {
    using parameters = type_list<>;
    static constexpr int inputs = 1;
    using upstream = literal<1.0>;
};
template <class In, class... Layers>
struct group_traits<group<In, Layers...>> {
    using parameters = typename parameters_of_layers<0, In, Layers...>::type;
    static constexpr int inputs = 1 + (0 + ... + static_cast<int>(std::is_same_v<Layers, join>));
    using upstream = leaf<upstream_tag, typename group_expression<group<In, Layers...>, training_mode>::result_shape, true>;
};
template <class Shape>
struct group_traits<sum_group<Shape>> {
    using parameters = type_list<>;
    static constexpr int inputs = 2;
    using upstream = leaf<upstream_tag, Shape, true>;
};

// ---- slots ----

/// Leaves are found by their tag: a parameter may be read under several shapes.
template <class Tag>
struct leaf_slot {};
template <class E>
struct slot_key {
    using type = E;
};
template <class Tag, class Shape, bool PerSample, leaf_content Content>
struct slot_key<leaf<Tag, Shape, PerSample, Content>> {
    using type = leaf_slot<Tag>;
};

template <class Tag>
struct role_of;
template <int Index>
struct role_of<input_tag<Index>> {
    static constexpr slot_role role = slot_role::input;
    template <class>
    static constexpr int index = Index;
};
template <>
struct role_of<target_tag> {
    static constexpr slot_role role = slot_role::target;
    template <class>
    static constexpr int index = 0;
};
template <>
struct role_of<upstream_tag> {
    static constexpr slot_role role = slot_role::upstream;
    template <class>
    static constexpr int index = 0;
};
template <class Tag, class Parameters>
inline constexpr int parameter_index = -1;
template <class Tag, class... Parameters>
inline constexpr int parameter_index<Tag, type_list<Parameters...>> =
    index_of<Tag, type_list<typename Parameters::tag...>>;
template <int Layer, class Tag>
struct role_of<parameter_tag<Layer, Tag>> {
    static constexpr slot_role role = slot_role::parameter;
    template <class Parameters>
    static constexpr int index = parameter_index<parameter_tag<Layer, Tag>, Parameters>;
};

template <class E, class Parameters>
constexpr local_slot slot_value() {
    local_slot slot;
    slot.shape = extents_of<typename E::result_shape>();
    slot.per_sample = E::per_sample;
    slot.content = content_of<E>;
    if constexpr (is_leaf<E>) {
        slot.role = role_of<typename E::tag>::role;
        slot.index = role_of<typename E::tag>::template index<Parameters>;
    }
    return slot;
}

// ---- steps ----

template <class E, class Reads>
struct step {};

/// Each buffer with what its step reads, given the buffers before it.
template <class Before, class Steps, class... Buffers>
struct make_steps {
    using type = Steps;
};
template <class Before, class... Steps, class First, class... Rest>
struct make_steps<Before, type_list<Steps...>, First, Rest...>
    : make_steps<append<Before, First>, type_list<Steps..., step<First, reads_of<Before, First>>>, Rest...> {};

template <class Buffers>
struct steps_of;
template <class... Buffers>
struct steps_of<type_list<Buffers...>> {
    using type = typename make_steps<type_list<>, type_list<>, Buffers...>::type;
};

/// One slot for every leaf that is read and every buffer.
template <class Slots, class Steps>
struct slots_of;
template <class Slots>
struct slots_of<Slots, type_list<>> {
    using type = Slots;
};
template <class Slots, class... E>
struct append_slots {
    using type = Slots;
};
template <class... Slots, class First, class... Rest>
struct append_slots<type_list<Slots...>, First, Rest...>
    : append_slots<std::conditional_t<contains<typename slot_key<First>::type,
                                               type_list<typename slot_key<Slots>::type...>>,
                                      type_list<Slots...>, type_list<Slots..., First>>,
                   Rest...> {};
template <class Slots, class E, class... Read, class... Steps>
struct slots_of<Slots, type_list<step<E, type_list<Read...>>, Steps...>>
    : slots_of<typename append_slots<Slots, Read..., E>::type, type_list<Steps...>> {};

template <class E, class Slots>
inline constexpr int slot_of = -1;
template <class E, class... Slots>
inline constexpr int slot_of<E, type_list<Slots...>> =
    index_of<typename slot_key<E>::type, type_list<typename slot_key<Slots>::type...>>;

template <class Backend, class Slots, class E, class... Read>
constexpr local_operation operation_of(step<E, type_list<Read...>>) {
    using reads = type_list<Read...>;
    using kernel = kernel_expression<reads, E>;
    static_assert(sizeof...(Read) <= max_operands, "a kernel reads at most max_operands values");
    local_operation operation;
    operation.kernel = Backend::template kernel<kernel>();
    operation.facts = facts_of_kernel<kernel>::template value<reads>();
    operation.result = slot_of<E, Slots>;
    ((operation.operands[operation.operand_count++] = slot_of<Read, Slots>), ...);
    return operation;
}

/// Gradients with a buffer each: the buffer of a parameter's gradient lies in its bucket, so a parameter whose
/// gradient is another one's, as in x + p + q, gets a copy.
template <int>
struct copy {
    static constexpr char const* name = "copy";
    static constexpr auto apply(auto a) { return a; }
};
template <class Gradient, class Before>
struct own_gradient {
    using type = Gradient;
};
template <expression Gradient, class Before>
    requires contains<Gradient, Before>
struct own_gradient<Gradient, Before> {
    using type = apply<copy<Before::size>, Gradient>;
};
template <class Own, class... Gradients>
struct own_gradients {
    using type = Own;
};
template <class... Own, class First, class... Rest>
struct own_gradients<type_list<Own...>, First, Rest...>
    : own_gradients<type_list<Own..., typename own_gradient<First, type_list<Own...>>::type>, Rest...> {};

// ---- a group ----

template <class Group, class Backend, bool Backward>
struct lowered {
    using mode = std::conditional_t<Backward, training_mode, evaluation_mode>;
    using expression = group_expression<Group, mode>;
    using traits = group_traits<Group>;
    using parameters = typename traits::parameters;

    template <class Tag>
    using gradient_of = decltype(gradient<Tag>(expression{}, typename traits::upstream{}));

    template <class Parameters>
    struct parameter_gradients;
    template <class... Parameters>
    struct parameter_gradients<type_list<Parameters...>> {
        static constexpr bool all_reached =
            (parameter_is_not_reached_by_the_loss<typename Parameters::owner, typename Parameters::name_tag>::
                 template check<gradient_of<typename Parameters::tag>>::passed &&
             ... && true);
        // After the error above, gradients that do not exist would only be more errors.
        using type = typename std::conditional_t<
            all_reached, own_gradients<type_list<>, gradient_of<typename Parameters::tag>...>,
            std::type_identity<type_list<>>>::type;
    };
    template <class Indices>
    struct input_gradients;
    template <std::size_t... Index>
    struct input_gradients<std::index_sequence<Index...>> {
        using type = type_list<gradient_of<input_tag<static_cast<int>(Index)>>...>;
    };

    using forward_buffers = schedule<type_list<>, expression>;

    template <bool, class Targets>
    struct with_gradients {
        using type = forward_buffers;
    };
    template <class... Gradients>
    struct with_gradients<true, type_list<Gradients...>> {
        using type = typename schedule_all<forward_buffers, Gradients...>::type;
    };

    template <bool>
    struct gradients {
        using of_parameters = type_list<>;
        using of_inputs = type_list<>;
    };
    template <std::same_as<void>... None>
    struct unused {};

    static constexpr bool has_backward = Backward && !is_leaf<expression>;
    template <bool Wanted>
        requires Wanted
    struct gradients<Wanted> {
        using of_parameters = typename parameter_gradients<parameters>::type;
        using of_inputs = typename input_gradients<std::make_index_sequence<traits::inputs>>::type;
    };

    using of_parameters = typename gradients<has_backward>::of_parameters;
    using of_inputs = typename gradients<has_backward>::of_inputs;
    // The gradient with respect to the input comes last: the group before continues with it at once.
    using buffers = typename with_gradients<has_backward, concatenate<of_parameters, of_inputs>>::type;
    using steps = typename steps_of<buffers>::type;
    using slots = typename slots_of<typename append_slots<type_list<>, expression>::type, steps>::type;
    // A gradient may be the upstream gradient itself, which then no step reads.
    template <class... Gradients>
    static constexpr auto all_slots(type_list<Gradients...>) {
        return typename append_slots<slots, Gradients...>::type{};
    }
    using final_slots = decltype(all_slots(concatenate<of_parameters, of_inputs>{}));

    template <class... Slots>
    static constexpr auto slot_values(type_list<Slots...>) {
        return std::array<local_slot, sizeof...(Slots)>{slot_value<Slots, parameters>()...};
    }
    template <class... Steps>
    static constexpr auto operation_values(type_list<Steps...>) {
        return std::array<local_operation, sizeof...(Steps)>{operation_of<Backend, final_slots>(Steps{})...};
    }
    template <class... Parameters>
    static constexpr auto parameter_values(type_list<Parameters...>) {
        return std::array<local_parameter, sizeof...(Parameters)>{Parameters::value()...};
    }
    template <class... Gradients>
    static constexpr auto gradient_slots(type_list<Gradients...>) {
        return std::array<int, sizeof...(Gradients)>{slot_of<Gradients, final_slots>...};
    }

    static constexpr auto slot_array = slot_values(final_slots{});
    static constexpr auto operation_array = operation_values(steps{});
    static constexpr auto parameter_array = parameter_values(parameters{});
    static constexpr auto parameter_gradient_array = gradient_slots(of_parameters{});
    static constexpr auto input_gradient_array = gradient_slots(of_inputs{});

    static constexpr local_program value{
        slot_array,
        std::span<local_operation const>(operation_array).first(forward_buffers::size),
        std::span<local_operation const>(operation_array).subspan(forward_buffers::size),
        parameter_array,
        slot_of<expression, final_slots>,
        parameter_gradient_array,
        input_gradient_array,
        holds_random<expression>};
};

} // namespace detail

/// The program of a group for a backend, which gives every kernel expression the address of what runs it. The
/// backward pass is derived from the forward expression.
template <class Group, class Backend, bool Backward>
inline constexpr local_program const& lower = detail::lowered<Group, Backend, Backward>::value;

} // namespace lockstep
