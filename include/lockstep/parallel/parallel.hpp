// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/expression/seed.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/parallel/agreement.hpp>
#include <lockstep/parallel/devices.hpp>
#include <lockstep/parallel/parameters.hpp>
#include <lockstep/parallel/policy.hpp>
#include <lockstep/parallel/replica.hpp>
#include <lockstep/parallel/shard_tree.hpp>
#include <lockstep/parallel/team.hpp>
#include <lockstep/plan/hash.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/program/build.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lockstep {

namespace detail {

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

} // namespace detail

/// A model on the devices of one machine: its parameters, and the replicas' threads. The counterpart of
/// nn.DataParallel(model); what DataParallel does anew in each step is planned here at compile time.
///
/// Model is a sequential, Devices cpu_devices<N>. Policies: reproducible<Shards>, element<double>, buckets<bounds>,
/// sharded_optimizer, unpinned, and one that brings other processes, such as mpi: each of these has such an object, with
/// the same parameters, and they train it together.
template <class Model, class Devices, class... Policies>
class parallel {
public:
    using model = Model;
    using devices = Devices;
    using element = typename detail::element_from<Policies...>::type;
    using input_shape = typename Model::input_shape;
    using output_shape = typename Model::output_shape;
    /// What samples consist of: numbers, or int32 where they are class indices.
    using input_element = element_in<element, input_shape>;
    template <class T>
    using backend = typename Devices::template backend<T>;

    static constexpr int replicas = Devices::replicas;
    /// Parts of a batch. Every replica computes the same number of them, one after the other. With several processes,
    /// without reproducible<V>, the parts of one process.
    static constexpr int shards = detail::shards_from<replicas, Policies...>::value;
    static_assert(replicas < 1 || shards % replicas == 0,
                  "reproducible<V>: V is a multiple of the number of replicas");
    /// The processes that train this model together.
    using group_type = typename detail::group_from<Policies...>::type;
    static constexpr bool across_processes = !std::same_as<group_type, single_process>;
    static constexpr bool has_sharded_optimizer = across_processes && detail::has_policy<sharded_optimizer, Policies...>;
    static constexpr bucket_bounds buckets = detail::buckets_from<Devices::buckets, Policies...>::value;

    /// Parameters start as their layers' initializers say. The same seed gives the same values, whatever the
    /// devices; of several processes, those of the first. Throws usage_error where the number of processes does not
    /// divide the shards, or where another process has another model.
    explicit parallel(seed s)
        : seed_(s), team_(replicas, detail::has_policy<unpinned, Policies...> ? -1 : group_.local_rank() * replicas),
          parameters_(bytes()) {
        std::fill_n(parameters(), layout.parameter_elements, element{});
        for (std::size_t i = 0; i < layout.parameters.size(); ++i) initialize(static_cast<int>(i));
        if constexpr (across_processes) {
            if (fixes_the_shards && shards % (group_.size() * replicas) != 0)
                throw usage_error("parallel: reproducible<" + std::to_string(shards) + "> on " + std::to_string(group_.size()) +
                                  " processes of " + std::to_string(replicas) +
                                  " replicas: expected a number of shards that their product divides");
            detail::expect_equal(group_, "parallel: the model's plan", hash_of(layout) ^ hash_of_type<Model>());
            detail::expect_equal(group_, "parallel: the seed", seed_.value);
            group_.broadcast({parameters_.data(), parameters_.bytes()}, 0);
        }
    }

    /// The model's result for a tensor, without what layers do only in training. Throws data_error for class indices
    /// that name no class.
    tensor<element, output_shape> operator()(tensor<input_element, input_shape> const& samples) {
        return (*this)(samples.view());
    }
    tensor<element, output_shape> operator()(tensor_view<input_element const, input_shape> samples) {
        if constexpr (is_class_indices<input_shape>)
            detail::check_class_indices(samples.elements(), input_shape::size, input_shape::classes);
        make_inference_replicas();
        tensor<element, output_shape> results(samples.count());
        team_.run([&](int r) {
            sample_range const share = shard_of(samples.count(), r, replicas);
            for (std::int64_t done = 0; done < share.count; done += detail::inference_samples) {
                std::int64_t const count = std::min<std::int64_t>(detail::inference_samples, share.count - done);
                std::int64_t const first = share.first + done;
                inference_[r]->forward({samples.slice(first, count).data(), nullptr, count, {}});
                std::copy_n(inference_[r]->template result<element>(layout.output), count * output_shape::size,
                            results.data() + first * output_shape::size);
            }
        });
        return results;
    }

    /// Number of parameters that are tensors of their own.
    static constexpr int parameter_count() { return static_cast<int>(layout.parameters.size()); }
    static std::string parameter_name(int index) { return name_of(layout.parameters[index]); }
    static extents parameter_shape(int index) { return saved_shape_of(layout.parameters[index]); }

    /// A parameter's values in PyTorch's layout, from memory laid out like all parameters: the parameters
    /// themselves, their gradients, or an optimizer's state.
    static std::vector<element> read(int index, element const* memory) {
        return to_saved_order<element>(layout.parameters[index], memory + layout.parameter_offsets[index]);
    }
    static void write(int index, element* memory, std::span<element const> values) {
        from_saved_order<element>(layout.parameters[index], values, memory + layout.parameter_offsets[index]);
    }
    std::vector<element> parameter(int index) const { return read(index, parameters()); }
    void set_parameter(int index, std::span<element const> values) { write(index, parameters(), values); }

    /// All parameters, as the plan lays them out.
    element* parameters() { return parameters_.as<element>().data(); }
    element const* parameters() const { return parameters_.as<element>().data(); }
    static constexpr std::int64_t parameter_elements() { return layout.parameter_elements; }

    lockstep::team& team() { return team_; }
    /// The processes: rank() and size().
    group_type& processes() { return group_; }
    /// The shards of a batch that this process computes.
    detail::shard_share share() const {
        if constexpr (!across_processes) return {0, shards, shards};
        int const each = fixes_the_shards ? shards / group_.size() : shards;
        return {group_.rank() * each, each, group_.size() * each};
    }
    /// The tree in which the shards of all processes are added.
    shard_tree tree() const {
        if constexpr (fixes_the_shards) return shard_tree::over_shards(shards, group_.size());
        else return shard_tree::over_processes(shards, group_.size());
    }
    lockstep::seed initial_seed() const { return seed_; }

    /// The plan of an inference, which also lays out the parameters: every plan of a model does it the same way.
    static constexpr plan layout =
        static_plan<detail::inference_source<Model, backend<element>>,
                    plan_settings{replicas, replicas, replicas * detail::inference_samples, sizeof(element)}>::value;

private:
    static constexpr bool fixes_the_shards = (detail::fixes_shards<Policies> || ...);

    static constexpr std::size_t bytes() {
        return static_cast<std::size_t>(layout.parameter_elements) * sizeof(element);
    }

    void initialize(int index) {
        program_parameter const& p = layout.parameters[index];
        std::vector<double> values(static_cast<std::size_t>(p.declared.shape.size()));
        p.declared.initialize(values, saved_shape_of(p), parameter_key(seed_, index));
        std::vector<element> const converted(values.begin(), values.end());
        set_parameter(index, converted);
    }

    void make_inference_replicas() {
        if (!inference_.empty()) return;
        std::vector<std::unique_ptr<replica>> made(replicas);
        team_.run([&](int r) { made[r] = std::make_unique<replica>(layout, parameters_.data()); });
        inference_ = std::move(made);
    }

    lockstep::seed seed_;
    group_type group_;
    lockstep::team team_;
    host_memory parameters_;
    std::vector<std::unique_ptr<replica>> inference_;
};

} // namespace lockstep
