// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/fault.hpp>
#include <lockstep/plan/plan.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace lockstep {

namespace detail {

/// Carries out the replicas' schedules without computing anything, each stream as a thread of its own that knows, for
/// every other stream, how far that has come for certain: what a stream knows it learns at events alone (vector clocks;
/// Fidge 1988, Mattern 1989).
class schedule_walk {
public:
    /// One schedule for each replica.
    constexpr schedule_walk(plan const& p, std::span<step_schedule_view const> schedules)
        : plan_(&p), schedules_(schedules), streams_(2 * schedules.size()), next_(streams_, 0),
          known_(streams_ * streams_, 0) {
        std::size_t events = 0;
        for (step_schedule_view const& s : schedules) events = std::max(events, s.events.size());
        arrived_.resize(events, 0);
        seen_.resize(events * streams_, 0);
        updated_.resize(p.buckets.size() * schedules.size(), 0);
        open_collective_.resize(schedules.size(), -1);
        started_.resize(p.steps.exchanges.size(), 0);
        ended_.resize(p.steps.exchanges.size());
        find_last_uses();
    }
    constexpr ~schedule_walk() = default; // nvcc's front end takes the implicit one for none that is constexpr

    constexpr plan_fault run() {
        if (plan_fault const f = compare_collectives()) return f;
        for (bool advanced = true; advanced;) {
            advanced = false;
            for (std::size_t s = 0; s < streams_; ++s)
                while (next_[s] < commands(s).size() && can_go_on(s)) {
                    if (plan_fault const f = carry_out(s)) return f;
                    ++next_[s];
                    known_[s * streams_ + s] = static_cast<int>(next_[s]);
                    advanced = true;
                }
        }
        return what_is_left();
    }

private:
    // Streams 2 r and 2 r + 1 are those of replica r.
    constexpr std::span<command const> commands(std::size_t stream) const {
        return stream % 2 == 0 ? schedules_[stream / 2].compute : schedules_[stream / 2].update;
    }
    constexpr bool is_for_others(std::size_t stream, command const& c) const { return c.leader_only && stream / 2 != 0; }

    constexpr bool can_go_on(std::size_t stream) const {
        command const& c = commands(stream)[next_[stream]];
        return c.kind != command_kind::wait || is_for_others(stream, c) ||
               arrived_[c.index] >= schedules_[stream / 2].events[c.index];
    }

    constexpr plan_fault carry_out(std::size_t stream) {
        command const& c = commands(stream)[next_[stream]];
        if (is_for_others(stream, c)) return {};
        int* const own = &known_[stream * streams_];
        switch (c.kind) {
        case command_kind::arrive:
            ++arrived_[c.index];
            for (std::size_t s = 0; s < streams_; ++s) raise(seen_[c.index * streams_ + s], own[s]);
            return {};
        case command_kind::wait:
            for (std::size_t s = 0; s < streams_; ++s) raise(own[s], seen_[c.index * streams_ + s]);
            return {};
        case command_kind::run: return check_run(own, stream);
        case command_kind::sum_shards: return check_collective(own, stream, c.index);
        case command_kind::start: return check_start(own, c.index);
        case command_kind::finish:
            if (!started_[c.index]) return {plan_rule::exchange_is_read_after_its_end, c.index};
            ended_[c.index] = {static_cast<int>(stream), static_cast<int>(next_[stream]) + 1};
            return {};
        case command_kind::reduce:
            if (!knows_uses(own, c.index)) return {plan_rule::gradient_is_reduced_after_its_write, c.index};
            return {};
        case command_kind::combine: return check_end(own, exchange_kind::scatter, c.index);
        case command_kind::update:
        case command_kind::reduce_and_update: {
            if (!knows_uses(own, c.index)) return {plan_rule::parameter_is_updated_after_its_reads, c.index};
            if (plan_fault const f = check_end(own, exchange_kind::gather, c.index)) return f;
            int& count = updated_[c.index * schedules_.size() + stream / 2];
            if (++count > 1) return {plan_rule::bucket_is_updated_once, c.index};
            return {};
        }
        case command_kind::merge:
            for (std::size_t r = 0; r < schedules_.size(); ++r)
                if (own[2 * r] < last_state_use_[r])
                    return {plan_rule::state_is_merged_after_its_reads, static_cast<int>(r)};
            return check_end(own, exchange_kind::states, -1);
        default: return {};
        }
    }

    // ---- collective operations: all read what all have written, and nobody writes over it before ----

    /// The place of the sum over shards for an operation in a replica's passes, or -1.
    constexpr int place_of(std::size_t replica, command_kind kind, int index) const {
        auto const compute = schedules_[replica].compute;
        for (std::size_t at = 0; at < compute.size(); ++at)
            if (compute[at].kind == kind && compute[at].index == index) return static_cast<int>(at);
        return -1;
    }
    constexpr plan_fault compare_collectives() const {
        for (std::size_t r = 1; r < schedules_.size(); ++r) {
            std::size_t other = 0;
            auto const first = schedules_[0].compute, compute = schedules_[r].compute;
            auto const next = [](auto const& commands, std::size_t& at) {
                while (at < commands.size() && commands[at].kind != command_kind::sum_shards) ++at;
                return at < commands.size() ? commands[at++].index : -1;
            };
            for (std::size_t at = 0; at < compute.size() || other < first.size();)
                if (next(compute, at) != next(first, other)) return {plan_rule::collectives_have_one_order, static_cast<int>(r)};
        }
        return {};
    }
    constexpr plan_fault check_collective(int const* own, std::size_t stream, int operation) {
        for (std::size_t r = 0; r < schedules_.size(); ++r) {
            int last_run = place_of(r, command_kind::sum_shards, operation);
            while (last_run >= 0 && schedules_[r].compute[last_run].kind != command_kind::run) --last_run;
            if (own[2 * r] < last_run + 1 && r != stream / 2) return {plan_rule::collective_reads_after_writes, operation};
        }
        open_collective_[stream / 2] = operation;
        return {};
    }
    constexpr plan_fault check_run(int const* own, std::size_t stream) {
        int const operation = open_collective_[stream / 2];
        if (operation < 0) return {};
        open_collective_[stream / 2] = -1;
        // Across processes the leader has read for all.
        for (std::size_t r = 0; r < schedules_.size(); ++r) {
            int const reader = place_of(r, command_kind::sum_shards, operation);
            if (plan_->settings.across_processes ? r == 0 && own[0] < place_of_pack(operation) + 1 : own[2 * r] < reader + 1)
                return {plan_rule::collective_ends_before_next_write, operation};
        }
        return {};
    }
    constexpr int place_of_pack(int operation) const {
        for (std::size_t e = 0; e < plan_->steps.exchanges.size(); ++e)
            if (plan_->steps.exchanges[e].kind == exchange_kind::collective && plan_->steps.exchanges[e].index == operation)
                return place_of(0, command_kind::pack, static_cast<int>(e));
        return -1;
    }

    // ---- exchanges: they send what is there, and are read when they have ended ----

    constexpr plan_fault check_start(int const* own, int number) {
        started_[number] = 1;
        exchange const& e = plan_->steps.exchanges[number];
        command_kind const made_by = e.kind == exchange_kind::scatter   ? command_kind::reduce
                                     : e.kind == exchange_kind::gather  ? command_kind::combine
                                     : e.kind == exchange_kind::publish ? command_kind::update
                                                                        : command_kind::start;
        if (made_by == command_kind::start) return {};
        for (std::size_t r = 0; r < schedules_.size(); ++r) {
            auto const update = schedules_[r].update;
            std::size_t at = 0;
            while (at < update.size() && (update[at].kind != made_by || update[at].index != e.index)) ++at;
            if (own[2 * r + 1] < static_cast<int>(at) + 1) return {plan_rule::exchange_sends_what_is_there, number};
        }
        return {};
    }
    /// Whether a stream knows that the plan's exchange of a kind has ended, where it has one.
    constexpr plan_fault check_end(int const* own, exchange_kind kind, int index) const {
        for (std::size_t e = 0; e < plan_->steps.exchanges.size(); ++e) {
            exchange const& each = plan_->steps.exchanges[e];
            if (each.kind != kind || each.index != index) continue;
            if (ended_[e].stream < 0 || own[ended_[e].stream] < ended_[e].place)
                return {plan_rule::exchange_is_read_after_its_end, static_cast<int>(e)};
        }
        return {};
    }

    /// Whether a stream knows that all replicas have used a bucket for the last time.
    constexpr bool knows_uses(int const* own, int bucket) const {
        for (std::size_t r = 0; r < schedules_.size(); ++r)
            if (own[2 * r] < last_use_[bucket * schedules_.size() + r]) return false;
        return true;
    }

    constexpr plan_fault what_is_left() const {
        for (std::size_t s = 0; s < streams_; ++s)
            if (next_[s] < commands(s).size())
                return {plan_rule::schedules_come_to_an_end, static_cast<int>(next_[s])};
        for (std::size_t r = 0; r < schedules_.size(); ++r) {
            for (std::size_t b = 0; b < plan_->buckets.size(); ++b)
                if (updated_[b * schedules_.size() + r] != 1) return {plan_rule::bucket_is_updated_once, static_cast<int>(b)};
            // The next step reads what this one writes: every pass ends when all updates have ended.
            for (std::size_t q = 0; q < schedules_.size(); ++q)
                if (known_[2 * r * streams_ + 2 * q + 1] < last_write(2 * q + 1))
                    return {plan_rule::step_ends_after_its_updates, static_cast<int>(q)};
        }
        return {};
    }
    /// The place behind a stream's last command that writes.
    constexpr int last_write(std::size_t stream) const {
        auto const all = commands(stream);
        for (std::size_t i = all.size(); i-- > 0;)
            if (all[i].kind != command_kind::arrive && all[i].kind != command_kind::wait && !is_for_others(stream, all[i]))
                return static_cast<int>(i) + 1;
        return 0;
    }

    /// The places behind the commands that use each bucket and the states for the last time.
    constexpr void find_last_uses() {
        std::vector<int> bucket_of(plan_->parameters.size(), -1);
        for (std::size_t i = 0; i < plan_->parameters.size(); ++i)
            for (std::size_t b = 0; b < plan_->buckets.size(); ++b)
                if (plan_->parameter_offsets[i] >= plan_->buckets[b].begin && plan_->parameter_offsets[i] < plan_->buckets[b].end)
                    bucket_of[i] = static_cast<int>(b);
        last_use_.resize(plan_->buckets.size() * schedules_.size(), 0);
        last_state_use_.resize(schedules_.size(), 0);
        // The last operation that uses each of them.
        std::vector<int> last(plan_->buckets.size(), -1);
        int last_state = -1;
        for (std::size_t i = 0; i < plan_->operations.size(); ++i) {
            operation const& op = plan_->operations[i];
            auto const use = [&](int index) {
                int const parameter = plan_->buffers[index].parameter;
                if (parameter < 0) return;
                if (bucket_of[parameter] >= 0) last[bucket_of[parameter]] = static_cast<int>(i);
                else if (plan_->parameters[parameter].observed) last_state = static_cast<int>(i);
            };
            use(op.result);
            for (int k = 0; k < op.operand_count; ++k)
                if (plan_->buffers[op.operands[k]].kind == buffer_kind::parameter ||
                    bucket_of_buffer(bucket_of, op.operands[k]) >= 0)
                    use(op.operands[k]);
        }
        for (std::size_t r = 0; r < schedules_.size(); ++r) {
            auto const compute = schedules_[r].compute;
            for (std::size_t at = 0; at < compute.size(); ++at) {
                if (compute[at].kind != command_kind::run) continue;
                auto const holds = [&](int operation) { return operation >= compute[at].first && operation < compute[at].last; };
                for (std::size_t b = 0; b < last.size(); ++b)
                    if (holds(last[b])) last_use_[b * schedules_.size() + r] = static_cast<int>(at) + 1;
                if (holds(last_state)) last_state_use_[r] = static_cast<int>(at) + 1;
            }
        }
    }
    constexpr int bucket_of_buffer(std::vector<int> const& bucket_of, int index) const {
        int const parameter = plan_->buffers[index].parameter;
        return parameter < 0 ? -1 : bucket_of[parameter];
    }

    static constexpr void raise(int& to, int from) {
        if (from > to) to = from;
    }

    plan const* plan_;
    std::span<step_schedule_view const> schedules_;
    std::size_t streams_;
    std::vector<std::size_t> next_;
    /// For each stream, how far it knows every stream to have come.
    std::vector<int> known_;
    std::vector<int> arrived_;
    /// For each event, what those who arrived knew.
    std::vector<int> seen_;
    std::vector<int> updated_;
    /// For each replica the collective operation that it has just taken part in.
    std::vector<int> open_collective_;
    /// For each exchange whether it was started, and where its end was seen.
    struct end_of_exchange {
        int stream = -1, place = 0;
    };
    std::vector<char> started_;
    std::vector<end_of_exchange> ended_;
    std::vector<int> last_use_, last_state_use_;
};

} // namespace detail

/// Whether schedules, one for each replica, come to an end, and in an order in which every value is written before it is
/// read. The plan's own schedule is the same for all: they agree on the order of whatever they do together.
constexpr plan_fault find_schedule_fault(plan const& p, std::span<step_schedule_view const> schedules) {
    return detail::schedule_walk(p, schedules).run();
}
constexpr plan_fault find_schedule_fault(plan const& p) {
    if (p.steps.compute.empty()) return {};
    std::vector<step_schedule_view> const same(static_cast<std::size_t>(p.settings.replicas), p.steps);
    return find_schedule_fault(p, same);
}

} // namespace lockstep
