// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/expression/seed.hpp>
#include <lockstep/loader/permutation.hpp>
#include <lockstep/loader/sample_error.hpp>
#include <lockstep/loader/transform/mapped.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lockstep {

/// Data whose samples have one class each.
template <class T>
concept has_classes =
    any_dataset<T> && std::same_as<sample_target<T>, std::int32_t> && sample_target_shape<T>::rank == 0;

namespace detail {

/// The samples of each class, in the dataset's order.
struct classes_of_samples {
    std::vector<std::int64_t> samples;
    /// Those of class c are samples[first[c]] to samples[first[c + 1] - 1].
    std::vector<std::int64_t> first;

    int classes() const { return static_cast<int>(first.size()) - 1; }
    std::int64_t size(int c) const {
        return first[static_cast<std::size_t>(c) + 1] - first[static_cast<std::size_t>(c)];
    }
    std::int64_t sample(int c, std::int64_t number) const {
        return samples[static_cast<std::size_t>(first[static_cast<std::size_t>(c)] + number)];
    }
    /// In random order: sample number `number` of class c, in a pass through the class.
    std::int64_t shuffled_sample(int c, std::int64_t number, std::uint64_t seed, std::uint64_t pass) const {
        // Each class is shuffled with a seed of its own.
        auto const own = seed ^ (static_cast<std::uint64_t>(c) + 1) * 0x9e3779b97f4a7c15u;
        return sample(c, permutation{size(c), own, pass}(number));
    }
};

/// Reads every target once: the dataset's target_of(index) where it has one, else the whole sample. Throws sample_error
/// for one that cannot be read.
template <has_classes Data>
std::vector<std::int32_t> read_targets(Data const& data) {
    constexpr bool has_target_of = requires { data.target_of(std::int64_t{}); };
    std::vector<std::int32_t> targets(static_cast<std::size_t>(data.size()));
    std::vector<sample_element<Data>> input(has_target_of ? 0 : static_cast<std::size_t>(Data::sample_shape::size));
    std::int64_t sample = 0;
    try {
        for (auto& target : targets) {
            if constexpr (has_target_of) target = data.target_of(sample);
            else draw_sample(data, sample, std::span{input}, std::span{&target, 1}, {});
            ++sample;
        }
    } catch (...) {
        throw_sample_error(sample, "sampling by class");
    }
    return targets;
}

inline classes_of_samples sort_by_class(std::vector<std::int32_t> const& targets) {
    classes_of_samples result;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        if (targets[i] < 0)
            throw data_error{"sampling by class: expected a class of 0 or more, found " +
                             std::to_string(targets[i]) + " at sample " + std::to_string(i)};
        auto const c = static_cast<std::size_t>(targets[i]);
        if (result.first.size() < c + 2) result.first.resize(c + 2);
        ++result.first[c + 1];
    }
    for (std::size_t c = 1; c < result.first.size(); ++c) result.first[c] += result.first[c - 1];
    result.samples.resize(targets.size());
    auto next = result.first;
    for (std::size_t i = 0; i < targets.size(); ++i)
        result.samples[static_cast<std::size_t>(next[static_cast<std::size_t>(targets[i])]++)] =
            static_cast<std::int64_t>(i);
    return result;
}

} // namespace detail

/// Every sample once in an epoch, in an order in which the classes are spread evenly: each batch has about the
/// dataset's share of each class. Which samples of a class come when is shuffled anew in every epoch.
class stratified_order {
public:
    stratified_order(detail::classes_of_samples classes, seed start)
        : seed_(start), content_(std::make_shared<content const>(std::move(classes))) {}

    auto order(std::int64_t, std::uint64_t epoch) const {
        return [all = content_.get(), seed = seed_.value, epoch](std::int64_t position) {
            auto const [c, number] = all->places[static_cast<std::size_t>(position)];
            return all->classes.shuffled_sample(c, number, seed, epoch);
        };
    }
    std::uint64_t seed_value() const { return seed_.value; }

private:
    /// What stands at a position: a class, and the number of a sample among its own.
    struct place {
        std::int32_t of_class;
        std::int64_t number;
    };
    struct content {
        explicit content(detail::classes_of_samples all) : classes(std::move(all)) {
            for (int c = 0; c < classes.classes(); ++c)
                for (std::int64_t k = 0; k < classes.size(c); ++k) places.push_back({c, k});
            // Each class's samples at equal distances over the epoch.
            std::ranges::sort(places, {}, [&](place const& at) {
                auto const size = static_cast<double>(classes.size(at.of_class));
                return std::pair{(static_cast<double>(at.number) + 0.5) / size, at.of_class};
            });
        }
        detail::classes_of_samples classes;
        std::vector<place> places;
    };

    seed seed_;
    std::shared_ptr<content const> content_;
};

/// All classes as often, in turn. A class goes through its own samples in random order, over and over, also from one
/// epoch to the next: small classes are repeated, of large ones an epoch has a part, and the next one another.
class balanced_order {
public:
    static constexpr bool repeats = true;

    balanced_order(detail::classes_of_samples classes, seed start)
        : seed_(start), classes_(std::make_shared<detail::classes_of_samples const>(std::move(classes))) {
        for (int c = 0; c < classes_->classes(); ++c)
            if (classes_->size(c) > 0) present_.push_back(c);
    }

    auto order(std::int64_t size, std::uint64_t epoch) const {
        return [this, size, epoch](std::int64_t position) {
            auto const count = static_cast<std::int64_t>(present_.size());
            auto const turn = position % count;
            int const c = present_[static_cast<std::size_t>(turn)];
            auto const in_an_epoch = static_cast<std::uint64_t>((size - turn + count - 1) / count);
            auto const number = epoch * in_an_epoch + static_cast<std::uint64_t>(position / count);
            auto const of_class = static_cast<std::uint64_t>(classes_->size(c));
            return classes_->shuffled_sample(c, static_cast<std::int64_t>(number % of_class), seed_.value,
                                             number / of_class);
        };
    }
    std::uint64_t seed_value() const { return seed_.value; }

private:
    seed seed_;
    std::shared_ptr<detail::classes_of_samples const> classes_;
    std::vector<std::int32_t> present_;
};

/// `data | stratified(seed{1})`: see stratified_order. Reads all targets, once.
class stratified {
public:
    explicit constexpr stratified(seed start) : seed_(start) {}

    template <has_classes Data>
    stratified_order sampler_for(Data const& data) const {
        return {detail::sort_by_class(detail::read_targets(data)), seed_};
    }

private:
    seed seed_;
};

/// `data | balanced(seed{1})`: see balanced_order. Reads all targets, once.
class balanced {
public:
    explicit constexpr balanced(seed start) : seed_(start) {}

    template <has_classes Data>
    balanced_order sampler_for(Data const& data) const {
        return {detail::sort_by_class(detail::read_targets(data)), seed_};
    }

private:
    seed seed_;
};

namespace detail {
template <class T>
inline constexpr bool is_by_class = std::same_as<T, stratified> || std::same_as<T, balanced>;
} // namespace detail

} // namespace lockstep
