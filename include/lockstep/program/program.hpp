// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/program/local_program.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace lockstep {

/// Bytes of an element in memory, where a number has so many.
constexpr std::int64_t bytes_of_element(leaf_content content, std::int64_t number) {
    switch (content) {
    case leaf_content::class_index: return 4;
    case leaf_content::bf16:
    case leaf_content::half: return 2;
    default: return number;
    }
}

/// What a buffer of a program is. Values live in a replica's arena; the others have memory of their own.
enum class buffer_kind { input, target, parameter, gradient, value };

struct buffer {
    buffer_kind kind = buffer_kind::value;
    extents shape;
    bool per_sample = true;
    leaf_content content = leaf_content::number;
    /// Number of the parameter that it is, or is the gradient or an observation of.
    int parameter = -1;
    /// The buffer whose memory it uses: itself, or an operand that nobody reads after it.
    int storage = -1;
    /// Read after the last operation: the loss, an output.
    bool result = false;
};

struct operation {
    void const* kernel = nullptr;
    kernel_facts facts;
    int result = -1;
    std::array<int, max_operands> operands{};
    int operand_count = 0;
    /// The group it belongs to, counted from the input; the key of its random numbers.
    int group = 0;
    /// The next operation is elementwise over this one's result, row by row: it runs where rows become final,
    /// while they are in the cache.
    bool has_tail = false;

    constexpr bool reads(int buffer) const {
        for (int i = 0; i < operand_count; ++i)
            if (operands[i] == buffer) return true;
        return false;
    }
};

/// Where in a model a parameter's layer stands: {2, 0} is layer 0 of the block that is layer 2. A level may have a
/// name of the user's.
struct layer_path {
    std::array<int, 8> index{};
    std::array<char const*, 8> name{};
    int depth = 0;
    /// Within frozen<...>.
    bool frozen = false;

    /// One level further in, at its first layer.
    constexpr void enter() {
        index[depth] = 0;
        name[depth++] = nullptr;
    }
};

struct program_parameter {
    local_parameter declared;
    layer_path path;
    /// The image [channels, height, width] whose order in memory the weight's input features follow, or no axes.
    extents feature_order;
    /// The group whose operations compute its gradient.
    int group = 0;
    /// Of a state: the program observes it.
    bool observed = false;
    /// Of a parameter that is neither frozen nor has a gradient: the loss does not depend on it, see reach.hpp.
    bool unreached = false;
};

/// A model, its loss and their gradient as a list of operations over numbered buffers. It knows nothing of
/// batches, replicas and devices.
struct program {
    std::vector<buffer> buffers;
    std::vector<operation> operations;
    std::vector<program_parameter> parameters;
    /// The operations before this one are the forward pass and the loss.
    int forward_count = 0;
    int output = -1;
    /// A number; in an evaluation with losses that count differently, one for each of them.
    int loss = -1;
    /// What the loss is divided by, where that is not the number of samples: as many numbers.
    int divisor = -1;
    int correct = -1;
    int answers = -1;
    int input_gradient = -1;
};

} // namespace lockstep
