// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/shape/shape.hpp>
#include <lockstep/tensor/element.hpp>
#include <lockstep/tensor/memory.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>

namespace lockstep {

/// `count` samples of one shape that somebody else owns, contiguous, in PyTorch's order:
/// tensor_view<float, shape<3, 32, 32>> reads as [count, 3, 32, 32].
template <class T, any_shape Shape>
class tensor_view {
public:
    using element = T;
    using sample_shape = Shape;

    constexpr tensor_view() = default;
    constexpr tensor_view(T* data, std::int64_t count) : data_(data), count_(count) {}
    /// A view that reads what another may write.
    template <class Writable>
        requires(std::is_same_v<Writable const, T> && !std::is_const_v<Writable>)
    constexpr tensor_view(tensor_view<Writable, Shape> other) : tensor_view(other.data(), other.count()) {}

    constexpr T* data() const { return data_; }
    /// Number of samples.
    constexpr std::int64_t count() const { return count_; }
    /// Number of elements.
    constexpr std::int64_t size() const { return count_ * Shape::size; }
    constexpr std::span<T> elements() const { return {data_, static_cast<std::size_t>(size())}; }
    /// The elements of one sample.
    constexpr std::span<T> operator[](std::int64_t sample) const {
        return {data_ + sample * Shape::size, static_cast<std::size_t>(Shape::size)};
    }
    /// Samples first to first + count - 1.
    constexpr tensor_view slice(std::int64_t first, std::int64_t count) const {
        return {data_ + first * Shape::size, count};
    }

private:
    T* data_ = nullptr;
    std::int64_t count_ = 0;
};

/// `count` samples of one shape, owned, on the host: tensor<float, shape<3, 32, 32>> images(64). Elements
/// start at zero.
template <class T, any_shape Shape>
class tensor {
public:
    using element = T;
    using sample_shape = Shape;

    tensor() = default;
    explicit tensor(std::int64_t count)
        : memory_(static_cast<std::size_t>(count * Shape::size) * sizeof(T)), count_(count) {
        std::fill_n(data(), size(), T{});
    }

    T* data() { return memory_.as<T>().data(); }
    T const* data() const { return memory_.as<T>().data(); }
    std::int64_t count() const { return count_; }
    std::int64_t size() const { return count_ * Shape::size; }
    tensor_view<T, Shape> view() { return {data(), count_}; }
    tensor_view<T const, Shape> view() const { return {data(), count_}; }
    std::span<T> elements() { return view().elements(); }
    std::span<T const> elements() const { return view().elements(); }
    std::span<T> operator[](std::int64_t sample) { return view()[sample]; }
    std::span<T const> operator[](std::int64_t sample) const { return view()[sample]; }

private:
    host_memory memory_;
    std::int64_t count_ = 0;
};

/// What samples of a shape consist of: numbers T, or int32 where they are class indices.
template <class T, any_shape Shape>
using element_in = std::conditional_t<is_class_indices<Shape>, std::int32_t, T>;

/// What a loader hands to a trainer: samples, their targets, and which samples of the epoch's order they are.
/// Targets are one class index a sample unless TargetShape and Target say otherwise: a class for each position,
/// shape<positions> of int32, or numbers, a shape of T.
template <class T, any_shape Shape, any_shape TargetShape = shape<>, class Target = std::int32_t>
struct batch_view {
    tensor_view<element_in<T, Shape> const, Shape> inputs;
    /// Those of all samples one after another, in PyTorch's order.
    std::span<Target const> targets;
    /// Position in the epoch of the first sample of this view.
    std::int64_t first = 0;
    /// Where several processes each have a part of the batch, perhaps none: the samples of the whole batch, of which
    /// this view has those from `offset` on. 0: this view is all of it.
    std::int64_t whole = 0;
    std::int64_t offset = 0;

    std::int64_t count() const { return inputs.count(); }
};

} // namespace lockstep
