// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/philox.hpp>
#include <lockstep/program/schedule.hpp>
#include <lockstep/tensor/bf16.hpp>
#include <lockstep/tensor/half.hpp>

#include <cstdint>

/// Kernels that are written once for a grid: many groups of threads, each of which computes one unit of the result, as
/// an element, a row or a tile. CUDA runs the groups at the same time on a device, a host one after the other.
namespace lockstep::grid {

/// What lies in memory where a program computes with numbers of type T.
template <class T, leaf_content Content>
struct stored_content {
    using type = T;
};
template <class T>
struct stored_content<T, leaf_content::class_index> {
    using type = std::int32_t;
};
template <class T>
struct stored_content<T, leaf_content::bf16> {
    using type = bf16;
};
template <class T>
struct stored_content<T, leaf_content::half> {
    using type = half;
};
/// And what of an element of this type a program says.
template <class S>
inline constexpr leaf_content content_of_stored = leaf_content::number;
template <>
inline constexpr leaf_content content_of_stored<bf16> = leaf_content::bf16;
template <>
inline constexpr leaf_content content_of_stored<half> = leaf_content::half;
template <class T, class Operand>
using stored = typename stored_content<T, Operand::content>::type;

/// One call of a kernel: addresses in the memory of whoever runs it, and the number of samples that a shard has. It is
/// handed over by value.
struct call {
    void* result = nullptr;
    void const* operands[max_operands] = {};
    std::int64_t samples = 0;
    /// As many bytes as the kernel asks for, whose content is what the last kernel left there.
    void* scratch = nullptr;
    /// What random numbers are counted by, apart from the element. The step stands in memory, because a recorded step
    /// is repeated as it is; so does the factor of the loss.
    philox_key key;
    std::uint32_t const* step = nullptr;
    float const* loss_scale = nullptr;
    std::int64_t first_sample = 0;
    int group = 0;

    template <class T>
    constexpr T const* operand(int index) const {
        return static_cast<T const*>(operands[index]);
    }
    template <class T>
    constexpr T* out() const {
        return static_cast<T*>(result);
    }
};

/// Where a kernel puts results of type T: the result, stored as R, or one of several parts in scratch memory, which another
/// kernel puts together.
template <class T, class R>
class part_result {
public:
    /// `first`: the part's first element in scratch memory.
    constexpr part_result(call const& c, bool is_part, std::int64_t first)
        : part_(is_part ? static_cast<T*>(c.scratch) + first : nullptr), whole_(c.out<R>()) {}

    constexpr void write(std::int64_t index, T value) const {
        if (part_ != nullptr) part_[index] = value;
        else whole_[index] = value;
    }

private:
    T* part_;
    R* whole_;
};

/// The elements of an operand, a leaf of a kernel's expression.
template <class T, class Operand>
constexpr stored<T, Operand> const* elements_of(call const& c) {
    return c.operand<stored<T, Operand>>(operand_index<Operand>);
}

} // namespace lockstep::grid
