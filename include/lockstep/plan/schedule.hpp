// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/bucket.hpp>
#include <lockstep/plan/command.hpp>
#include <lockstep/plan/settings.hpp>
#include <lockstep/program/program.hpp>

#include <utility>
#include <vector>

namespace lockstep {

namespace detail {

/// Writes the schedule of a training step. Plan is a plan without one.
template <class Plan>
class schedule_builder {
public:
    constexpr explicit schedule_builder(Plan const& p) : plan_(&p) {}

    constexpr step_schedule build() {
        if (across()) {
            header_ = add_exchange(exchange_kind::header);
            results_ = add_exchange(exchange_kind::results);
            losses_there_ = add_event();
            results_known_ = add_event(1);
        }
        states_complete_after_ = last_touch_of_states();
        if (states_complete_after_ >= 0) observed_ = add_event();
        for (std::size_t b = 0; b < plan_->buckets.size(); ++b) ready_.push_back(add_event());
        int const updated = add_event();

        write_compute();
        if (across()) share_results();
        if (observed_ >= 0) write_merge();
        if (across()) write_exchanged_buckets();
        else write_buckets();
        update(command_kind::arrive, updated);
        compute(command_kind::wait, updated);
        return std::move(result_);
    }

private:
    /// A place in a pass where it stops: before operation `at`.
    struct mark {
        int at = 0;
        enum { arrive, results, collective } why = arrive;
        int event = -1;
    };

    constexpr bool across() const { return plan_->settings.across_processes; }
    constexpr int buckets() const { return static_cast<int>(plan_->buckets.size()); }

    static constexpr command of(command_kind kind, int index, bool leader_only = false) {
        command c;
        c.kind = kind;
        c.index = index;
        c.leader_only = leader_only;
        return c;
    }
    constexpr void compute(command_kind kind, int index) { result_.compute.push_back(of(kind, index)); }
    constexpr void update(command_kind kind, int index) { result_.update.push_back(of(kind, index)); }
    constexpr void lead(std::vector<command>& stream, command_kind kind, int index) {
        stream.push_back(of(kind, index, true));
    }
    /// At which all replicas arrive, or one of them.
    constexpr int add_event(int arrivals = 0) {
        result_.events.push_back(arrivals > 0 ? arrivals : plan_->settings.replicas);
        return static_cast<int>(result_.events.size()) - 1;
    }
    constexpr int add_exchange(exchange_kind kind, int index = -1) {
        result_.exchanges.push_back({kind, index});
        return static_cast<int>(result_.exchanges.size()) - 1;
    }

    /// The operation after which states may change, all have been observed and nobody reads them; -1 where nothing is
    /// observed. Not within the forward pass: where that fails, of a batch that it cannot take, the model stays as it is.
    constexpr int last_touch_of_states() const {
        int last = plan_->forward_count - 1;
        bool observes = false;
        auto const is_state = [&](int index, buffer_kind kind) {
            buffer const& b = plan_->buffers[index];
            return b.kind == kind && plan_->parameters[b.parameter].observed;
        };
        for (std::size_t i = 0; i < plan_->operations.size(); ++i) {
            operation const& op = plan_->operations[i];
            bool const writes = is_state(op.result, buffer_kind::gradient);
            bool reads = false;
            for (int k = 0; k < op.operand_count; ++k)
                reads = reads || is_state(op.operands[k], buffer_kind::parameter);
            observes = observes || writes;
            int const end = static_cast<int>(i) + op.has_tail;
            if ((writes || reads) && end > last) last = end;
        }
        return observes ? last : -1;
    }

    /// The passes. Shards of a replica run one after the other, in one memory; only where they meet in collective
    /// operations do they advance together.
    constexpr void write_compute() {
        std::vector<mark> inner, last;
        bool together = false;
        if (across()) lead(result_.compute, command_kind::start, header_);
        for (std::size_t i = 0; i < plan_->operations.size(); ++i)
            if (plan_->operations[i].facts.is_collective && !plan_->settings.is_one_shard()) {
                insert(last, {static_cast<int>(i), mark::collective});
                together = true;
            }
        insert(inner, {plan_->forward_count, mark::results});
        insert(last, {plan_->forward_count, mark::results, losses_there_});
        for (int b = 0; b < buckets(); ++b)
            insert(last, {plan_->buckets[b].complete_after() + 1, mark::arrive, ready_[b]});
        if (observed_ >= 0) insert(last, {states_complete_after_ + 1, mark::arrive, observed_});

        int const shards = plan_->settings.shards / plan_->settings.replicas;
        for (int s = 0; s + 1 < shards && !together; ++s) write_passes(s, s + 1, inner);
        write_passes(together ? 0 : shards - 1, shards, last);
    }

    /// Marks by place, and at one place arrivals first: they are for what precedes it.
    static constexpr void insert(std::vector<mark>& marks, mark const& m) {
        marks.push_back(m);
        for (std::size_t i = marks.size() - 1; i > 0; --i) {
            bool const before = m.at < marks[i - 1].at || (m.at == marks[i - 1].at && m.why < marks[i - 1].why);
            if (!before) return;
            marks[i] = marks[i - 1];
            marks[i - 1] = m;
        }
    }

    constexpr void write_passes(int first_shard, int last_shard, std::vector<mark> const& marks) {
        auto const shards = [&](command_kind kind, int first = 0, int last = 0) {
            result_.compute.push_back({kind, false, -1, first, last, first_shard, last_shard});
        };
        shards(command_kind::begin);
        int at = 0;
        for (mark const& m : marks) {
            if (m.at > at) shards(command_kind::run, at, m.at);
            at = m.at;
            if (m.why == mark::collective) {
                write_collective(at);
                ++at;
                continue;
            }
            if (m.why == mark::results) shards(command_kind::keep_results);
            if (m.event >= 0) compute(command_kind::arrive, m.event);
        }
        int const end = static_cast<int>(plan_->operations.size());
        if (end > at) shards(command_kind::run, at, end);
    }

    /// All shards meet: their values are there before anybody adds them, and are added before anybody goes on and
    /// writes where others still read.
    constexpr void write_collective(int operation) {
        auto const meet = [&] {
            int const event = add_event();
            compute(command_kind::arrive, event);
            compute(command_kind::wait, event);
        };
        meet();
        if (across()) {
            // Whether all are in this step is known before anybody waits for values of the others.
            if (!header_compared_) lead(result_.compute, command_kind::finish, header_);
            header_compared_ = true;
            int const sums = add_exchange(exchange_kind::collective, operation), there = add_event(1);
            lead(result_.compute, command_kind::pack, sums);
            lead(result_.compute, command_kind::start, sums);
            lead(result_.compute, command_kind::finish, sums);
            lead(result_.compute, command_kind::arrive, there);
            compute(command_kind::wait, there);
        }
        compute(command_kind::sum_shards, operation);
        if (!across()) meet();
    }

    constexpr void share_results() {
        update(command_kind::wait, losses_there_);
        lead(result_.update, command_kind::start, results_);
        if (!header_compared_) lead(result_.update, command_kind::finish, header_);
        lead(result_.update, command_kind::finish, results_);
        lead(result_.update, command_kind::arrive, results_known_);
        update(command_kind::wait, results_known_);
    }

    constexpr void write_merge() {
        update(command_kind::wait, observed_);
        if (across()) {
            int const states = add_exchange(exchange_kind::states), there = add_event(1);
            lead(result_.update, command_kind::pack, states);
            lead(result_.update, command_kind::start, states);
            lead(result_.update, command_kind::finish, states);
            lead(result_.update, command_kind::arrive, there);
            update(command_kind::wait, there);
        }
        update(command_kind::merge, -1);
    }

    /// Within one process a bucket is reduced and updated as soon as all replicas have its gradients and nobody reads
    /// its parameters any more.
    constexpr void write_buckets() {
        bool const in_one_pass = !plan_->settings.needs_norm;
        for (int b = 0; b < buckets(); ++b) {
            update(command_kind::wait, ready_[b]);
            update(in_one_pass ? command_kind::reduce_and_update : command_kind::reduce, b);
        }
        if (!in_one_pass) write_norm();
    }
    constexpr void write_norm() {
        meet_in_update();
        update(command_kind::measure, -1);
        meet_in_update();
        for (int b = 0; b < buckets(); ++b) update(command_kind::update, b);
    }
    constexpr void meet_in_update() {
        int const event = add_event();
        update(command_kind::arrive, event);
        update(command_kind::wait, event);
    }

    /// Over processes a bucket has three stages: the sums of this process go out, those for the own slice come in and
    /// are added, and what came of it goes to all. While one bucket's messages travel, others are in other stages; all
    /// processes start their exchanges in this order.
    constexpr void write_exchanged_buckets() {
        int const count = buckets();
        bool const gathers_means = plan_->settings.needs_norm || !plan_->settings.sharded_optimizer;
        std::vector<int> scatter, gather;
        for (int b = 0; b < count; ++b) {
            scatter.push_back(add_exchange(exchange_kind::scatter, b));
            gather.push_back(add_exchange(gathers_means ? exchange_kind::gather : exchange_kind::publish, b));
        }
        for (int turn = 0; turn < count + 2; ++turn) {
            if (int const b = turn; b < count) {
                update(command_kind::wait, ready_[b]);
                update(command_kind::reduce, b);
                meet_leader(command_kind::start, scatter[b]);
            }
            if (int const b = turn - 1; b >= 0 && b < count) {
                await(scatter[b]);
                update(command_kind::combine, b);
                if (!gathers_means) update(command_kind::update, b);
                meet_leader(command_kind::start, gather[b]);
            }
            if (int const b = turn - 2; b >= 0) {
                await(gather[b]);
                if (gathers_means && !plan_->settings.needs_norm) update(command_kind::update, b);
            }
        }
        if (!plan_->settings.needs_norm) return;
        write_norm();
        if (!plan_->settings.sharded_optimizer) return;
        for (int b = 0; b < count; ++b) {
            int const parameters = add_exchange(exchange_kind::publish, b);
            meet_leader(command_kind::start, parameters);
            await(parameters);
        }
    }
    /// When all replicas have arrived, the leader starts an exchange.
    constexpr void meet_leader(command_kind kind, int number) {
        int const there = add_event();
        update(command_kind::arrive, there);
        lead(result_.update, command_kind::wait, there);
        lead(result_.update, kind, number);
    }
    /// The leader sees an exchange end, and tells the others.
    constexpr void await(int number) {
        int const ended = add_event(1);
        lead(result_.update, command_kind::finish, number);
        lead(result_.update, command_kind::arrive, ended);
        update(command_kind::wait, ended);
    }

    Plan const* plan_;
    step_schedule result_;
    std::vector<int> ready_;
    int header_ = -1, results_ = -1, losses_there_ = -1, results_known_ = -1;
    bool header_compared_ = false;
    int states_complete_after_ = -1, observed_ = -1;
};

} // namespace detail

/// The schedule of a plan's training step; of an evaluation or inference there is none.
template <class Plan>
constexpr step_schedule plan_schedule(Plan const& p) {
    if (p.buckets.empty() || p.forward_count == static_cast<int>(p.operations.size())) return {};
    return detail::schedule_builder<Plan>(p).build();
}

} // namespace lockstep
