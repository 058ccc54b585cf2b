// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/parallel/agreement.hpp>
#include <lockstep/parallel/devices.hpp>
#include <lockstep/parallel/parallel_base.hpp>
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

/// A model on the devices of one machine: its parameters, and the replicas' threads. The counterpart of
/// nn.DataParallel(model); what DataParallel does anew in each step is planned here at compile time.
///
/// Model is a sequential, Devices cpu_devices<N>. Policies: reproducible<Shards>, element<double>, buckets<bounds>,
/// sharded_optimizer, unpinned, and one that brings other processes, such as mpi: each of these has such an object, with
/// the same parameters, and they train it together.
template <class Model, class Devices, class... Policies>
class parallel : public detail::parallel_base<Model, Devices, Policies...> {
    using base = detail::parallel_base<Model, Devices, Policies...>;

public:
    using typename base::element;
    using typename base::group_type;
    using typename base::input_element;
    using typename base::input_shape;
    using typename base::output_shape;
    using base::across_processes;
    using base::layout;
    using base::replicas;
    using base::shards;

    /// Parameters start as their layers' initializers say. The same seed gives the same values, whatever the
    /// devices; of several processes, those of the first. Throws usage_error where the number of processes does not
    /// divide the shards, or where another process has another model.
    explicit parallel(seed s)
        : base(s), team_(replicas, detail::has_policy<unpinned, Policies...> ? -1 : group_.local_rank() * replicas) {
        if constexpr (across_processes) {
            if (fixes_the_shards && shards % (group_.size() * replicas) != 0)
                throw usage_error("parallel: reproducible<" + std::to_string(shards) + "> on " + std::to_string(group_.size()) +
                                  " processes of " + std::to_string(replicas) +
                                  " replicas: expected a number of shards that their product divides");
            detail::expect_equal(group_, "parallel: the model's plan", hash_of(layout) ^ hash_of_type<Model>());
            detail::expect_equal(group_, "parallel: the seed", this->initial_seed().value);
            group_.broadcast({reinterpret_cast<std::byte*>(parameters()), this->bytes()}, 0);
        }
    }

    /// The model's result for a tensor, without what layers do only in training. Throws data_error for class indices
    /// that name no class.
    tensor<element, output_shape> operator()(tensor<input_element, input_shape> const& samples) {
        return (*this)(samples.view());
    }
    tensor<element, output_shape> operator()(tensor_view<input_element const, input_shape> samples) {
        this->expect_classes(samples);
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

    /// In PyTorch's layout.
    std::vector<element> parameter(int index) const { return base::read(index, parameters()); }
    void set_parameter(int index, std::span<element const> values) { base::write(index, parameters(), values); }

    /// All parameters, as the plan lays them out.
    element* parameters() { return this->values(); }
    element const* parameters() const { return this->values(); }

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

private:
    static constexpr bool fixes_the_shards = (detail::fixes_shards<Policies> || ...);

    void make_inference_replicas() {
        if (!inference_.empty()) return;
        std::vector<std::unique_ptr<replica>> made(replicas);
        team_.run([&](int r) { made[r] = std::make_unique<replica>(layout, reinterpret_cast<std::byte*>(parameters())); });
        inference_ = std::move(made);
    }

    group_type group_;
    lockstep::team team_;
    std::vector<std::unique_ptr<replica>> inference_;
};

} // namespace lockstep
