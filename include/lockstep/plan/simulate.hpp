// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/all_reduce.hpp>
#include <lockstep/plan/bucket_policy.hpp>
#include <lockstep/plan/duration.hpp>
#include <lockstep/plan/plan.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace lockstep {

/// What a step does besides its plan.
struct simulation_settings {
    /// Bytes that the optimizer reads and writes for a parameter's element. 20: SGD with momentum in single precision.
    double update_bytes = 20.0;
    /// Whether buckets are reduced while the backward pass goes on, or after it.
    bool overlap = true;
    /// Whether every gradient is copied into its bucket and back, as in PyTorch's DistributedDataParallel of 2020.
    bool copies_gradients = false;
};

/// Microseconds of a step.
struct predicted_step {
    /// Forward and backward pass by themselves.
    double compute = 0.0;
    /// All reductions, one after the other.
    double reduction = 0.0;
    /// What the reductions and gradients' copies make the step longer.
    double exposed = 0.0;
    double update = 0.0;

    constexpr double total() const { return compute + exposed + update; }
};

/// Predicts a training step of a plan on any number of devices, each with the plan's shards of one replica: the batch
/// grows with the devices (weak scaling). A device computes the plan's operations in order; a bucket is reduced once
/// its gradients are there and the bucket before it is reduced; then everything is updated, and the next step begins.
class step_simulation {
public:
    constexpr step_simulation(plan const& p, topology const& t, simulation_settings settings = {})
        : plan_(p), topology_(t), settings_(settings) {
        if (p.forward_count == static_cast<int>(p.operations.size()))
            throw usage_error("simulate: expected the plan of a training step, found one without a backward pass");
        for (std::size_t i = 0; i < p.operations.size(); ++i) {
            durations_.push_back(detail::operation_microseconds(p, i, t.device));
            shard_ += durations_.back();
        }
    }

    constexpr predicted_step operator()(int devices, std::span<bucket const> buckets) const {
        device_rates const& device = topology_.device;
        int const shards = plan_.settings.shards / plan_.settings.replicas;
        predicted_step step;
        step.compute = shards * shard_;
        step.update = pass(plan_.trained_elements, settings_.update_bytes) +
                      static_cast<double>(buckets.size()) * device.launch;
        // Only the last shard's gradients are the ones to reduce.
        detail::two_streams streams{device.reduction_share, (shards - 1) * shard_};
        std::size_t next = 0;
        for (std::size_t i = 0; i < durations_.size(); ++i) {
            streams.compute(durations_[i]);
            for (; settings_.overlap && next < buckets.size() && is_ready(buckets[next], i); ++next)
                reduce(buckets[next], devices, streams, step);
        }
        for (; next < buckets.size(); ++next) reduce(buckets[next], devices, streams, step);
        streams.wait();
        for (bucket const& b : buckets) streams.compute(copy(b));
        step.exposed = streams.now - step.compute;
        return step;
    }

    /// The part of its time that a device spends as it would alone. 1: scales perfectly.
    constexpr double efficiency(int devices, std::span<bucket const> buckets) const {
        predicted_step const step = (*this)(devices, buckets);
        return (step.compute + step.update) / step.total();
    }

private:
    static constexpr bool is_ready(bucket const& b, std::size_t operation) {
        return b.ready_after <= static_cast<int>(operation);
    }

    /// Microseconds that a pass over elements takes, so many bytes each.
    constexpr double pass(std::int64_t elements, double bytes) const {
        return static_cast<double>(elements) * bytes / topology_.device.memory_bytes * 1e6;
    }

    /// A bucket's copy, in one direction: each parameter's gradient by itself.
    constexpr double copy(bucket const& b) const {
        if (!settings_.copies_gradients) return 0.0;
        return pass(b.end - b.begin, 2.0 * plan_.settings.element_bytes) + b.parameters * topology_.device.launch;
    }

    constexpr void reduce(bucket const& b, int devices, detail::two_streams& streams, predicted_step& step) const {
        streams.compute(copy(b));
        double const time =
            all_reduce_microseconds(topology_, devices, (b.end - b.begin) * plan_.settings.element_bytes);
        streams.reduce(time);
        step.reduction += time;
    }

    plan plan_;
    topology topology_;
    simulation_settings settings_;
    std::vector<double> durations_;
    double shard_ = 0.0;
};

/// The step of a plan on so many devices, with the plan's own buckets.
constexpr predicted_step simulate(plan const& p, topology const& t, int devices, simulation_settings settings = {}) {
    return step_simulation(p, t, settings)(devices, p.buckets);
}

/// The bounds with which a plan's buckets, joined, have the shortest step. Plan with buckets of one parameter each to
/// have all choices.
constexpr bucket_bounds best_buckets(plan const& p, topology const& t, int devices, simulation_settings settings = {}) {
    step_simulation const simulation(p, t, settings);
    std::int64_t const element = p.settings.element_bytes;
    return detail::cheapest_bounds(p.trained_elements * element, [&](bucket_bounds bounds) {
        return simulation(devices, join_buckets(p.buckets, bounds, element)).total();
    });
}

} // namespace lockstep
