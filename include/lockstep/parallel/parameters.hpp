// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/plan.hpp>
#include <lockstep/shape/memory_order.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lockstep {

/// The name under which PyTorch's Sequential would save a parameter: "0.weight", "2.0.bias". A level with an empty
/// name is left out.
inline std::string name_of(program_parameter const& p) {
    std::string name;
    for (int level = 0; level < p.path.depth; ++level) {
        std::string const part =
            p.path.name[level] != nullptr ? p.path.name[level] : std::to_string(p.path.index[level]);
        if (!part.empty()) name += part + ".";
    }
    return name + p.declared.name;
}

/// The shape that PyTorch gives it.
inline extents saved_shape_of(program_parameter const& p) {
    extents saved;
    saved.rank = p.declared.shape.rank;
    for (int axis = 0; axis < saved.rank; ++axis)
        saved.extent[axis] = p.declared.shape.extent[p.declared.saved_axes[axis]];
    return saved;
}

/// For each element in PyTorch's order, its place in our memory: axes are permuted, and the input features of a
/// layer behind a flatten follow the channels-last order of the image.
inline std::vector<std::int64_t> memory_order_of(program_parameter const& p) {
    extents const& memory = p.declared.shape;
    extents const saved = saved_shape_of(p);
    extents const& image = p.feature_order;
    std::array<std::int64_t, max_rank> const stride = axis_steps_of(memory);
    std::int64_t const size = memory.size();
    std::vector<std::int64_t> order(static_cast<std::size_t>(size));
    for (std::int64_t element = 0; element < size; ++element) {
        std::int64_t rest = element, place = 0;
        for (int axis = saved.rank; axis-- > 0;) {
            std::int64_t index = rest % saved.extent[axis];
            rest /= saved.extent[axis];
            int const memory_axis = p.declared.saved_axes[axis];
            if (memory_axis == 0 && image.rank == 3) {
                std::int64_t const pixels = std::int64_t{image.extent[1]} * image.extent[2];
                index = index % pixels * image.extent[0] + index / pixels;
            }
            place += index * stride[memory_axis];
        }
        order[static_cast<std::size_t>(element)] = place;
    }
    return order;
}

/// A parameter's elements, which start at `memory`, in PyTorch's order.
template <class T>
std::vector<T> to_saved_order(program_parameter const& p, T const* memory) {
    std::vector<std::int64_t> const order = memory_order_of(p);
    std::vector<T> values(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) values[i] = memory[order[i]];
    return values;
}

/// The way back.
template <class T>
void from_saved_order(program_parameter const& p, std::span<T const> values, T* memory) {
    std::vector<std::int64_t> const order = memory_order_of(p);
    for (std::size_t i = 0; i < order.size(); ++i) memory[order[i]] = values[i];
}

} // namespace lockstep
