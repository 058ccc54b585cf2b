// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/evaluate.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace bench {

namespace ls = lockstep;

/// The gradient that flows into an expression.
struct upstream_tag {};
template <class E>
using upstream = ls::leaf<upstream_tag, typename E::result_shape, E::per_sample>;

template <class E, class Leaf>
using gradient_with_respect_to = decltype(ls::backward<typename Leaf::tag>(E{}, upstream<E>{}));

/// The operations that lockstep plans for an expression and for gradients of it, over memory that is allocated once:
/// nothing happens in a call but what a training step would call. Numbers lie in [-1, 1), class indices below
/// `classes`.
template <class E, class... Gradients>
class derived {
    using library = ls::host::default_library;
    using program = ls::detail::free_program<float, library, E, Gradients...>;
    using slots = typename program::slots;
    static constexpr std::size_t forward_count = ls::detail::free_program<float, library, E>::operations.size();
    static constexpr auto& operations = program::operations;

public:
    derived(int samples, int classes) : samples_(samples) {
        std::minstd_rand random(1);
        place(slots{}, classes, random);
        for (std::size_t i = 0; i < operations.size(); ++i) {
            auto const& kernel = kernel_of(operations[i]);
            if (kernel.make_state != nullptr) calls_[i].state = kernel.make_state();
            calls_[i].result = memory_[operations[i].result].data();
            for (int k = 0; k < operations[i].operand_count; ++k)
                calls_[i].operands[k] = memory_[operations[i].operands[k]].data();
            calls_[i].samples = samples;
        }
        forward();
    }
    ~derived() {
        for (std::size_t i = 0; i < operations.size(); ++i)
            if (calls_[i].state != nullptr) kernel_of(operations[i]).free_state(calls_[i].state);
    }
    derived(derived const&) = delete;
    derived& operator=(derived const&) = delete;

    void forward() { run(0, forward_count); }
    void backward() { run(forward_count, operations.size()); }

    /// What the operations of a pass read and write.
    std::int64_t forward_bytes() const { return bytes(0, forward_count, slots{}); }
    std::int64_t backward_bytes() const { return bytes(forward_count, operations.size(), slots{}); }

    /// The memory of a leaf: for class indices std::int32_t, else float.
    template <class Leaf>
    auto const* operator()(Leaf) const {
        using element = std::conditional_t<Leaf::content == ls::leaf_content::class_index, std::int32_t, float>;
        return memory_[ls::detail::slot_of<Leaf, slots>].template as<element const>().data();
    }
    /// The values of the expression, 0, or of a gradient, from 1 on.
    template <int Index>
    std::span<float const> result() const {
        return values_of<Index>(typename program::results{});
    }

private:
    static ls::host::kernel const& kernel_of(ls::local_operation const& operation) {
        return *static_cast<ls::host::kernel const*>(operation.kernel);
    }
    void run(std::size_t first, std::size_t last) const {
        for (std::size_t i = first; i < last; ++i) kernel_of(operations[i]).run(calls_[i]);
    }

    template <class... Slot>
    std::int64_t bytes(std::size_t first, std::size_t last, ls::detail::type_list<Slot...>) const {
        std::array const sizes{size<Slot>()...};
        std::size_t count = 0;
        for (std::size_t i = first; i < last; ++i) {
            count += sizes[operations[i].result];
            for (int k = 0; k < operations[i].operand_count; ++k) count += sizes[operations[i].operands[k]];
        }
        return static_cast<std::int64_t>(count * sizeof(float));
    }
    template <class Slot>
    std::size_t size() const {
        return static_cast<std::size_t>(Slot::result_shape::size * (Slot::per_sample ? samples_ : 1));
    }
    template <class... Slot>
    void place(ls::detail::type_list<Slot...>, int classes, std::minstd_rand& random) {
        std::size_t index = 0;
        (fill<Slot>(memory_[index++], classes, random), ...);
    }
    template <class Slot>
    void fill(ls::host_memory& memory, int classes, std::minstd_rand& random) {
        memory = ls::host_memory(size<Slot>() * sizeof(float));
        if constexpr (!ls::detail::is_leaf<Slot>) std::ranges::fill(memory.as<float>(), 0.0f);
        else if constexpr (Slot::content == ls::leaf_content::class_index)
            for (auto& index : memory.as<std::int32_t>()) index = std::uniform_int_distribution(0, classes - 1)(random);
        else
            for (float& value : memory.as<float>()) value = std::uniform_real_distribution(-1.0f, 1.0f)(random);
    }
    template <int Index, class... Result>
    std::span<float const> values_of(ls::detail::type_list<Result...>) const {
        constexpr std::array slot{ls::detail::slot_of<Result, slots>...};
        std::array const sizes{size<Result>()...};
        return {memory_[slot[Index]].template as<float const>().data(), sizes[Index]};
    }

    int samples_;
    std::array<ls::host_memory, static_cast<std::size_t>(slots::size)> memory_;
    std::array<ls::host::kernel_call, operations.size()> calls_{};
};

} // namespace bench
