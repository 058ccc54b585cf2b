// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/fault.hpp>
#include <lockstep/plan/plan.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace lockstep {

namespace detail {

/// The replicas' streams: 2 r and 2 r + 1 are those of replica r.
constexpr std::span<command const> commands_of(std::span<step_schedule_view const> schedules, int stream) {
    return stream % 2 == 0 ? schedules[stream / 2].compute : schedules[stream / 2].update;
}
constexpr bool is_for_others(int stream, command const& c) { return c.leader_only && stream / 2 != 0; }

/// Calls visit(stream, place, command) for whatever is carried out.
template <class Visit>
constexpr void for_each_command(std::span<step_schedule_view const> schedules, Visit const& visit) {
    for (int stream = 0; stream < 2 * static_cast<int>(schedules.size()); ++stream) {
        int place = 0;
        for (command const& c : commands_of(schedules, stream)) {
            if (!is_for_others(stream, c)) visit(stream, place, c);
            ++place;
        }
    }
}

/// What can be told of schedules, one for each replica, without carrying them out.
class command_count {
public:
    constexpr command_count(plan const& p, std::span<step_schedule_view const> schedules)
        : plan_(&p), schedules_(schedules), arrivals_(p.steps.events.size(), 0), of_updates_(arrivals_.size(), 0),
          starts_(p.steps.exchanges.size(), 0), ends_(starts_.size(), 0) {}

    // nvcc takes one that is declared implicitly for no constant expression.
    constexpr ~command_count() = default;

    constexpr plan_fault find_fault() {
        if (plan_fault const f = find_unknown()) return f;
        for_each_command(schedules_, [&](int stream, int, command const& c) {
            if (c.kind == command_kind::arrive) ++arrivals_[c.index], of_updates_[c.index] += stream % 2;
            if (c.kind == command_kind::start) ++starts_[c.index];
            if (c.kind == command_kind::finish) ++ends_[c.index];
        });
        for (std::size_t e = 0; e < arrivals_.size(); ++e)
            if (arrivals_[e] != plan_->steps.events[e]) return {plan_rule::event_happens_once, static_cast<int>(e)};
        for (std::size_t e = 0; e < starts_.size(); ++e)
            if (starts_[e] != 1 || ends_[e] != 1) return {plan_rule::exchange_happens_once, static_cast<int>(e)};
        return find_pass_that_waits_for_updates();
    }

private:
    /// Every command is about a bucket, an event or an exchange that there is.
    constexpr plan_fault find_unknown() const {
        plan_fault found;
        for_each_command(schedules_, [&](int, int, command const& c) {
            auto const check = [&](std::size_t count, plan_rule rule) {
                if (c.index < 0 || c.index >= static_cast<int>(count)) found = {rule, c.index};
            };
            switch (c.kind) {
            case command_kind::arrive:
            case command_kind::wait: return check(arrivals_.size(), plan_rule::event_happens_once);
            case command_kind::pack:
            case command_kind::start:
            case command_kind::finish: return check(starts_.size(), plan_rule::exchange_happens_once);
            case command_kind::reduce:
            case command_kind::combine: return check(plan_->buckets.size(), plan_rule::bucket_is_reduced_once);
            case command_kind::update:
            case command_kind::reduce_and_update:
                return check(plan_->buckets.size(), plan_rule::bucket_is_updated_once);
            default: return;
            }
        });
        return found;
    }

    /// A pass that still goes on waits for other passes alone: the thread that waits carries out this replica's updates
    /// too, between operations, and those of others may depend on these.
    constexpr plan_fault find_pass_that_waits_for_updates() const {
        plan_fault found;
        for_each_command(schedules_, [&](int stream, int place, command const& c) {
            bool const goes_on =
                stream % 2 == 0 && place + 1 < static_cast<int>(commands_of(schedules_, stream).size());
            if (goes_on && c.kind == command_kind::wait && of_updates_[c.index] > 0)
                found = {plan_rule::schedules_come_to_an_end, place};
        });
        return found;
    }

    plan const* plan_;
    std::span<step_schedule_view const> schedules_;
    /// For each event, all arrivals and those of update streams.
    std::vector<int> arrivals_, of_updates_;
    /// For each exchange.
    std::vector<int> starts_, ends_;
};

} // namespace detail

/// Whether processes with these schedules have the same exchanges and start them in the same order, stream by stream:
/// messages find each other by that. They may have different numbers of replicas.
constexpr plan_fault find_process_fault(std::span<step_schedule_view const> processes) {
    auto const same = [](std::span<command const> a, std::span<command const> b) {
        auto const next = [](std::span<command const> stream, std::size_t& at) {
            while (at < stream.size() && stream[at].kind != command_kind::start) ++at;
            return at < stream.size() ? stream[at++].index : -1;
        };
        for (std::size_t in_a = 0, in_b = 0; in_a < a.size() || in_b < b.size();)
            if (next(a, in_a) != next(b, in_b)) return false;
        return true;
    };
    for (std::size_t i = 1; i < processes.size(); ++i) {
        step_schedule_view const &first = processes[0], &other = processes[i];
        bool agree = first.exchanges.size() == other.exchanges.size();
        for (std::size_t e = 0; agree && e < first.exchanges.size(); ++e)
            agree = first.exchanges[e].kind == other.exchanges[e].kind &&
                    first.exchanges[e].index == other.exchanges[e].index;
        if (!agree || !same(first.compute, other.compute) || !same(first.update, other.update))
            return {plan_rule::exchanges_have_one_order, static_cast<int>(i)};
    }
    return {};
}

} // namespace lockstep
