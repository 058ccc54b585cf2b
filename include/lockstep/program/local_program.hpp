// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/expression/philox.hpp>
#include <lockstep/program/kernel_facts.hpp>
#include <lockstep/shape/shape.hpp>

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

/// How observations change a buffer, see namespace merge.
enum class merge_kind { none, average, sum, maximum };
struct merge_rule {
    merge_kind how = merge_kind::none;
    double momentum = 0.0;
};

/// A parameter's tag, or its layer, as a value: an address for each type. All compilers print its name with the type.
template <class Tag>
struct identity_of {
    static constexpr char value = 0;
};
template <class Tag>
inline constexpr char const& tag_identity = identity_of<Tag>::value;

struct local_parameter {
    /// Which of the group's layers it belongs to.
    int layer = 0;
    char const* name = "";
    /// The tag_identity of its tag, and of its layer.
    void const* tag = nullptr;
    void const* owner = nullptr;
    extents shape;
    /// For each axis of the saved tensor, the axis in memory.
    std::array<int, max_rank> saved_axes{};
    initializer_function initialize = nullptr;
    /// Of a state, which is kept but not trained.
    merge_rule merge;
    /// In a place where parameters are not trained either, see frozen.
    bool frozen = false;

    constexpr bool is_trained() const { return merge.how == merge_kind::none && !frozen; }
};

/// A result for one of a group's parameters: its gradient, or what is observed of a buffer.
struct parameter_result {
    int parameter = 0;
    int slot = 0;
};

/// A gradient with respect to one of a group's inputs.
struct input_result {
    int slot = 0;
    /// The result does not depend on the input, or by comparisons alone.
    bool is_zero = false;
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
    /// The gradients with respect to parameters and to inputs; in an evaluation empty.
    std::span<parameter_result const> parameter_gradients;
    std::span<input_result const> input_gradients;
    /// What a training observes of buffers.
    std::span<parameter_result const> observations;
};

} // namespace lockstep
