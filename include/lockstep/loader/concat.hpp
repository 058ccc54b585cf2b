// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/dataset.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace lockstep {

/// Whether samples of two datasets fit into one batch: the same elements and targets in the same shapes.
template <class Left, class Right>
concept same_samples = std::same_as<sample_batch<Left>, sample_batch<Right>>;

namespace detail {

/// Where each of several datasets begins in their row, and, at the back, where the last one ends.
class dataset_starts {
public:
    void append(std::int64_t size) { starts_.push_back(starts_.back() + size); }
    std::int64_t size() const { return starts_.back(); }
    /// The number of the dataset that an index falls into, and the index there.
    std::pair<std::size_t, std::int64_t> find(std::int64_t index) const {
        auto const after = std::ranges::upper_bound(starts_, index);
        return {static_cast<std::size_t>(after - starts_.begin()) - 1, index - *(after - 1)};
    }

private:
    std::vector<std::int64_t> starts_{0};
};

} // namespace detail

/// The samples of several datasets one after another: what concat(first, second, ...) returns.
template <dataset First, dataset... Rest>
    requires(same_samples<First, Rest> && ...)
class concat_dataset {
public:
    using sample_shape = typename First::sample_shape;
    using element = sample_element<First>;
    using target_shape = sample_target_shape<First>;
    using target = sample_target<First>;

    explicit concat_dataset(First first, Rest... rest) : parts_(std::move(first), std::move(rest)...) {
        std::apply([this](auto const&... part) { (starts_.append(part.size()), ...); }, parts_);
    }

    std::int64_t size() const { return starts_.size(); }
    void read(std::int64_t index, std::span<element> input, std::span<target> targets) const {
        visit(index, [&](auto const& part, std::int64_t at) { detail::read_sample(part, at, input, targets); });
    }
    void expect(std::int64_t index) const {
        visit(index, [](auto const& part, std::int64_t at) { detail::expect_sample(part, at); });
    }

private:
    template <class Visitor>
    void visit(std::int64_t index, Visitor visitor) const {
        auto const found = starts_.find(index);
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            ((I == found.first ? visitor(std::get<I>(parts_), found.second) : void()), ...);
        }(std::index_sequence_for<First, Rest...>{});
    }

    std::tuple<First, Rest...> parts_;
    detail::dataset_starts starts_;
};

/// The samples of a list of datasets one after another: what concat(list) returns. Copies share the list.
template <dataset Data>
class concat_list {
public:
    using sample_shape = typename Data::sample_shape;
    using element = sample_element<Data>;
    using target_shape = sample_target_shape<Data>;
    using target = sample_target<Data>;

    explicit concat_list(std::vector<Data> parts)
        : parts_(std::make_shared<std::vector<Data> const>(std::move(parts))) {
        for (auto const& part : *parts_) starts_.append(part.size());
    }

    std::int64_t size() const { return starts_.size(); }
    void read(std::int64_t index, std::span<element> input, std::span<target> targets) const {
        auto const [number, at] = starts_.find(index);
        detail::read_sample((*parts_)[number], at, input, targets);
    }
    void expect(std::int64_t index) const {
        auto const [number, at] = starts_.find(index);
        detail::expect_sample((*parts_)[number], at);
    }

private:
    std::shared_ptr<std::vector<Data> const> parts_;
    detail::dataset_starts starts_;
};

/// One dataset of several, whose samples have the same elements and targets in the same shapes.
template <dataset First, dataset... Rest>
    requires(same_samples<First, Rest> && ...)
concat_dataset<First, Rest...> concat(First first, Rest... rest) {
    return concat_dataset<First, Rest...>{std::move(first), std::move(rest)...};
}

/// One dataset of a list of any length, such as the files of a large text.
template <dataset Data>
concat_list<Data> concat(std::vector<Data> parts) {
    return concat_list<Data>{std::move(parts)};
}

/// What the compiler prints where samples don't fit into one batch.
template <class First, class... Rest>
struct samples_differ_in_shape_or_elements {};
template <dataset First, dataset... Rest,
          class Rule = samples_differ_in_shape_or_elements<sample_batch<First>, sample_batch<Rest>...>>
    requires(!(same_samples<First, Rest> && ...))
Rule concat(First const&, Rest const&...) = delete;

} // namespace lockstep
