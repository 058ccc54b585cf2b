// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/platform.hpp>
#include <lockstep/device/grid/range.hpp>
#include <lockstep/plan/describe.hpp>
#include <lockstep/plan/plan.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace lockstep::grid {

/// Where a shard's samples lie in a device's memory, where its gradients go, and how many samples it has.
struct shard_place {
    std::byte* inputs = nullptr;
    std::byte* targets = nullptr;
    /// Laid out like the parameters; in an evaluation none.
    std::byte* gradients = nullptr;
    std::int64_t samples = 0;
    std::int64_t first_sample = 0;
    /// Where it finds the number of the step.
    std::uint32_t const* step = nullptr;
    /// And the factor of the loss, where there is one.
    float const* loss_scale = nullptr;
};

/// All parameters on a device, laid out as the plan says: as the optimizer has them, and rounded, where values are.
struct parameter_places {
    std::byte* exact = nullptr;
    std::byte* rounded = nullptr;
};

/// Puts a plan's operations into a stream of a device, in memory that the plan has laid out. It knows the plan as data,
/// as the replica of a host does. In profilers each operation is a range with the name that the plan's chart has for it.
template <class P>
class replica {
public:
    /// `key`: of the random numbers.
    replica(plan const& p, int device, parameter_places parameters, philox_key key)
        : plan_(&p), arena_(device, static_cast<std::size_t>(p.arena_bytes)), scratch_(device, scratch_bytes(p, device)),
          parameters_(parameters), key_(key),
          names_(p.operations.size(),
                 [&p](std::size_t i) { return lockstep::detail::describe_operation(p, static_cast<int>(i)); }) {
        states_.reserve(p.operations.size());
        for (operation const& op : p.operations) {
            auto const& kernel = kernel_of(op);
            void* const state = kernel.make_state != nullptr ? kernel.make_state(device, p.shard_samples()) : nullptr;
            states_.emplace_back(state, kernel.free_state);
        }
    }

    void run(typename P::stream const& s, shard_place const& shard, int first, int last) const {
        for (int i = first; i < last; ++i) launch(s, shard, i);
    }

    /// Where one of the plan's buffers lies: of a model that does nothing the result is its input.
    template <class T = std::byte>
    T* address(shard_place const& shard, int buffer) const {
        return reinterpret_cast<T*>(bytes_of(shard, buffer));
    }

private:
    static std::size_t scratch_bytes(plan const& p, int device) {
        std::int64_t most = 0;
        for (operation const& op : p.operations)
            most = std::max(most, kernel_of(op).scratch_bytes(device, p.shard_samples()));
        return static_cast<std::size_t>(most);
    }
    static operation_kernel<P> const& kernel_of(operation const& op) {
        return *static_cast<operation_kernel<P> const*>(op.kernel);
    }

    void launch(typename P::stream const& s, shard_place const& shard, int index) const {
        operation const& op = plan_->operations[static_cast<std::size_t>(index)];
        call c;
        c.result = address(shard, op.result);
        for (int k = 0; k < op.operand_count; ++k) c.operands[k] = address(shard, op.operands[static_cast<std::size_t>(k)]);
        c.samples = shard.samples;
        c.scratch = scratch_.data();
        c.key = key_;
        c.step = shard.step;
        c.loss_scale = shard.loss_scale;
        c.first_sample = shard.first_sample;
        c.group = op.group;
        [[maybe_unused]] auto const range = names_[static_cast<std::size_t>(index)];
        kernel_of(op).launch(s, c, states_[static_cast<std::size_t>(index)].get());
    }

    std::byte* bytes_of(shard_place const& shard, int index) const {
        buffer const& b = plan_->buffers[static_cast<std::size_t>(index)];
        auto const element = [&] { return plan_->parameter_offsets[static_cast<std::size_t>(b.parameter)]; };
        auto const offset = [&] { return element() * plan_->settings.element_bytes; };
        switch (b.kind) {
        case buffer_kind::input: return shard.inputs;
        case buffer_kind::target: return shard.targets;
        case buffer_kind::parameter:
            if (is_rounded(b.content))
                return parameters_.rounded + element() * bytes_of_element(b.content, plan_->settings.element_bytes);
            return parameters_.exact + offset();
        case buffer_kind::gradient: return shard.gradients + offset();
        default: return arena_.data() + plan_->placements[static_cast<std::size_t>(index)].offset;
        }
    }

    plan const* plan_;
    typename P::memory arena_, scratch_;
    parameter_places parameters_;
    philox_key key_;
    range_names<P> names_;
    /// What libraries keep, of each operation.
    std::vector<std::unique_ptr<void, void (*)(void*)>> states_;
};

/// Bytes of one sample in a plan's buffers of a kind: inputs or targets.
constexpr std::int64_t sample_bytes(plan const& p, buffer_kind kind) {
    for (buffer const& b : p.buffers)
        if (b.kind == kind) return p.bytes_of(b, 1);
    return 0;
}

} // namespace lockstep::grid
