// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/dataset.hpp>
#include <lockstep/shape/shape.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lockstep {

// What becomes of the samples at the end of an epoch that are fewer than a batch: batch<64, drop_last>.

/// They are a short batch.
struct keep_last {};
/// They are left out of this epoch.
struct drop_last {};
/// They are a short batch in a full batch's memory, filled up with repetitions of its samples: a padded_batch.
/// The repetitions don't count, so that means over samples stay exact.
struct pad_last {};

template <class T>
concept last_batch = std::same_as<T, keep_last> || std::same_as<T, drop_last> || std::same_as<T, pad_last>;

/// A batch with repetitions of its samples behind it, up to the number of samples of all batches.
template <class Batch>
struct padded_batch;
template <class T, any_shape Shape, any_shape TargetShape, class Target>
struct padded_batch<batch_view<T, Shape, TargetShape, Target>> : batch_view<T, Shape, TargetShape, Target> {
    /// Number of samples that are repetitions.
    std::int64_t padding = 0;

    /// Inputs and targets, repetitions included.
    tensor_view<element_in<T, Shape> const, Shape> padded_inputs() const {
        return {this->inputs.data(), this->count() + padding};
    }
    std::span<Target const> padded_targets() const {
        return {this->targets.data(), static_cast<std::size_t>((this->count() + padding) * TargetShape::size)};
    }
};

namespace detail {

template <class Data, class Last>
struct loader_batch {
    using type = sample_batch<Data>;
};
template <class Data>
struct loader_batch<Data, pad_last> {
    using type = padded_batch<sample_batch<Data>>;
};

} // namespace detail
} // namespace lockstep
