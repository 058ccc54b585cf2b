// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/shape/shape.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>

namespace lockstep {

namespace detail {

template <class Data>
struct element_in_samples {
    using type = element_in<float, typename Data::sample_shape>;
};
template <class Data>
    requires requires { typename Data::element; }
struct element_in_samples<Data> {
    using type = typename Data::element;
};

template <class Data>
struct shape_of_targets {
    using type = shape<>;
};
template <class Data>
    requires requires { typename Data::target_shape; }
struct shape_of_targets<Data> {
    using type = typename Data::target_shape;
};

template <class Data>
struct element_in_targets {
    using type = std::int32_t;
};
template <class Data>
    requires requires { typename Data::target; }
struct element_in_targets<Data> {
    using type = typename Data::target;
};

} // namespace detail

/// What the samples of a dataset consist of: its `element`; where it names none, float, and class indices,
/// std::int32_t, for a shape of class_indices.
template <class Data>
using sample_element = typename detail::element_in_samples<Data>::type;

/// The shape of one sample's targets: the dataset's `target_shape`; where it names none, shape<>, one a sample.
template <class Data>
using sample_target_shape = typename detail::shape_of_targets<Data>::type;

/// What targets consist of: the dataset's `target`; where it names none, std::int32_t, the index of a class.
template <class Data>
using sample_target = typename detail::element_in_targets<Data>::type;

/// The batches that a dataset's samples make.
template <class Data>
using sample_batch =
    batch_view<std::conditional_t<is_class_indices<typename Data::sample_shape>, float, sample_element<Data>>,
               typename Data::sample_shape, sample_target_shape<Data>, sample_target<Data>>;

namespace detail {

template <class Data>
concept returns_target = requires(Data const& data, std::int64_t index, std::span<sample_element<Data>> input) {
    { data.read(index, input) } -> std::same_as<sample_target<Data>>;
};

template <class Data>
concept writes_targets = requires(Data const& data, std::int64_t index, std::span<sample_element<Data>> input,
                                  std::span<sample_target<Data>> targets) {
    { data.read(index, input, targets) } -> std::same_as<void>;
};

} // namespace detail

/// Samples that can be read in any order, by several threads at once. Of sample `index`, 0 <= index < size(),
///
///     void read(std::int64_t index, std::span<element> input, std::span<target> targets) const
///
/// writes the sample_shape::size elements and the target_shape::size targets. Where there is one target a sample,
/// a dataset may return it instead: `target read(std::int64_t index, std::span<element> input) const`. `element`,
/// `target_shape` and `target` are the dataset's own types, or the defaults of sample_element and so on: float
/// samples with the index of a class need none of them.
///
/// What `read` throws stops the loop over the batches; the sample's index is added on the way. A dataset may have
/// `expect(index)` too: it is told of each sample shortly before it is read, and may fetch it from memory.
template <class T>
concept dataset = any_shape<typename T::sample_shape> && any_shape<sample_target_shape<T>> &&
                  std::is_arithmetic_v<sample_element<T>> && std::is_arithmetic_v<sample_target<T>> &&
                  (!is_class_indices<typename T::sample_shape> || std::same_as<sample_element<T>, std::int32_t>) &&
                  requires(T const& data) {
                      { data.size() } -> std::same_as<std::int64_t>;
                  } && (detail::writes_targets<T> || (sample_target_shape<T>::rank == 0 && detail::returns_target<T>));

namespace detail {

/// Reads a sample, in whichever way the dataset has.
template <dataset Data>
void read_sample(Data const& data, std::int64_t index, std::span<sample_element<Data>> input,
                 std::span<sample_target<Data>> targets) {
    if constexpr (writes_targets<Data>) data.read(index, input, targets);
    else targets.front() = data.read(index, input);
}

/// Tells the dataset of a sample that is read soon, if it wants to know.
template <dataset Data>
void expect_sample(Data const& data, std::int64_t index) {
    if constexpr (requires { data.expect(index); }) data.expect(index);
}

} // namespace detail
} // namespace lockstep
