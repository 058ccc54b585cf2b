// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/gradient.hpp>
#include <lockstep/program/group_parameters.hpp>
#include <lockstep/program/local_program.hpp>
#include <lockstep/program/slots.hpp>
#include <lockstep/program/storage.hpp>

#include <array>
#include <span>
#include <utility>

namespace lockstep {

namespace detail {

/// The kernel of E for a backend, which is told how the result is stored where that differs.
template <class Backend, class Kernel, leaf_content Result>
constexpr void const* kernel_of() {
    if constexpr (requires { typename Backend::storage; }) return Backend::template kernel<Kernel, Result>();
    else return Backend::template kernel<Kernel>();
}

template <class Backend, class Storage, class Slots, class E, class... Read>
constexpr local_operation operation_of(step<E, type_list<Read...>>) {
    using reads = type_list<Read...>;
    using kernel = kernel_expression<reads, E, Storage>;
    constexpr leaf_content result = Storage::template content<E>;
    static_assert(sizeof...(Read) <= max_operands, "a kernel reads at most max_operands values");
    local_operation operation;
    operation.kernel = kernel_of<Backend, kernel, result>();
    operation.facts = facts_of_kernel<kernel>::template value<reads, Storage>(result);
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

/// The values that are observed, with a buffer each, and of which parameters.
template <class Observations>
struct values_observed;
template <class... Tag, class... Value>
struct values_observed<type_list<observation<Tag, Value>...>> {
    using type = typename own_gradients<type_list<>, Value...>::type;
};
template <class Tagged>
struct tags_of;
template <class... Parameters>
struct tags_of<type_list<Parameters...>> {
    using type = type_list<typename Parameters::tag...>;
};
template <class... Tag, class... Value>
struct tags_of<type_list<observation<Tag, Value>...>> {
    using type = type_list<Tag...>;
};
template <>
struct tags_of<type_list<>> {
    using type = type_list<>;
};

template <class Group, class Backend, bool Backward>
struct lowered {
    using mode = std::conditional_t<Backward, training_mode, evaluation_mode>;
    using expression = group_expression<Group, mode>;
    using traits = group_traits<Group>;
    using parameters = typename traits::parameters;
    using trained = typename trained_of<parameters>::type;
    using observations = typename observation_rule<Group, mode>::type;

    using upstream = typename upstream_in<typename traits::upstream, typename storage_of<Backend>::type>::type;
    template <class Tag>
    using gradient_of = decltype(backward<Tag>(expression{}, upstream{}));

    /// The trained parameters that the result depends on, and not by comparisons alone.
    template <class Parameters>
    struct reached_among;
    template <class... Parameters>
    struct reached_among<type_list<Parameters...>> {
        template <class Tag>
        static constexpr bool is_reached = !std::is_same_v<gradient_of<Tag>, no_gradient>;
        using type = typename joined<std::conditional_t<is_reached<typename Parameters::tag>, type_list<Parameters>,
                                                        type_list<>>...>::type;
    };
    using reached = typename reached_among<trained>::type;

    /// An input may be read for its shape or through a comparison alone: a gradient of zeros.
    using zeros = apply<function::broadcast_to, literal<0.0>, column_index<typename traits::input, true>>;
    template <class Gradient>
    using input_gradient = std::conditional_t<std::is_same_v<Gradient, no_gradient>, zeros, Gradient>;
    template <bool Wanted, class Targets>
    struct gradients_of {
        using type = type_list<>;
    };
    template <class... Parameters>
    struct gradients_of<true, type_list<Parameters...>> {
        using type = typename own_gradients<type_list<>, gradient_of<typename Parameters::tag>...>::type;
    };
    template <std::size_t... Index>
    struct gradients_of<true, std::index_sequence<Index...>> {
        using type = type_list<input_gradient<gradient_of<input_tag<static_cast<int>(Index)>>>...>;
    };

    // An evaluation has no gradients, nor has a group that gives its input as it is.
    static constexpr bool has_backward = Backward && !is_leaf<expression>;
    using of_parameters = typename gradients_of<has_backward, reached>::type;
    using of_inputs = typename gradients_of<has_backward, std::make_index_sequence<traits::inputs>>::type;

    using observed_values = typename values_observed<observations>::type;
    using forward_buffers = schedule_list<schedule<type_list<>, expression>, observed_values>;
    // The gradient with respect to the input comes last: the group before continues with it at once.
    using buffers = schedule_list<forward_buffers, concatenate<of_parameters, of_inputs>>;
    using steps = typename steps_of<buffers>::type;
    using slots = typename slots_of<typename append_slots<type_list<>, expression>::type, steps>::type;
    // A gradient may be the upstream gradient itself, which then no step reads.
    template <class... Gradients>
    static constexpr auto all_slots(type_list<Gradients...>) {
        return typename append_slots<slots, Gradients...>::type{};
    }
    using final_slots = decltype(all_slots(concatenate<of_parameters, of_inputs>{}));

    using storage = typename storage_in<typename storage_of<Backend>::type, concatenate<type_list<expression>, of_inputs>,
                                        typename tags_of<trained>::type>::type;

    template <class... Slots>
    static constexpr auto slot_values(type_list<Slots...>) {
        return std::array<local_slot, sizeof...(Slots)>{slot_value<Slots, parameters, storage>()...};
    }
    template <class... Steps>
    static constexpr auto operation_values(type_list<Steps...>) {
        return std::array<local_operation, sizeof...(Steps)>{operation_of<Backend, storage, final_slots>(Steps{})...};
    }
    template <class... Parameters>
    static constexpr auto parameter_values(type_list<Parameters...>) {
        return std::array<local_parameter, sizeof...(Parameters)>{Parameters::value()...};
    }
    template <class... Gradients>
    static constexpr auto input_results(type_list<Gradients...>) {
        return std::array<input_result, sizeof...(Gradients)>{
            input_result{slot_of<Gradients, final_slots>, std::is_same_v<Gradients, zeros>}...};
    }
    template <class... Tags, class... Values>
    static constexpr auto results_of(type_list<Tags...>, type_list<Values...>) {
        std::array<parameter_result, sizeof...(Values)> results{};
        if constexpr (sizeof...(Tags) == sizeof...(Values)) {
            std::size_t i = 0;
            ((results[i++] = parameter_result{parameter_index<Tags, parameters>, slot_of<Values, final_slots>}), ...);
        }
        return results;
    }

    static constexpr auto slot_array = slot_values(final_slots{});
    static constexpr auto operation_array = operation_values(steps{});
    static constexpr auto parameter_array = parameter_values(parameters{});
    static constexpr auto parameter_gradient_array = results_of(typename tags_of<reached>::type{}, of_parameters{});
    static constexpr auto observation_array = results_of(typename tags_of<observations>::type{}, observed_values{});
    static constexpr auto input_gradient_array = input_results(of_inputs{});

    static constexpr local_program value{
        slot_array,
        std::span<local_operation const>(operation_array).first(forward_buffers::size),
        std::span<local_operation const>(operation_array).subspan(forward_buffers::size),
        parameter_array,
        slot_of<expression, final_slots>,
        parameter_gradient_array,
        input_gradient_array,
        observation_array};
};

} // namespace detail

/// The program of a group for a backend, which gives every kernel expression the address of what runs it. The
/// backward pass is derived from the forward expression.
template <class Group, class Backend, bool Backward>
inline constexpr local_program const& lower = detail::lowered<Group, Backend, Backward>::value;

} // namespace lockstep
