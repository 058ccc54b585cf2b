// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/expression/seed.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/parallel/parameters.hpp>
#include <lockstep/parallel/policy.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/program/build.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace lockstep::detail {

/// Samples that one replica infers at once.
inline constexpr int inference_samples = 64;

/// Throws data_error for the first index that is none of 0 to classes - 1: it would be read from outside a table.
inline void check_class_indices(std::span<std::int32_t const> indices, std::int64_t per_sample, int classes) {
    auto const found = std::ranges::find_if(indices, [&](std::int32_t index) { return index < 0 || index >= classes; });
    if (found != indices.end())
        throw data_error("parallel: sample " + std::to_string((found - indices.begin()) / per_sample) + " has input " +
                         std::to_string(*found) + ", expected 0 to " + std::to_string(classes - 1));
}

template <class Model, class Backend>
struct inference_source {
    static constexpr program build() { return inference_program<Model, Backend>(); }
};

/// What a model on devices is, whoever these are: its types, the layout of its parameters, and their first values in the
/// host's memory.
template <class Model, class Devices, class... Policies>
class parallel_base {
public:
    using model = Model;
    using devices = Devices;
    using element = typename element_from<Policies...>::type;
    using input_shape = typename Model::input_shape;
    using output_shape = typename Model::output_shape;
    /// What samples consist of: numbers, or int32 where they are class indices.
    using input_element = element_in<element, input_shape>;
    /// How a device stores values: as the numbers that it computes with, or rounded.
    using storage = typename storage_from<Policies...>::type;
    template <class T>
    using backend = typename backend_from<Devices, T, storage>::type;
    static constexpr bool rounds = !std::same_as<storage, stored_as_computed>;
    static constexpr bool scales_loss = lockstep::scales_loss<storage>;

    static constexpr int replicas = Devices::replicas;
    /// Parts of a batch. Every replica computes the same number of them, one after the other. With several processes,
    /// without reproducible<V>, the parts of one process.
    static constexpr int shards = shards_from<replicas, Policies...>::value;
    static_assert(replicas < 1 || shards % replicas == 0,
                  "reproducible<V>: V is a multiple of the number of replicas");
    /// The processes that train this model together.
    using group_type = typename group_from<Policies...>::type;
    static constexpr bool across_processes = !std::same_as<group_type, single_process>;
    /// Whether what they send each other stands in the schedule of a step.
    static constexpr bool plans_exchanges = across_processes;
    /// Whether each replica has a copy of the parameters, and whether each updates all of them.
    static constexpr bool has_own_memory = false, reduces_together = false;
    static constexpr bool has_sharded_optimizer = across_processes && has_policy<sharded_optimizer, Policies...>;
    static constexpr bucket_bounds buckets = buckets_from<Devices::buckets, Policies...>::value;

    explicit parallel_base(seed s) : seed_(s), values_(bytes()) {
        std::fill_n(values(), layout.parameter_elements, element{});
        for (std::size_t i = 0; i < layout.parameters.size(); ++i) initialize(static_cast<int>(i));
    }

    /// Number of parameters that are tensors of their own.
    static constexpr int parameter_count() { return static_cast<int>(layout.parameters.size()); }
    static std::string parameter_name(int index) { return name_of(layout.parameters[index]); }
    static extents parameter_shape(int index) { return saved_shape_of(layout.parameters[index]); }
    static constexpr std::int64_t parameter_elements() { return layout.parameter_elements; }

    /// A parameter's values in PyTorch's layout, from memory laid out like all parameters: the parameters
    /// themselves, their gradients, or an optimizer's state.
    static std::vector<element> read(int index, element const* memory) {
        return to_saved_order<element>(layout.parameters[index], memory + layout.parameter_offsets[index]);
    }
    static void write(int index, element* memory, std::span<element const> values) {
        from_saved_order<element>(layout.parameters[index], values, memory + layout.parameter_offsets[index]);
    }

    lockstep::seed initial_seed() const { return seed_; }

    /// The plan of an inference, which also lays out the parameters: every plan of a model does it the same way.
    using inference = static_plan<inference_source<Model, backend<element>>,
                                  plan_settings{replicas, replicas, replicas * inference_samples, sizeof(element)}>;
    static constexpr plan layout = inference::value;

protected:
    static constexpr std::size_t bytes() {
        return static_cast<std::size_t>(layout.parameter_elements) * sizeof(element);
    }
    element* values() { return values_.as<element>().data(); }
    element const* values() const { return values_.as<element>().data(); }
    static void expect_classes(tensor_view<input_element const, input_shape> samples) {
        if constexpr (is_class_indices<input_shape>)
            check_class_indices(samples.elements(), input_shape::size, input_shape::classes);
    }

private:
    void initialize(int index) {
        program_parameter const& p = layout.parameters[index];
        std::vector<double> values(static_cast<std::size_t>(p.declared.shape.size()));
        p.declared.initialize(values, saved_shape_of(p), parameter_key(seed_, index));
        std::vector<element> const converted(values.begin(), values.end());
        write(index, this->values(), converted);
    }

    lockstep::seed seed_;
    host_memory values_;
};

} // namespace lockstep::detail
