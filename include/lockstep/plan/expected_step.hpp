// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/plan/all_reduce.hpp>
#include <lockstep/plan/duration.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/plan/topology.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace lockstep {

/// What takes a while in a step, in microseconds since the step began.
struct expected_interval {
    enum what : std::uint8_t {
        operation, ///< a call in a pass: an operation, with its tail where it has one
        work,      ///< any other command
        waiting,   ///< a replica waits for others
        exchange   ///< messages of this process and to it are on their way
    };
    what kind = work;
    /// -1: of the process.
    int replica = -1;
    bool in_update_stream = false;
    command by;
    /// Of an operation: its number, and the shard, counted from the replica's first.
    int number = -1;
    int shard = -1;
    double begin = 0.0;
    double end = 0.0;
};
struct expected_arrival {
    int event = -1;
    int replica = -1;
    double time = 0.0;
};

/// A schedule carried out in expected times.
struct expected_step {
    std::vector<expected_interval> intervals;
    std::vector<expected_arrival> arrivals;
    double end = 0.0;
};

namespace detail {

/// Always goes on with the stream that can do so first, so that whatever an event depends on has happened before
/// anybody looks. Where reducing and computing take turns, one thread carries out both streams of a replica: updates
/// between two operations of a pass, or when it has ended.
class step_clock {
public:
    step_clock(plan const& p, topology const& t, int processes)
        : plan_(p), topology_(t), processes_(processes), streams_(2 * static_cast<std::size_t>(p.settings.replicas)),
          arrived_(p.steps.events.size(), 0), happened_(arrived_.size(), 0.0),
          exchange_end_(p.steps.exchanges.size(), never) {}

    expected_step run() {
        for (;;) {
            // At one time, what takes none comes first, and updates before the next operation.
            std::size_t first = streams_.size();
            std::pair<double, int> earliest{never, 0};
            for (std::size_t s = 0; s < streams_.size(); ++s)
                if (std::pair const at_once{ready(s), precedence(s)}; at_once < earliest) earliest = at_once, first = s;
            if (first == streams_.size()) return std::move(result_);
            perform(first, earliest.first);
            result_.end = std::max(result_.end, streams_[first].time);
        }
    }

private:
    static constexpr double never = std::numeric_limits<double>::infinity();
    struct stream {
        std::size_t next = 0;
        double time = 0.0;
        /// Within a run: of the shards and operations done so far.
        int shard = 0;
        int operation = 0;
    };

    std::span<command const> commands(std::size_t s) const {
        return s % 2 == 0 ? plan_.steps.compute : plan_.steps.update;
    }
    bool takes_turns() const { return topology_.device.reduction_share >= 1.0; }
    /// Only the wait for all updates is left.
    bool has_passed(std::size_t s) const { return streams_[s].next + 1 >= commands(s).size(); }

    double ready(std::size_t s) {
        stream& own = streams_[s];
        while (own.next < commands(s).size() && commands(s)[own.next].leader_only && s > 1) ++own.next;
        if (own.next == commands(s).size()) return never;
        command const& c = commands(s)[own.next];
        double time = own.time;
        if (c.kind == command_kind::wait)
            time = arrived_[at(c.index)] < plan_.steps.events[at(c.index)] ? never
                                                                            : std::max(time, happened_[at(c.index)]);
        if (c.kind == command_kind::finish) time = std::max(time, exchange_end_[at(c.index)]);
        if (s % 2 == 0 || !takes_turns()) return time;
        bool const pass_waits = !has_passed(s - 1) && commands(s - 1)[streams_[s - 1].next].kind == command_kind::wait;
        return std::max(time, pass_waits ? ready(s - 1) : streams_[s - 1].time);
    }
    static std::size_t at(int index) { return static_cast<std::size_t>(index); }
    int precedence(std::size_t s) const {
        if (streams_[s].next == commands(s).size()) return 0;
        switch (commands(s)[streams_[s].next].kind) {
        case command_kind::run:
        case command_kind::sum_shards: return 2;
        case command_kind::arrive:
        case command_kind::wait:
        case command_kind::start:
        case command_kind::finish: return 0;
        default: return 1;
        }
    }

    void perform(std::size_t s, double time) {
        stream& own = streams_[s];
        command const& c = commands(s)[own.next];
        int const replica = static_cast<int>(s) / 2;
        expected_interval interval{expected_interval::work, replica, s % 2 == 1, c, -1, -1, time, time};
        switch (c.kind) {
        case command_kind::wait:
        case command_kind::finish:
            interval.kind = expected_interval::waiting;
            if (s % 2 == 0) interval.begin = own.time;
            // An update that has nothing to do keeps nobody waiting, unless its thread has nothing else to do.
            else if (takes_turns() && has_passed(s - 1)) interval.begin = streams_[s - 1].time;
            break;
        case command_kind::arrive:
            result_.arrivals.push_back({c.index, replica, time});
            happened_[at(c.index)] = std::max(happened_[at(c.index)], time);
            ++arrived_[at(c.index)];
            break;
        case command_kind::start: send(c, time); break;
        case command_kind::run: return call(s, interval);
        default: interval.end = time + duration(replica, c);
        }
        if (interval.end > interval.begin || c.kind == command_kind::begin) result_.intervals.push_back(interval);
        own.time = interval.end;
        ++own.next;
        if (s % 2 == 0) return;
        double& pass = streams_[s - 1].time;
        if (takes_turns()) pass = std::max(pass, interval.end);
        else if (!has_passed(s - 1)) pass += (interval.end - time) * topology_.device.reduction_share;
    }

    /// One call of a run: for each shard all operations.
    void call(std::size_t s, expected_interval interval) {
        stream& own = streams_[s];
        command const& c = interval.by;
        std::size_t const number = at(c.first + own.operation);
        int const calls_operations = plan_.operations[number].has_tail ? 2 : 1;
        interval.kind = expected_interval::operation;
        interval.number = static_cast<int>(number);
        interval.shard = c.first_shard + own.shard;
        for (int i = 0; i < calls_operations; ++i)
            interval.end += operation_microseconds(plan_, number + at(i), topology_.device);
        result_.intervals.push_back(interval);
        own.time = interval.end;
        own.operation += calls_operations;
        if (c.first + own.operation < c.last) return;
        own.operation = 0;
        if (++own.shard < c.last_shard - c.first_shard) return;
        own.shard = 0;
        ++own.next;
    }

    /// A process has one connection: its exchanges travel one after the other, each as half an all-reduce does.
    void send(command const& c, double time) {
        exchange const& e = plan_.steps.exchanges[at(c.index)];
        double const begin = std::max(time, connection_free_);
        connection_free_ = begin + all_reduce_microseconds(topology_, processes_, bytes_of(e)) / 2;
        exchange_end_[at(c.index)] = connection_free_;
        result_.intervals.push_back({expected_interval::exchange, -1, true, c, -1, -1, begin, connection_free_});
    }
    std::int64_t bytes_of(exchange const& e) const {
        std::int64_t const element = plan_.settings.element_bytes;
        switch (e.kind) {
        case exchange_kind::header: return 64 * processes_;
        case exchange_kind::results: return 64 * plan_.settings.shards * processes_;
        case exchange_kind::states: return state_elements() * element * processes_;
        case exchange_kind::collective:
            return plan_.bytes_of(plan_.buffers[at(plan_.operations[at(e.index)].result)], 1) * processes_;
        default: return (plan_.buckets[at(e.index)].end - plan_.buckets[at(e.index)].begin) * element;
        }
    }
    std::int64_t state_elements() const { return plan_.parameter_elements - plan_.trained_elements; }

    /// Microseconds of a command, all of whose elements pass through memory so many times.
    double duration(int replica, command const& c) const {
        plan_settings const& s = plan_.settings;
        double const updates = 2.0 * (1 + s.optimizer_states), replicas = s.replicas;
        double const states = static_cast<double>(state_elements());
        switch (c.kind) {
        case command_kind::sum_shards: return pass(summed_elements(c.index), s.shards + s.shards / replicas);
        case command_kind::pack: {
            exchange const& e = plan_.steps.exchanges[at(c.index)];
            return pass(e.kind == exchange_kind::states ? states : summed_elements(e.index), s.shards + 1.0);
        }
        case command_kind::merge: return pass(states / replicas, s.shards + 2.0);
        case command_kind::measure: return pass(static_cast<double>(plan_.trained_elements) / replicas, 1.0);
        case command_kind::reduce: return pass(own_elements(replica, c.index), s.shards + 1.0);
        case command_kind::combine: return pass(own_elements(replica, c.index) / processes_, processes_ + 1.0);
        case command_kind::reduce_and_update: return pass(own_elements(replica, c.index), s.shards + updates);
        case command_kind::update:
            return pass(own_elements(replica, c.index) / (s.sharded_optimizer ? processes_ : 1), 1.0 + updates);
        default: return 0.0;
        }
    }
    double pass(double elements, double times) const {
        if (elements == 0.0) return 0.0;
        double const bytes = elements * times * plan_.settings.element_bytes;
        return topology_.device.launch + microseconds(topology_.device, 0.0, bytes);
    }
    double own_elements(int replica, int bucket) const {
        bucket_slice const own = slice_of(plan_.buckets[at(bucket)], replica, plan_.settings.replicas);
        return static_cast<double>(own.end - own.begin);
    }
    double summed_elements(int operation) const {
        return static_cast<double>(plan_.buffers[at(plan_.operations[at(operation)].result)].shape.size());
    }

    plan const& plan_;
    topology const& topology_;
    int processes_;
    std::vector<stream> streams_;
    std::vector<int> arrived_;
    std::vector<double> happened_, exchange_end_;
    double connection_free_ = 0.0;
    expected_step result_;
};

} // namespace detail

/// When what of a training step is expected to happen on the devices of a machine, one of `processes` equal ones. Full
/// batches: all replicas are equally fast. Throws usage_error for a plan without a schedule.
inline expected_step expect_step(plan const& p, topology const& t = cpu_host, int processes = 2) {
    if (p.steps.compute.empty())
        throw usage_error("expect_step: expected the plan of a training step, found one without a schedule");
    return detail::step_clock(p, t, p.settings.across_processes ? processes : 1).run();
}

} // namespace lockstep
