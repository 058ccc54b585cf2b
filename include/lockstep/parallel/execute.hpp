// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/command.hpp>

#include <cstddef>

namespace lockstep::detail {

/// Carries out one replica's part of a schedule in one thread. The update stream goes on, between two operations of a
/// pass, as far as its events have happened: a bucket is reduced and updated while earlier layers still compute, and
/// nobody waits before the passes' end.
///
/// Step has perform(command, replica, between), which calls `between` after each operation of a pass; events(), the
/// event_counters; has_finished(exchange), which makes progress, and finish(exchange), which waits; and
/// waited(command, replica, whether in the update stream, nanoseconds).
template <class Step>
class replica_execution {
public:
    replica_execution(step_schedule_view const& schedule, int replica, Step& step)
        : schedule_(schedule), replica_(replica), step_(step) {}

    void run() {
        std::size_t const end = schedule_.compute.size() - 1; // which waits for all updates
        for (std::size_t i = 0; i < end; ++i) {
            command const& c = schedule_.compute[i];
            if (is_for_others(c)) continue;
            advance();
            wait_for(c, false);
            step_.perform(c, replica_, [this] { advance(); });
        }
        for (advance(); next_ < schedule_.update.size(); ++next_, advance()) wait_for(schedule_.update[next_], true);
        wait_for(schedule_.compute[end], false);
    }

private:
    bool is_for_others(command const& c) const { return c.leader_only && replica_ != 0; }

    /// Carries out commands of the update stream up to the first that would have to wait.
    void advance() {
        for (; next_ < schedule_.update.size(); ++next_) {
            command const& c = schedule_.update[next_];
            if (is_for_others(c)) continue;
            if (c.kind == command_kind::wait && !step_.events().has_happened(c.index)) return;
            if (c.kind == command_kind::finish && !step_.has_finished(c.index)) return;
            step_.perform(c, replica_, [] {});
        }
    }

    void wait_for(command const& c, bool in_update_stream) {
        if (c.kind == command_kind::wait) step_.waited(c, replica_, in_update_stream, step_.events().wait(c.index));
        if (c.kind == command_kind::finish) step_.waited(c, replica_, in_update_stream, step_.finish(c.index));
    }

    step_schedule_view const& schedule_;
    int replica_;
    Step& step_;
    std::size_t next_ = 0;
};

} // namespace lockstep::detail
