// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/program/passes.hpp>
#include <lockstep/program/program.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace lockstep::detail {

/// A group in its place.
struct placed_group {
    local_program const* local = nullptr;
    std::vector<int> buffer_of_slot;
    std::vector<int> inputs;
    /// The program's numbers of the group's parameters.
    std::vector<int> parameters;
    int result = -1;
    int number = 0;
};

/// Builds a program as a value: numbers buffers, places groups one behind the other, and leads the gradients
/// back through them.
class program_builder {
public:
    constexpr int add_buffer(buffer const& b) {
        result.buffers.push_back(b);
        return static_cast<int>(result.buffers.size()) - 1;
    }

    constexpr int add_input(extents const& shape, leaf_content content) {
        buffer b;
        b.content = content;
        b.kind = buffer_kind::input;
        b.shape = shape;
        return add_buffer(b);
    }

    /// Places a group behind everything that is there. Returns the buffer of its result.
    ///
    /// `feature_order`: the image in whose order the input's features lie, or no axes.
    constexpr int place(local_program const& local, std::vector<int> const& inputs,
                        std::vector<layer_path> const& paths, extents const& feature_order) {
        placed_group placed;
        placed.local = &local;
        placed.inputs = inputs;
        placed.number = groups_++;
        for (local_parameter const& declared : local.parameters) {
            program_parameter parameter;
            parameter.declared = declared;
            parameter.path = paths[declared.layer];
            parameter.declared.frozen = parameter.path.frozen && declared.is_trained();
            parameter.group = placed.number;
            if (declared.layer == 0 && declared.shape.rank == 2) parameter.feature_order = feature_order;
            placed.parameters.push_back(static_cast<int>(result.parameters.size()));
            result.parameters.push_back(parameter);
        }
        placed.buffer_of_slot.reserve(local.slots.size());
        for (local_slot const& slot : local.slots)
            placed.buffer_of_slot.push_back(buffer_of(slot, inputs, placed.parameters));
        write_to_parameters(placed, local.observations);
        emit(local.forward, placed);
        placed.result = placed.buffer_of_slot[local.result];
        // Moved: copies of vectors are what evaluating this at compile time spends its time on.
        int const result_buffer = placed.result;
        placed_.push_back(std::move(placed));
        return result_buffer;
    }

    /// The backward pass of all that was placed, from the last group to the first.
    constexpr void add_backward() {
        std::vector<int> gradient(result.buffers.size(), -1);
        for (std::size_t i = placed_.size(); i-- > 0;) {
            placed_group& group = placed_[i];
            if (group.local->backward.empty() && group.local->input_gradients.empty()) continue;
            // No gradient reaches what the loss does not read: an image in PyTorch's order, where the loss takes it as
            // it lies.
            if (reads_upstream(*group.local) && gradient[group.result] < 0) continue;
            emit_backward(group, gradient);
        }
        find_unreached();
    }

    /// The program of the sum of two gradients of a buffer that is read in two places.
    constexpr void set_sum(int buffer, local_program const& sum) {
        auto const at = static_cast<std::size_t>(buffer);
        if (sums_.size() <= at) sums_.resize(at + 1, nullptr);
        sums_[at] = &sum;
    }

    program result;

private:
    constexpr int buffer_of(local_slot const& slot, std::vector<int> const& inputs,
                            std::vector<int> const& parameter_numbers) {
        buffer b;
        b.shape = slot.shape;
        b.per_sample = slot.per_sample;
        b.content = slot.content;
        switch (slot.role) {
        case slot_role::input: return inputs[slot.index];
        case slot_role::upstream: return -1;
        case slot_role::target:
            b.kind = buffer_kind::target;
            if (target_ < 0) target_ = add_buffer(b);
            return target_;
        case slot_role::parameter:
            b.kind = buffer_kind::parameter;
            b.parameter = parameter_numbers[slot.index];
            return add_buffer(b);
        default: return add_buffer(b);
        }
    }

    static constexpr bool reads_upstream(local_program const& local) {
        for (local_slot const& slot : local.slots)
            if (slot.role == slot_role::upstream) return true;
        return false;
    }

    constexpr void emit(std::span<local_operation const> operations, placed_group const& group) {
        for (local_operation const& local : operations) {
            operation op;
            op.kernel = local.kernel;
            op.facts = local.facts;
            op.result = group.buffer_of_slot[local.result];
            op.operand_count = local.operand_count;
            for (int k = 0; k < local.operand_count; ++k)
                op.operands[k] = group.buffer_of_slot[local.operands[k]];
            op.group = group.number;
            result.operations.push_back(op);
        }
    }

    constexpr void emit_backward(placed_group& group, std::vector<int>& gradient) {
        local_program const& local = *group.local;
        int const upstream = gradient[group.result];
        for (std::size_t s = 0; s < local.slots.size(); ++s)
            if (local.slots[s].role == slot_role::upstream) group.buffer_of_slot[s] = upstream;
        write_to_parameters(group, local.parameter_gradients);
        emit(local.backward, group);
        for (std::size_t k = 0; k < local.input_gradients.size(); ++k) {
            int const input = group.inputs[k];
            // What is 0 whatever the loss is reaches nobody but a caller who asks for the input's gradient.
            if (local.input_gradients[k].is_zero && result.buffers[input].kind != buffer_kind::input) continue;
            int const found = group.buffer_of_slot[local.input_gradients[k].slot];
            gradient[input] = gradient[input] < 0 ? found : add_sum(input, gradient[input], found, group.number);
        }
        if (result.buffers[group.inputs[0]].kind == buffer_kind::input)
            result.input_gradient = gradient[group.inputs[0]];
    }

    /// A parameter's gradient and a buffer's observation are written where they will be reduced; the gradient of a
    /// frozen parameter nowhere, so that nothing is computed for it alone.
    constexpr void write_to_parameters(placed_group const& group, std::span<parameter_result const> results) {
        for (parameter_result const& each : results) {
            int const number = group.parameters[each.parameter];
            program_parameter& written = result.parameters[number];
            if (written.declared.frozen) continue;
            buffer& b = result.buffers[group.buffer_of_slot[each.slot]];
            b.kind = buffer_kind::gradient;
            b.parameter = number;
            written.observed = !written.declared.is_trained();
        }
    }

    /// Marks the parameters that would be trained, but have no gradient: that is an error where the program is used.
    /// Frozen, they cause no others.
    constexpr void find_unreached() {
        std::vector<char> reached(result.parameters.size(), false);
        for (buffer const& b : result.buffers)
            if (b.kind == buffer_kind::gradient) reached[static_cast<std::size_t>(b.parameter)] = true;
        for (std::size_t i = 0; i < reached.size(); ++i) {
            program_parameter& parameter = result.parameters[i];
            if (reached[i] || !parameter.declared.is_trained()) continue;
            parameter.unreached = parameter.declared.frozen = true;
        }
    }

    constexpr int add_sum(int input, int first, int second, int group_number) {
        placed_group sum;
        sum.local = sums_[static_cast<std::size_t>(input)];
        sum.number = group_number;
        // The newest gradient comes first, so that the sum is the tail of the operation that computes it.
        sum.inputs = {second, first};
        for (local_slot const& slot : sum.local->slots) sum.buffer_of_slot.push_back(buffer_of(slot, sum.inputs, {}));
        emit(sum.local->forward, sum);
        return sum.buffer_of_slot[sum.local->result];
    }

    std::vector<placed_group> placed_;
    /// For each buffer the program of its sum, where it has one.
    std::vector<local_program const*> sums_;
    int groups_ = 0;
    int target_ = -1;
};

} // namespace lockstep::detail
