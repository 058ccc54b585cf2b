// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/kernel.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/tensor/memory.hpp>

#include <cstdint>
#include <vector>

namespace lockstep {

/// What a replica reads from outside: a shard of a batch.
struct shard_input {
    void const* inputs = nullptr;
    void const* targets = nullptr;
    std::int64_t samples = 0;
    host::randomness random;
};

/// Runs a plan's operations for one shard after the other, in memory that the plan has laid out. It knows the
/// plan as data: no model's type, no allocation and no virtual call in a run.
class replica {
public:
    /// `parameters`: all parameters' memory, laid out as the plan says, read only here.
    replica(plan const& p, std::byte* parameters)
        : plan_(&p), arena_(static_cast<std::size_t>(p.arena_bytes)), addresses_(p.buffers.size()),
          states_(p.operations.size(), nullptr) {
        for (std::size_t b = 0; b < p.buffers.size(); ++b) {
            if (p.buffers[b].kind == buffer_kind::value) addresses_[b] = arena_.data() + p.placements[b].offset;
            if (p.buffers[b].kind == buffer_kind::parameter)
                addresses_[b] = parameters + p.parameter_offsets[p.buffers[b].parameter] * p.settings.element_bytes;
        }
        for (std::size_t i = 0; i < p.operations.size(); ++i)
            if (auto const make = kernel_of(i).make_state) states_[i] = make();
    }
    replica(replica const&) = delete;
    replica& operator=(replica const&) = delete;
    ~replica() {
        for (std::size_t i = 0; i < states_.size(); ++i)
            if (states_[i] != nullptr) kernel_of(i).free_state(states_[i]);
    }

    /// Takes a shard. In a training, `gradients` is where observations of states and then gradients will be written,
    /// laid out like the parameters; they replace what is there.
    void begin(shard_input const& shard, std::byte* gradients = nullptr) {
        input_ = shard;
        for (std::size_t b = 0; b < addresses_.size(); ++b) {
            if (plan_->buffers[b].kind == buffer_kind::input) addresses_[b] = const_cast<void*>(shard.inputs);
            if (plan_->buffers[b].kind == buffer_kind::target) addresses_[b] = const_cast<void*>(shard.targets);
            if (plan_->buffers[b].kind == buffer_kind::gradient)
                addresses_[b] =
                    gradients + plan_->parameter_offsets[plan_->buffers[b].parameter] * plan_->settings.element_bytes;
        }
    }

    /// The model's result and the loss of a shard.
    void forward(shard_input const& shard, std::byte* gradients = nullptr) {
        begin(shard, gradients);
        run(0, plan_->forward_count);
    }
    /// The gradients of its loss with respect to all parameters, summed over its samples.
    void backward() { run(plan_->forward_count, static_cast<int>(plan_->operations.size())); }

    /// Operations first to last - 1.
    void run(int first, int last) {
        int at = 0;
        run(first, last, [] {}, at);
    }
    /// Calls between() after each of them; `at` is the one that runs.
    template <class Between>
    void run(int first, int last, Between const& between, int& at) {
        for (int i = first; i < last; ++i, between()) {
            at = i;
            host::kernel const& kernel = kernel_of(i);
            host::kernel_call call = call_of(i);
            if (!plan_->operations[i].has_tail) {
                kernel.run(call);
                continue;
            }
            host::kernel_call const tail = call_of(++i);
            host::kernel const& tail_kernel = kernel_of(i);
            if (kernel.takes_tail) {
                tail_context const context{&tail, tail_kernel.run_rows};
                call.tail = {&run_tail, &context};
                kernel.run(call);
            } else {
                kernel.run(call);
                tail_kernel.run(tail);
            }
        }
    }

    /// The memory of one of the plan's results, after a run.
    template <class T>
    T* result(int buffer) const {
        return static_cast<T*>(addresses_[buffer]);
    }

private:
    host::kernel const& kernel_of(std::size_t operation) const {
        return *static_cast<host::kernel const*>(plan_->operations[operation].kernel);
    }

    host::kernel_call call_of(int index) const {
        operation const& op = plan_->operations[index];
        host::kernel_call call;
        call.result = addresses_[op.result];
        for (int k = 0; k < op.operand_count; ++k) call.operands[k] = addresses_[op.operands[k]];
        call.samples = input_.samples;
        call.state = states_[index];
        call.random = input_.random;
        call.group = op.group;
        return call;
    }

    struct tail_context {
        host::kernel_call const* call;
        void (*run_rows)(host::kernel_call const&, std::int64_t, std::int64_t);
    };
    static void run_tail(void const* context, std::int64_t first_row, std::int64_t rows) {
        auto const& tail = *static_cast<tail_context const*>(context);
        tail.run_rows(*tail.call, first_row, rows);
    }

    plan const* plan_;
    host_memory arena_;
    std::vector<void*> addresses_;
    std::vector<void*> states_;
    shard_input input_;
};

} // namespace lockstep
