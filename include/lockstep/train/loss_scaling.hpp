// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>

#include <cmath>
#include <cstdint>
#include <sstream>
#include <string>

namespace lockstep {

/// An option of a trainer whose model stores values as half, which otherwise has it as it is here: the loss is multiplied
/// by a scale before its gradient is computed, so that small gradients do not become 0, and gradients of parameters are
/// divided by it. An update whose gradient has a number that is not finite is skipped and the scale multiplied by backoff;
/// after `interval` updates in a row it is multiplied by growth (Micikevicius et al. 2018; torch.amp.GradScaler).
/// Powers of 2 round nothing. A growth of 1 keeps the scale where it is, but for backoffs. Gradients are sums over samples
/// until all have been added up: a scale of 1024 does what PyTorch's 65536 does to means of 64.
///
///   trainer trainer{model, cross_entropy{}, adamw{}, batch_size<64>, loss_scaling{.initial = 256.0}};
struct loss_scaling {
    double initial = 1024.0;
    double growth = 2.0;
    double backoff = 0.5;
    std::int64_t interval = 2000;
};

/// Where a loss_scaling stands: the scale of the next step, and how many updates there have been since it changed.
struct loss_scale_state {
    double scale = 1.0;
    std::int64_t updates = 0;

    bool operator==(loss_scale_state const&) const = default;
};

namespace detail {

/// What a training knows of its loss scale.
class loss_scaler {
public:
    /// Below, a smaller scale is of no help: 65504 becomes 2^26 of them.
    static constexpr double smallest = 0x1p-10;
    /// What gradients of nothing but zeros would grow to.
    static constexpr double largest = 0x1p60;

    /// Throws usage_error for numbers that make no scale.
    explicit loss_scaler(loss_scaling const& options) : options_(options), state_{options.initial, 0} {
        expect("initial", "a scale from 2^-10 to 2^60", options.initial, is_scale(options.initial));
        expect("growth", "a finite number of at least 1", options.growth, options.growth >= 1.0 && options.growth <= largest);
        expect("backoff", "a number between 0 and 1", options.backoff, options.backoff > 0.0 && options.backoff < 1.0);
        expect("interval", "at least 1 update", static_cast<double>(options.interval), options.interval >= 1);
    }

    static bool is_scale(double scale) { return scale >= smallest && scale <= largest; }

    loss_scale_state const& state() const { return state_; }
    /// Since the training began or was resumed.
    std::uint64_t skipped() const { return skipped_; }

    /// After an update with a mean gradient of this norm. Throws usage_error where no smaller scale is left.
    void learn(double norm) {
        if (std::isfinite(norm)) {
            if (++state_.updates < options_.interval) return;
            double const grown = state_.scale * options_.growth;
            state_ = {grown <= largest ? grown : state_.scale, 0};
            return;
        }
        ++skipped_;
        state_ = {state_.scale * options_.backoff, 0};
        if (is_scale(state_.scale)) return;
        state_.scale = smallest;
        throw usage_error("trainer: expected a finite gradient at some loss scale, found none down to 2^-10: samples, "
                          "parameters or values on their way are no numbers, or larger than half's 65504");
    }

    /// A training goes on from elsewhere, with the scale that it had there or the first one.
    void resume() { resume({options_.initial, 0}); }
    void resume(loss_scale_state const& state) {
        expect("the scale to go on with", "a scale from 2^-10 to 2^60", state.scale, is_scale(state.scale));
        state_ = state;
        skipped_ = 0;
    }

private:
    static void expect(char const* what, char const* expected, double found, bool holds) {
        if (holds) return;
        std::ostringstream text;
        text << "loss_scaling: " << what << ": expected " << expected << ", found " << found;
        throw usage_error(text.str());
    }

    loss_scaling options_;
    loss_scale_state state_;
    std::uint64_t skipped_ = 0;
};

} // namespace detail

} // namespace lockstep
