// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/expression/seed.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/dataset_stage.hpp>
#include <lockstep/loader/permutation.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lockstep {

/// Some samples of a dataset, in an order of their own: sample i is the dataset's sample indices()[i]. Copies share
/// the indices.
template <dataset Data>
class subset_dataset {
public:
    using sample_shape = typename Data::sample_shape;
    using element = sample_element<Data>;
    using target_shape = sample_target_shape<Data>;
    using target = sample_target<Data>;

    /// Throws usage_error for an index that the dataset does not have.
    subset_dataset(Data data, std::vector<std::int64_t> indices) : data_(std::move(data)) {
        auto const samples = data_.size();
        for (auto const index : indices)
            if (index < 0 || index >= samples)
                throw usage_error{"subset: expected indices of at least 0 and below " + std::to_string(samples) +
                                  ", found " + std::to_string(index)};
        indices_ = std::make_shared<std::vector<std::int64_t> const>(std::move(indices));
    }

    std::int64_t size() const { return static_cast<std::int64_t>(indices_->size()); }
    void read(std::int64_t index, std::span<element> input, std::span<target> targets) const {
        detail::read_sample(data_, at(index), input, targets);
    }
    void expect(std::int64_t index) const { detail::expect_sample(data_, at(index)); }
    std::span<element const> lend(std::int64_t index, std::span<target> targets) const
        requires requires(Data const& data) { data.lend(index, targets); }
    {
        return data_.lend(at(index), targets);
    }
    target target_of(std::int64_t index) const
        requires requires(Data const& data) { data.target_of(index); }
    {
        return data_.target_of(at(index));
    }

    Data const& data() const { return data_; }
    std::span<std::int64_t const> indices() const { return *indices_; }

private:
    std::int64_t at(std::int64_t index) const { return (*indices_)[static_cast<std::size_t>(index)]; }

    Data data_;
    std::shared_ptr<std::vector<std::int64_t> const> indices_;
};

/// `data | subset({3, 1, 4})`: these samples, in this order; one may come more than once.
class subset {
public:
    static constexpr bool makes_dataset = true;

    explicit subset(std::vector<std::int64_t> indices) : indices_(std::move(indices)) {}

    template <dataset Data>
    subset_dataset<Data> over(Data data) && {
        return {std::move(data), std::move(indices_)};
    }

private:
    std::vector<std::int64_t> indices_;
};

/// `data | take(1000)`: the first samples. Throws usage_error where there are fewer.
class take {
public:
    static constexpr bool makes_dataset = true;

    explicit constexpr take(std::int64_t samples) : samples_(samples) {}

    template <dataset Data>
    subset_dataset<Data> over(Data data) const {
        if (samples_ < 0 || samples_ > data.size())
            throw usage_error{"take(" + std::to_string(samples_) + "): expected 0 to " + std::to_string(data.size()) +
                              ", the samples of the dataset"};
        std::vector<std::int64_t> indices(static_cast<std::size_t>(samples_));
        std::iota(indices.begin(), indices.end(), std::int64_t{0});
        return {std::move(data), std::move(indices)};
    }

private:
    std::int64_t samples_;
};

/// `data | filter([](auto input, auto targets) { return targets[0] < 2; })`: the samples for which the predicate is
/// true of the elements and the targets, both spans. It is asked once a sample, here, and every sample is read for it.
template <class Predicate>
class filter {
public:
    static constexpr bool makes_dataset = true;

    explicit constexpr filter(Predicate predicate) : predicate_(std::move(predicate)) {}

    template <dataset Data>
        requires std::predicate<Predicate const&, std::span<sample_element<Data> const>,
                                std::span<sample_target<Data> const>>
    subset_dataset<Data> over(Data data) const {
        std::vector<sample_element<Data>> input(static_cast<std::size_t>(Data::sample_shape::size));
        std::vector<sample_target<Data>> targets(static_cast<std::size_t>(sample_target_shape<Data>::size));
        std::vector<std::int64_t> indices;
        for (std::int64_t i = 0; i < data.size(); ++i) {
            detail::read_sample(data, i, std::span{input}, std::span{targets});
            if (predicate_(std::span<sample_element<Data> const>{input}, std::span<sample_target<Data> const>{targets}))
                indices.push_back(i);
        }
        return {std::move(data), std::move(indices)};
    }

private:
    Predicate predicate_;
};

/// Splits a dataset at random into parts without common samples, as large as the fractions say, which sum up to 1:
///
///     auto [train, validation] = random_split(data, seed{1}, 0.9, 0.1);
///
/// Part i begins where the fractions before it end, rounded to the nearest sample, so every sample is in one part. The
/// same seed and size make the same parts. Throws usage_error for other fractions.
template <dataset Data, std::convertible_to<double>... Fractions>
std::array<subset_dataset<Data>, sizeof...(Fractions)> random_split(Data const& data, seed start,
                                                                    Fractions... fractions) {
    double sum = 0;
    for (double const fraction : {static_cast<double>(fractions)...}) {
        if (!(fraction >= 0))
            throw usage_error{"random_split: expected fractions of at least 0, found " + std::to_string(fraction)};
        sum += fraction;
    }
    if (!(std::abs(sum - 1) < 1e-9))
        throw usage_error{"random_split: expected fractions that sum up to 1, found " + std::to_string(sum)};

    auto const size = data.size();
    permutation const order{std::max<std::int64_t>(size, 1), start.value, 0};
    std::int64_t next = 0;
    double before = 0;
    auto const part = [&](double fraction) {
        before += fraction;
        auto const end = std::min(size, static_cast<std::int64_t>(std::llround(before * static_cast<double>(size))));
        std::vector<std::int64_t> indices;
        for (; next < end; ++next) indices.push_back(order(next));
        return subset_dataset<Data>{data, std::move(indices)};
    };
    return {part(static_cast<double>(fractions))...};
}

} // namespace lockstep
