// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>

#include <cstdint>
#include <string>

namespace lockstep {

/// The mean loss of a step that devices may still be at: as a number, it waits for them. Throws usage_error where a later
/// step has been taken.
template <class Trainer>
class deferred_loss {
public:
    deferred_loss(Trainer const& trainer, std::uint64_t step) : trainer_(&trainer), step_(step) {}

    operator double() const {
        if (trainer_->steps() != step_)
            throw usage_error("trainer: the loss of step " + std::to_string(step_) + " was asked for after step " +
                              std::to_string(trainer_->steps()));
        return trainer_->loss();
    }

private:
    Trainer const* trainer_;
    std::uint64_t step_;
};

} // namespace lockstep
