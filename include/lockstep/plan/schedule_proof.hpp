// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/command_proof.hpp>
#include <lockstep/plan/fault.hpp>
#include <lockstep/plan/pass_proof.hpp>
#include <lockstep/plan/plan.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace lockstep {

namespace detail {

/// Carries out the replicas' schedules without computing anything, each stream as a thread of its own that knows, for
/// every other stream, how far that has come for certain: what a stream knows it learns at events alone (vector
/// clocks; Fidge 1988, Mattern 1989). A command is in order when its stream knows that everything it reads has been
/// written, and that everything it writes over has been read.
///
/// An event has exactly as many arrivals as it needs, so whoever has waited for it knows what all who arrived knew, in
/// whatever order streams are carried out: one walk speaks for all.
class schedule_walk {
public:
    /// One schedule for each replica; events and exchanges are the plan's.
    constexpr schedule_walk(plan const& p, std::span<step_schedule_view const> schedules)
        : plan_(&p), schedules_(schedules), replicas_(static_cast<int>(schedules.size())), streams_(2 * replicas_),
          next_(streams_, 0), known_(streams_ * streams_, 0), arrived_(p.steps.events.size(), 0),
          seen_(p.steps.events.size() * streams_, 0), open_collective_(replicas_, -1),
          packed_(p.steps.exchanges.size()), started_(packed_.size()), ended_(packed_.size()),
          reduced_(p.buckets.size() * replicas_), combined_(reduced_.size()), updated_(reduced_.size()),
          measured_(replicas_), merged_(replicas_) {}

    // nvcc takes one that is declared implicitly for no constant expression.
    constexpr ~schedule_walk() = default;

    constexpr plan_fault run() {
        if (plan_fault const f = follow_passes()) return f;
        if (plan_fault const f = command_count(*plan_, schedules_).find_fault()) return f;
        for (bool advanced = true; advanced;) {
            advanced = false;
            for (int s = 0; s < streams_; ++s)
                while (next_[s] < size_of(s) && can_go_on(s)) {
                    if (plan_fault const f = carry_out(s)) return f;
                    known_[s * streams_ + s] = ++next_[s];
                    advanced = true;
                }
        }
        return what_is_left();
    }

private:
    /// A command that was carried out: `place` commands of a stream.
    struct stamp {
        int stream = -1;
        int place = 0;
    };

    constexpr std::span<command const> commands(int stream) const { return commands_of(schedules_, stream); }
    constexpr int size_of(int stream) const { return static_cast<int>(commands(stream).size()); }
    constexpr bool across() const { return plan_->settings.across_processes; }
    constexpr bool gathers_means() const { return plan_->settings.needs_norm || !plan_->settings.sharded_optimizer; }

    constexpr plan_fault follow_passes() {
        last_uses const uses(*plan_);
        for (int r = 0; r < replicas_; ++r) {
            // Most often all replicas have the same ones.
            if (r > 0 && commands(2 * r).data() == commands(0).data()) {
                passes_.push_back(passes_[0]);
                continue;
            }
            pass_walk passes(*plan_, uses, commands(2 * r));
            if (plan_fault const f = passes.run()) return f;
            passes_.push_back(passes.places());
        }
        return {};
    }

    constexpr bool can_go_on(int stream) const {
        command const& c = commands(stream)[next_[stream]];
        return c.kind != command_kind::wait || is_for_others(stream, c) ||
               arrived_[c.index] >= plan_->steps.events[c.index];
    }

    constexpr plan_fault carry_out(int stream) {
        command const& c = commands(stream)[next_[stream]];
        if (is_for_others(stream, c)) return {};
        int* const own = &known_[stream * streams_];
        int const replica = stream / 2;
        stamp const here{stream, next_[stream] + 1};
        switch (c.kind) {
        case command_kind::arrive:
            ++arrived_[c.index];
            for (int s = 0; s < streams_; ++s) raise(seen_[c.index * streams_ + s], own[s]);
            return {};
        case command_kind::wait:
            for (int s = 0; s < streams_; ++s) raise(own[s], seen_[c.index * streams_ + s]);
            return {};
        case command_kind::begin:
        case command_kind::run: return end_collective(own, replica);
        case command_kind::sum_shards: return sum_shards(own, replica, c.index);
        case command_kind::pack: return pack(own, c.index, here);
        case command_kind::start: return start(own, c.index, here);
        case command_kind::finish:
            if (!knows(own, started_[c.index])) return {plan_rule::exchange_is_read_after_its_end, c.index};
            ended_[c.index] = here;
            return {};
        case command_kind::reduce: return reduce(own, replica, c.index, here);
        case command_kind::combine: return combine(own, replica, c.index, here);
        case command_kind::reduce_and_update: return reduce_and_update(own, replica, c.index, here);
        case command_kind::measure: return measure(own, replica, here);
        case command_kind::update: return update(own, replica, c.index, here);
        case command_kind::merge: return merge(own, replica, here);
        case command_kind::keep_results: return {};
        }
        return {};
    }

    /// All shards' values are there before anybody adds them, and are added before anybody goes on and writes over
    /// them. Over processes the leader adds those of this one, and everybody gets what came of it.
    constexpr plan_fault sum_shards(int const* own, int replica, int operation) {
        if (plan_fault const f = end_collective(own, replica)) return f;
        if (across()) {
            if (plan_fault const f = needs_end(own, exchange_kind::collective, operation)) return f;
        } else if (!knows_operands(own, operation)) return {plan_rule::collective_reads_after_writes, operation};
        open_collective_[replica] = operation;
        return {};
    }
    constexpr bool knows_operands(int const* own, int operation) const {
        for (int r = 0; r < replicas_; ++r)
            if (own[2 * r] < passes_[r].of(operation)->written) return false;
        return true;
    }
    constexpr plan_fault end_collective(int const* own, int replica) {
        int const operation = open_collective_[replica];
        open_collective_[replica] = -1;
        if (operation < 0) return {};
        bool known = true;
        if (across()) known = knows(own, packed_[number_of(exchange_kind::collective, operation)]);
        else
            for (int r = 0; r < replicas_; ++r) known = known && own[2 * r] >= passes_[r].of(operation)->read;
        if (!known) return {plan_rule::collective_ends_before_next_write, operation};
        return {};
    }

    constexpr plan_fault pack(int const* own, int number, stamp here) {
        exchange const& e = plan_->steps.exchanges[number];
        if (e.kind == exchange_kind::collective && (passes_[0].of(e.index) == nullptr || !knows_operands(own, e.index)))
            return {plan_rule::collective_reads_after_writes, e.index};
        if (e.kind == exchange_kind::states)
            for (int r = 0; r < replicas_; ++r)
                if (own[2 * r] < passes_[r].state_uses) return {plan_rule::state_is_merged_after_its_reads, r};
        packed_[number] = here;
        return {};
    }
    /// What is sent is there.
    constexpr plan_fault start(int const* own, int number, stamp here) {
        exchange const& e = plan_->steps.exchanges[number];
        bool ready = true;
        switch (e.kind) {
        case exchange_kind::header: break;
        case exchange_kind::results: ready = knows_results(own); break;
        case exchange_kind::states:
        case exchange_kind::collective: ready = knows(own, packed_[number]); break;
        case exchange_kind::scatter: ready = knows_all(own, reduced_, e.index); break;
        // It takes the place of what was scattered, which has ended where anything is combined.
        case exchange_kind::gather: ready = knows_all(own, combined_, e.index); break;
        case exchange_kind::publish: ready = knows_all(own, updated_, e.index); break;
        }
        if (!ready) return {plan_rule::exchange_sends_what_is_there, number};
        started_[number] = here;
        return {};
    }

    constexpr plan_fault reduce(int const* own, int replica, int bucket, stamp here) {
        if (!knows_uses(own, bucket)) return {plan_rule::gradient_is_reduced_after_its_write, bucket};
        // In one process a mean comes of it, by what all shards count; over processes what is combined.
        if (!across() && !knows_results(own)) return {plan_rule::mean_counts_all_samples, bucket};
        return do_once(reduced_, replica, bucket, here, plan_rule::bucket_is_reduced_once);
    }
    constexpr plan_fault combine(int const* own, int replica, int bucket, stamp here) {
        if (plan_fault const f = needs_end(own, exchange_kind::scatter, bucket)) return f;
        if (plan_fault const f = needs_end(own, exchange_kind::results, -1)) return f;
        return do_once(combined_, replica, bucket, here, plan_rule::bucket_is_reduced_once);
    }
    constexpr plan_fault reduce_and_update(int const* own, int replica, int bucket, stamp here) {
        // Other processes' gradients or the norm of all are missing.
        if (across() || plan_->settings.needs_norm) return {plan_rule::bucket_is_reduced_before_its_update, bucket};
        if (!knows_uses(own, bucket)) return {plan_rule::parameter_is_updated_after_its_reads, bucket};
        if (!knows_results(own)) return {plan_rule::mean_counts_all_samples, bucket};
        if (plan_fault const f = do_once(updated_, replica, bucket, here, plan_rule::bucket_is_updated_once))
            return f;
        return do_once(reduced_, replica, bucket, here, plan_rule::bucket_is_reduced_once);
    }
    /// A replica's part of the norm is no part of its slices, so all mean gradients are there.
    constexpr plan_fault measure(int const* own, int replica, stamp here) {
        for (int b = 0; b < static_cast<int>(plan_->buckets.size()); ++b) {
            if (!knows_all(own, across() ? combined_ : reduced_, b)) return {plan_rule::norm_is_of_all_gradients, b};
            if (!across()) continue;
            if (plan_fault const f = needs_end(own, exchange_kind::gather, b)) return f;
        }
        measured_[replica] = here;
        return {};
    }
    constexpr plan_fault update(int const* own, int replica, int bucket, stamp here) {
        if (!knows_uses(own, bucket)) return {plan_rule::parameter_is_updated_after_its_reads, bucket};
        if (!knows(own, (across() ? combined_ : reduced_)[bucket * replicas_ + replica]))
            return {plan_rule::bucket_is_reduced_before_its_update, bucket};
        if (across() && gathers_means())
            if (plan_fault const f = needs_end(own, exchange_kind::gather, bucket)) return f;
        if (plan_->settings.needs_norm && !knows_all(own, measured_, 0))
            return {plan_rule::norm_is_of_all_gradients, bucket};
        return do_once(updated_, replica, bucket, here, plan_rule::bucket_is_updated_once);
    }
    constexpr plan_fault merge(int const* own, int replica, stamp here) {
        for (int r = 0; r < replicas_; ++r)
            if (own[2 * r] < passes_[r].state_uses) return {plan_rule::state_is_merged_after_its_reads, r};
        if (across()) {
            if (plan_fault const f = needs_end(own, exchange_kind::states, -1)) return f;
            // With them come the numbers of samples.
            if (plan_fault const f = needs_end(own, exchange_kind::results, -1)) return f;
        }
        if (merged_[replica].stream >= 0) return {plan_rule::state_is_merged_once, replica};
        merged_[replica] = here;
        return {};
    }

    // ---- what a stream knows ----

    static constexpr bool knows(int const* own, stamp const& what) {
        return what.stream >= 0 && own[what.stream] >= what.place;
    }
    /// That all replicas have done something, for a bucket.
    constexpr bool knows_all(int const* own, std::vector<stamp> const& done, int bucket) const {
        for (int r = 0; r < replicas_; ++r)
            if (!knows(own, done[bucket * replicas_ + r])) return false;
        return true;
    }
    constexpr bool knows_uses(int const* own, int bucket) const {
        for (int r = 0; r < replicas_; ++r)
            if (own[2 * r] < passes_[r].bucket_uses[bucket]) return false;
        return true;
    }
    constexpr bool knows_results(int const* own) const {
        for (int r = 0; r < replicas_; ++r)
            if (own[2 * r] < passes_[r].results) return false;
        return true;
    }
    constexpr int number_of(exchange_kind kind, int index) const {
        int const count = static_cast<int>(plan_->steps.exchanges.size());
        for (int e = 0; e < count; ++e)
            if (plan_->steps.exchanges[e].kind == kind && plan_->steps.exchanges[e].index == index) return e;
        return count;
    }
    /// The end of an exchange has been seen. Where the plan has none, that is as bad: `where` is behind the last one.
    constexpr plan_fault needs_end(int const* own, exchange_kind kind, int index) const {
        int const number = number_of(kind, index);
        if (number < static_cast<int>(ended_.size()) && knows(own, ended_[number])) return {};
        return {plan_rule::exchange_is_read_after_its_end, number};
    }
    constexpr plan_fault do_once(std::vector<stamp>& done, int replica, int bucket, stamp here, plan_rule rule) const {
        stamp& mine = done[bucket * replicas_ + replica];
        if (mine.stream >= 0) return {rule, bucket};
        mine = here;
        return {};
    }

    // ---- the end ----

    constexpr plan_fault what_is_left() const {
        // Who waits at its very end only waits for those who wait before.
        for (int from_end : {2, 1})
            for (int s = 0; s < streams_; ++s)
                if (next_[s] + from_end <= size_of(s)) return {plan_rule::schedules_come_to_an_end, next_[s]};
        bool observes = false;
        for (program_parameter const& each : plan_->parameters) observes = observes || each.observed;
        for (int r = 0; r < replicas_; ++r) {
            for (std::size_t b = 0; b < plan_->buckets.size(); ++b)
                if (updated_[b * replicas_ + r].stream < 0)
                    return {plan_rule::bucket_is_updated_once, static_cast<int>(b)};
            if (observes && merged_[r].stream < 0) return {plan_rule::state_is_merged_once, r};
            // The next step reads what this one writes: every pass ends with a wait for the end of all updates.
            if (commands(2 * r).back().kind != command_kind::wait) return {plan_rule::step_ends_after_its_updates, r};
            for (int q = 0; q < replicas_; ++q)
                if (known_[2 * r * streams_ + 2 * q + 1] < last_write(2 * q + 1))
                    return {plan_rule::step_ends_after_its_updates, q};
        }
        return {};
    }
    /// The place of a stream's last command that is more than an event.
    constexpr int last_write(int stream) const {
        for (int at = size_of(stream); at > 0; --at) {
            command const& c = commands(stream)[at - 1];
            if (c.kind != command_kind::arrive && c.kind != command_kind::wait && !is_for_others(stream, c)) return at;
        }
        return 0;
    }

    static constexpr void raise(int& to, int from) {
        if (from > to) to = from;
    }

    plan const* plan_;
    std::span<step_schedule_view const> schedules_;
    int replicas_, streams_;
    std::vector<pass_places> passes_;
    /// For each stream, how many commands have been carried out.
    std::vector<int> next_;
    /// For each stream, how far it knows every stream to have come.
    std::vector<int> known_;
    std::vector<int> arrived_;
    /// For each event, what those who arrived knew.
    std::vector<int> seen_;
    /// For each replica the collective operation that it has just taken part in.
    std::vector<int> open_collective_;
    /// For each exchange.
    std::vector<stamp> packed_, started_, ended_;
    /// For each bucket and replica.
    std::vector<stamp> reduced_, combined_, updated_;
    std::vector<stamp> measured_, merged_;
};

} // namespace detail

/// Whether schedules, one for each replica, come to an end, and in an order in which every value is written before it
/// is read and read before it is written again.
constexpr plan_fault find_schedule_fault(plan const& p, std::span<step_schedule_view const> schedules) {
    return detail::schedule_walk(p, schedules).run();
}
/// The same of a plan's own schedule, which all replicas carry out. Of an evaluation or inference there is none.
constexpr plan_fault find_schedule_fault(plan const& p) {
    if (p.buckets.empty() || p.forward_count == static_cast<int>(p.operations.size())) return {};
    std::vector<step_schedule_view> const same(static_cast<std::size_t>(p.settings.replicas), p.steps);
    return find_schedule_fault(p, same);
}

} // namespace lockstep
