// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/command.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace lockstep {

/// An option of a trainer: it keeps the times of so many steps, from the next one on; see to_chrome_trace. Without it
/// there is not even the question whether to.
struct record {
    int steps = 1;
};

namespace detail {

/// One thing that a replica did, or waited for.
struct timed_command {
    std::int64_t begin = 0, end = 0;
    std::int32_t step = 0;
    command_kind kind = command_kind::run;
    /// Of a run, the operation; else as in the command.
    std::int32_t index = -1;
    std::int32_t shard = -1;
    bool in_update_stream = false;
};

/// What every replica did, each in memory of its own, which is there before the first step.
class step_recorder {
public:
    step_recorder(int replicas, int steps, std::size_t commands_a_step)
        : steps_(steps), start_(now()), replicas_(static_cast<std::size_t>(replicas)) {
        for (auto& each : replicas_) each.reserve(static_cast<std::size_t>(steps) * commands_a_step);
    }

    /// Nanoseconds on a clock that all replicas share.
    static std::int64_t now() {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
    }

    void add(int replica, timed_command const& what) {
        auto& own = replicas_[static_cast<std::size_t>(replica)];
        if (step_ < steps_ && own.size() < own.capacity()) {
            own.push_back(what);
            own.back().step = step_;
        }
    }
    void end_step() { step_ = step_ < steps_ ? step_ + 1 : steps_; }

    int steps() const { return step_; }
    std::int64_t start() const { return start_; }
    std::vector<std::vector<timed_command>> const& replicas() const { return replicas_; }

private:
    int steps_, step_ = 0;
    std::int64_t start_;
    std::vector<std::vector<timed_command>> replicas_;
};

} // namespace detail

} // namespace lockstep
