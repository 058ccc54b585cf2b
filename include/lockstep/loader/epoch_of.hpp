// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/sampler.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace lockstep {

/// `data | shuffle(seed{1}) | epoch_of(10'000)`: an epoch is so many samples, and goes on where the one before has
/// ended in the order of all, so that after enough epochs all samples were seen equally often. It may be more than
/// the dataset has.
struct epoch_of {
    /// Throws usage_error for less than one sample.
    explicit epoch_of(std::int64_t number) : samples(number) {
        if (number < 1)
            throw usage_error{"epoch_of(" + std::to_string(number) + "): expected 1 sample or more"};
    }
    std::int64_t samples;
};

/// Epochs of a length of their own, cut out of a sampler's epochs: its passes.
template <sampler Passes>
class cut_order {
    using pass_order = std::remove_cvref_t<decltype(std::declval<Passes const&>().order(1, 1))>;

public:
    static constexpr bool repeats = true;

    cut_order(Passes passes, std::int64_t samples) : passes_(std::move(passes)), samples_(samples) {}

    /// The order of an epoch, most of which is one pass's or two's.
    class order_of_epoch {
    public:
        order_of_epoch(Passes const& passes, std::int64_t size, std::uint64_t first)
            : passes_(&passes), size_(size), length_(static_cast<std::uint64_t>(detail::epoch_length(passes, size))),
              first_(first) {}

        std::int64_t operator()(std::int64_t position) {
            auto const place = first_ + static_cast<std::uint64_t>(position);
            auto const pass = place / length_;
            if (!order_ || pass != pass_) order_.emplace(passes_->order(size_, pass));
            pass_ = pass;
            return (*order_)(static_cast<std::int64_t>(place % length_));
        }

    private:
        Passes const* passes_;
        std::int64_t size_;
        std::uint64_t length_, first_, pass_ = 0;
        std::optional<pass_order> order_;
    };

    order_of_epoch order(std::int64_t size, std::uint64_t epoch) const {
        return {passes_, size, epoch * static_cast<std::uint64_t>(samples_)};
    }
    std::int64_t length(std::int64_t) const { return samples_; }
    std::uint64_t seed_value() const { return detail::seed_of(passes_); }
    void check(std::int64_t size) const
        requires requires(Passes const& passes) { passes.check(size); }
    {
        passes_.check(size);
    }

private:
    Passes passes_;
    std::int64_t samples_;
};

} // namespace lockstep
