// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/platform.hpp>
#include <lockstep/device/grid/range.hpp>
#include <lockstep/parallel/grid/followers.hpp>
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
/// as the replica of a host does. In profilers each operation is a range with the name that the plan's chart has for it;
/// two that a library computes at once have that of the first.
template <class P>
class replica {
public:
    /// `key`: of the random numbers.
    replica(plan const& p, int device, parameter_places parameters, philox_key key)
        : plan_(&p), arena_(device, static_cast<std::size_t>(p.arena_bytes)), scratch_(device, scratch_bytes(p, device)),
          parameters_(parameters), key_(key), followers_(followers_of<P>(p)),
          names_(p.operations.size(),
                 [&p](std::size_t i) { return lockstep::detail::describe_operation(p, static_cast<int>(i)); }) {
        states_.reserve(p.operations.size());
        for (std::size_t i = 0; i < p.operations.size(); ++i) {
            auto const& kernel = kernel_of<P>(p.operations[i]);
            void* const state =
                kernel.make_state != nullptr ? kernel.make_state(device, p.shard_samples(), followers_[i]) : nullptr;
            states_.emplace_back(state, kernel.free_state);
        }
    }

    /// What is launched does not depend on where a pass is cut into runs, which the number of replicas decides: a follower
    /// that a library takes is computed in the run of the operation before it.
    void run(typename P::stream const& s, shard_place const& shard, int first, int last) const {
        for (int i = first; i < last; ++i)
            if (i == 0 || !computes_follower_of(i - 1, shard)) launch(s, shard, i);
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
            most = std::max(most, kernel_of<P>(op).scratch_bytes(device, p.shard_samples()));
        return static_cast<std::size_t>(most);
    }

    bool computes_follower_of(int index, shard_place const& shard) const {
        auto const i = static_cast<std::size_t>(index);
        if (followers_[i].kind == follower_kind::none) return false;
        return kernel_of<P>(plan_->operations[i]).computes_both(states_[i].get(), shard.samples);
    }
    void launch(typename P::stream const& s, shard_place const& shard, int index) const {
        auto const i = static_cast<std::size_t>(index);
        auto const& kernel = kernel_of<P>(plan_->operations[i]);
        [[maybe_unused]] auto const range = names_[i];
        if (computes_follower_of(index, shard))
            kernel.launch_both(s, call_of(shard, index), call_behind(shard, index), states_[i].get());
        else kernel.launch(s, call_of(shard, index), states_[i].get());
    }

    call call_of(shard_place const& shard, int index) const {
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
        return c;
    }
    /// Of an operation's follower.
    call call_behind(shard_place const& shard, int index) const {
        call next = call_of(shard, index + 1);
        follower const& what = followers_[static_cast<std::size_t>(index)];
        if (!what.reads_rounded) return next;
        operation const& op = plan_->operations[static_cast<std::size_t>(index) + 1];
        auto const operand = [&](int number) -> buffer const& {
            return plan_->buffers[static_cast<std::size_t>(op.operands[static_cast<std::size_t>(number)])];
        };
        next.operands[what.vector] = rounded(operand(what.vector), operand(what.matrix).content);
        return next;
    }

    /// The first element of a buffer's parameter, among those of all.
    std::int64_t element_of(buffer const& b) const {
        return plan_->parameter_offsets[static_cast<std::size_t>(b.parameter)];
    }
    std::byte* rounded(buffer const& parameter, leaf_content format) const {
        return parameters_.rounded + element_of(parameter) * bytes_of_element(format, plan_->settings.element_bytes);
    }
    std::byte* bytes_of(shard_place const& shard, int index) const {
        buffer const& b = plan_->buffers[static_cast<std::size_t>(index)];
        auto const offset = [&] { return element_of(b) * plan_->settings.element_bytes; };
        switch (b.kind) {
        case buffer_kind::input: return shard.inputs;
        case buffer_kind::target: return shard.targets;
        case buffer_kind::parameter:
            if (is_rounded(b.content)) return rounded(b, b.content);
            return parameters_.exact + offset();
        case buffer_kind::gradient: return shard.gradients + offset();
        default: return arena_.data() + plan_->placements[static_cast<std::size_t>(index)].offset;
        }
    }

    plan const* plan_;
    typename P::memory arena_, scratch_;
    parameter_places parameters_;
    philox_key key_;
    /// Of each operation, the one that may be computed with it.
    std::vector<follower> followers_;
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
