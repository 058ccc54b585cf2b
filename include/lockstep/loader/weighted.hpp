// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/expression/philox.hpp>
#include <lockstep/expression/seed.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lockstep {

/// `data | weighted(weights, seed{1})`: every position of an epoch is drawn by itself, with replacement, each sample
/// as often as its weight says. As PyTorch's WeightedRandomSampler; a draw takes the same few instructions whatever
/// the number of samples (Walker 1977, "An efficient method for generating discrete random variables with general
/// distributions"; the table as by Vose 1991). Copies share the table.
class weighted {
public:
    static constexpr bool repeats = true;

    /// Weights need not sum to one. Throws usage_error for one that is negative or not finite, or if all are zero.
    weighted(std::vector<double> const& weights, seed start)
        : seed_(start), table_(std::make_shared<std::vector<column> const>(make_table(weights))) {}

    auto order(std::int64_t, std::uint64_t epoch) const {
        return [columns = table_.get(), key = make_key(seed_.value ^ purpose), epoch](std::int64_t position) {
            auto const place = static_cast<std::uint64_t>(position);
            auto const words = philox({static_cast<std::uint32_t>(place), static_cast<std::uint32_t>(place >> 32),
                                       static_cast<std::uint32_t>(epoch), static_cast<std::uint32_t>(epoch >> 32)},
                                      key);
            auto const size = static_cast<double>(columns->size());
            auto const at = static_cast<std::size_t>(uniform(words[0], words[1]) * size);
            auto const& [share, other] = (*columns)[at];
            return uniform(words[2], words[3]) < share ? static_cast<std::int64_t>(at) : other;
        };
    }
    std::uint64_t seed_value() const { return seed_.value; }
    /// Throws usage_error where there are not as many weights as samples.
    void check(std::int64_t size) const {
        if (size != static_cast<std::int64_t>(table_->size()))
            throw usage_error{"weighted: expected a weight for each of " + std::to_string(size) +
                              " samples, found " + std::to_string(table_->size())};
    }

private:
    /// Keeps these numbers apart from others of the same seed.
    static constexpr std::uint64_t purpose = 0x7765696768740000;

    /// All columns are drawn as often; of a column, so much is its own sample's, the rest another one's.
    struct column {
        double share = 1.0;
        std::int64_t other = 0;
    };

    static std::vector<column> make_table(std::vector<double> const& weights) {
        double sum = 0.0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            if (!(weights[i] >= 0.0 && std::isfinite(weights[i])))
                throw usage_error{"weighted: expected weights of 0 or more, found " + std::to_string(weights[i]) +
                                  " at sample " + std::to_string(i)};
            sum += weights[i];
        }
        if (!(sum > 0.0 && std::isfinite(sum)))
            throw usage_error{"weighted: expected a finite sum of weights above 0, found " + std::to_string(sum)};

        // Columns with too little are filled up by those with too much, one after the other.
        std::vector<column> table(weights.size());
        std::vector<std::size_t> less, more;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            table[i] = {weights[i] / sum * static_cast<double>(weights.size()), static_cast<std::int64_t>(i)};
            (table[i].share < 1.0 ? less : more).push_back(i);
        }
        while (!less.empty() && !more.empty()) {
            auto const small = less.back(), large = more.back();
            less.pop_back();
            table[small].other = static_cast<std::int64_t>(large);
            table[large].share -= 1.0 - table[small].share;
            if (table[large].share < 1.0) {
                more.pop_back();
                less.push_back(large);
            }
        }
        // What is left differs from a whole column by rounding alone.
        for (auto const i : less) table[i].share = 1.0;
        for (auto const i : more) table[i].share = 1.0;
        return table;
    }

    seed seed_;
    std::shared_ptr<std::vector<column> const> table_;
};

} // namespace lockstep
