// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/event.hpp>
#include <lockstep/parallel/exchanges.hpp>
#include <lockstep/parallel/execute.hpp>
#include <lockstep/parallel/failure.hpp>
#include <lockstep/parallel/merge.hpp>
#include <lockstep/parallel/shard_passes.hpp>
#include <lockstep/parallel/team.hpp>
#include <lockstep/parallel/timeline.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/train/evaluation.hpp>
#include <lockstep/train/step_call.hpp>
#include <lockstep/train/update.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace lockstep::detail {

/// A training step as the plan has it: passes, exchanges and updates in their memory, and what each command of the
/// schedule does. Plan is the static_plan of a training step.
template <class T, class Optimizer, class Options, class Plan, class Group>
class training_step {
public:
    static constexpr plan p = Plan::value;
    static constexpr int replicas = p.settings.replicas;
    static constexpr bool across = p.settings.across_processes;
    /// run() returns when the step is done.
    static constexpr bool is_deferred = false;
    using update_type = parameter_update<T, Optimizer, Options, Plan>;
    using passes_type = shard_passes<T, Plan>;

    /// Set before the replicas start.
    using call = step_call<p.settings.shards>;

    template <class Parallel>
    training_step(Parallel& on, Optimizer const& optimizer, Options const& options)
        : team_(&on.team()), parameters_(on.parameters()),
          update_(parameters_, optimizer, options, on.processes().rank(), on.processes().size()),
          passes_(*team_, reinterpret_cast<std::byte*>(parameters_), on.share()), events_(p.steps.events) {
        team_->run([&](int r) { update_.clear(r); });
        if constexpr (across) exchanges_.emplace(on.processes(), on.tree(), passes_, parameters_);
        if constexpr (Options::records)
            recorder_.emplace(replicas, options.recorded.steps,
                              2 * (p.steps.compute.size() + p.steps.update.size()) +
                                  static_cast<std::size_t>(on.share().count) * p.operations.size());
    }

    Optimizer& optimizer() { return update_.optimizer(); }
    double norm() const { return update_.norm(); }
    T* state(int index) const { return update_.state(index); }
    passes_type& passes() { return passes_; }
    step_failure& failure() { return failure_; }
    step_recorder const& recorder() const { return *recorder_; }

    /// The mean gradient takes the place of the first shard's.
    T* mean_gradient() const { return passes_.gradient(0); }

    /// Sums over the shards of all processes of one of their results.
    double sum(double shard_result::*value) {
        if constexpr (across) return exchanges_->sum([&](int s) { return passes_.result(s).*value; });
        else return sum_over_shards<p.settings.shards>([&](int s) { return passes_.result(s).*value; });
    }
    /// Those of all shards of the last batch.
    std::vector<shard_result> const& results() { return passes_.results(); }
    void set_results(std::vector<shard_result> const& results) {
        std::ranges::copy(results, passes_.results().begin());
        if constexpr (across) exchanges_->count_results();
    }
    /// Nanoseconds that a replica has waited for others, in all steps.
    std::int64_t waited(int replica) const { return waited_[static_cast<std::size_t>(replica)].nanoseconds; }

    // ---- a step as a whole ----

    void run(call const& what) {
        call_ = &what;
        events_.begin_round();
        if constexpr (across) exchanges_->set_header(what.header);
        team_->run([&](int r) { replica_execution<training_step>(p.steps, r, *this).run(); });
        if constexpr (Options::records) recorder_->end_step();
        failure_.rethrow();
    }

    // What replica_execution asks for.
    auto& events() { return events_; }
    void waited(command const& c, int r, bool in_update_stream, std::int64_t nanoseconds) {
        waited_[static_cast<std::size_t>(r)].nanoseconds += nanoseconds;
        if constexpr (Options::records)
            if (nanoseconds > 0) {
                std::int64_t const end = step_recorder::now();
                recorder_->add(r, {end - nanoseconds, end, 0, c.kind, c.index, -1, in_update_stream});
            }
    }
    bool has_finished(int exchange) {
        bool finished = true;
        if constexpr (across)
            failure_.guard(0, [&] { finished = exchanges_->has_finished(exchange); }, [&] { return name_of_exchange(exchange); });
        return finished || failure_.has_failed();
    }
    std::int64_t finish(int exchange) {
        std::int64_t const start = step_recorder::now();
        if constexpr (across)
            failure_.guard(0, [&] { exchanges_->finish(exchange); }, [&] { return name_of_exchange(exchange); });
        return step_recorder::now() - start;
    }

    template <class Between>
    void perform(command const& c, int r, Between const& between) {
        if (c.kind == command_kind::arrive) return events_.arrive(c.index);
        if (c.kind == command_kind::wait || c.kind == command_kind::finish) return;
        std::int64_t const begin = Options::records ? step_recorder::now() : 0;
        int at = -1;
        failure_.guard(r, [&] { carry_out(c, r, between, at); },
                       [&] { return at >= 0 ? name_of_operation(p, at) : name_of_command(c); });
        if constexpr (Options::records)
            if (c.kind != command_kind::run) record_command(r, c, begin);
    }

    // ---- its parts, for loops of one's own ----

    void forward(call const& what) {
        begin_part(what);
        passes_.keep_all_shards();
        team_->run([&](int r) {
            for_own_shards(r, [&](int s) { passes_.begin(passes_.own_memory_of(s), s, what.inputs[s]); });
            run_part(r, 0, p.forward_count);
            for_own_shards(r, [&](int s) { passes_.keep_result(passes_.own_memory_of(s), s); });
        });
        failure_.rethrow();
        if constexpr (across) {
            exchanges_->exchange_one(exchange_kind::results);
            if constexpr (observes()) exchanges_->exchange_one(exchange_kind::states);
        }
        if constexpr (observes()) team_->run([&](int r) { merge(r); });
    }
    void backward() {
        team_->run([&](int r) { run_part(r, p.forward_count, static_cast<int>(p.operations.size())); });
        failure_.rethrow();
    }
    void reduce(call const& what) {
        begin_part(what);
        reduce_buckets(what);
    }
    void update(call const& what) {
        begin_part(what);
        if (!what.accumulation.waits) update_buckets(what);
    }
    /// With what earlier batches have left, and no new one.
    void update_with_accumulated(call const& what) {
        begin_part(what);
        // A batch of no samples: its sums are 0.
        for (shard_result& each : passes_.results()) each = {};
        team_->run([&](int r) {
            for (int s = passes_.first_shard(r); s < passes_.first_shard(r + 1); ++s)
                std::fill_n(passes_.gradient(s), p.parameter_elements, T{});
        });
        if constexpr (across) exchanges_->exchange_one(exchange_kind::results);
        reduce_buckets(what);
        update_buckets(what);
    }
    /// After an evaluation of own shards: their results to all processes.
    void share_results(call const& what) {
        begin_part(what);
        if constexpr (across) exchanges_->exchange_one(exchange_kind::results);
    }

    /// The optimizer's values of all processes, laid out like all parameters.
    std::vector<T> read_state(int index) {
        std::vector<T> all(static_cast<std::size_t>(p.trained_elements));
        if constexpr (p.settings.sharded_optimizer) update_.read_kept(index, all.data(), [&](bucket const& b, T* values) {
            exchanges_->gather_slices(b, values);
        });
        else std::copy_n(update_.state(index), p.trained_elements, all.data());
        return all;
    }
    void write_state(int index, std::span<T const> values) { update_.write_kept(index, values); }

private:
    static constexpr bool observes() {
        for (program_parameter const& each : p.parameters)
            if (each.observed) return true;
        return false;
    }

    template <class Between>
    void carry_out(command const& c, int r, Between const& between, int& at) {
        switch (c.kind) {
        case command_kind::begin:
            return passes_.for_shards(c, r, [&](int s) { passes_.begin(passes_.memory_of(r, s), s, call_->inputs[s]); });
        case command_kind::run:
            return passes_.for_shards(c, r, [&](int s) { run_operations(r, s, c.first, c.last, between, at); });
        case command_kind::keep_results:
            return passes_.for_shards(c, r, [&](int s) { passes_.keep_result(passes_.memory_of(r, s), s); });
        case command_kind::sum_shards: return add_shards(r, c.index);
        case command_kind::merge: return merge(r);
        case command_kind::reduce:
            if constexpr (across) return exchanges_->reduce(update_.share(p.buckets[c.index], r));
            else return update_.reduce(r, c.index, passes_.gradients(), divisor(), mean_gradient(), call_->accumulation);
        case command_kind::combine: return combine(r, c.index);
        case command_kind::reduce_and_update:
            if constexpr (!across && !Options::clip_type::needs_norm)
                update_.in_one_pass(r, c.index, passes_.gradients(), divisor(), call_->updates, call_->accumulation);
            return;
        case command_kind::measure:
            if (!call_->accumulation.waits) update_.measure(r, mean_gradient());
            return;
        case command_kind::update:
            if (!call_->accumulation.waits) update_.from_mean(r, c.index, mean_gradient(), call_->updates);
            return;
        case command_kind::pack:
            if constexpr (across) exchanges_->pack(c.index);
            return;
        case command_kind::start:
            if constexpr (across) exchanges_->start(c.index);
            return;
        default: return;
        }
    }

    template <class Between>
    void run_operations(int r, int shard, int first, int last, Between const& between, int& at) {
        if constexpr (Options::records) {
            std::int64_t begin = step_recorder::now();
            passes_.run(r, shard, first, last, [&] {
                std::int64_t const end = step_recorder::now();
                recorder_->add(r, {begin, end, 0, command_kind::run, at, passes_.share().first + shard, false});
                between();
                begin = step_recorder::now();
            }, at);
        } else passes_.run(r, shard, first, last, between, at);
    }
    void record_command(int r, command const& c, std::int64_t begin) {
        bool const in_update = c.kind == command_kind::merge || c.kind == command_kind::reduce ||
                               c.kind == command_kind::combine || c.kind == command_kind::reduce_and_update ||
                               c.kind == command_kind::measure || c.kind == command_kind::update || c.kind == command_kind::start;
        recorder_->add(r, {begin, step_recorder::now(), 0, c.kind, c.index, -1, in_update});
    }

    void add_shards(int r, int operation) {
        if constexpr (across) exchanges_->add_shards(r, operation);
        else passes_.add_shards(r, p.operations[operation]);
    }
    void merge(int r) {
        if constexpr (across) exchanges_->merge_states(r, parameters_);
        else if constexpr (observes())
            merge_states<p.settings.shards>(p, passes_.gradients(), [&](int s) { return passes_.samples(s); }, parameters_, r);
    }
    void combine(int r, int b) {
        if constexpr (across)
            exchanges_->combine(r, b, update_.share(exchanges_->own_slice(p.buckets[b]), r),
                                [&](std::int64_t first, T const* sums, std::int64_t count) {
                                    update_.reduce({first, first + count}, [=](std::int64_t i) { return sums[i - first]; },
                                                   divisor(), mean_gradient(), call_->accumulation);
                                });
    }
    /// What the samples count whose gradients an update is the mean of.
    T divisor() const {
        if (call_->is_sum) return T{1};
        double sum = 0.0;
        if constexpr (across) sum = exchanges_->divisor();
        else sum = sum_over_shards<p.settings.shards>([&](int s) { return passes_.result(s).divisor; });
        return static_cast<T>(call_->accumulated_divisor + sum);
    }

    // Parts.

    void begin_part(call const& what) {
        call_ = &what;
        if constexpr (across) exchanges_->agree(what.header);
    }
    void reduce_buckets(call const& what) {
        if constexpr (across) {
            for_all_buckets([&](int r, int b) { exchanges_->reduce(update_.share(p.buckets[b], r)); });
            exchanges_->exchange_all(exchange_kind::scatter);
            for_all_buckets([&](int r, int b) { combine(r, b); });
            if (what.accumulation.waits) return;
            exchanges_->exchange_all(exchange_kind::gather);
        } else {
            for_all_buckets([&](int r, int b) {
                update_.reduce(r, b, passes_.gradients(), divisor(), mean_gradient(), what.accumulation);
            });
        }
        if constexpr (Options::clip_type::needs_norm)
            if (!what.accumulation.waits) team_->run([&](int r) { update_.measure(r, mean_gradient()); });
    }
    void update_buckets(call const& what) {
        for_all_buckets([&](int r, int b) { update_.from_mean(r, b, mean_gradient(), what.updates); });
        if constexpr (p.settings.sharded_optimizer) exchanges_->exchange_all(exchange_kind::publish);
    }
    template <class Work>
    void for_all_buckets(Work const& work) {
        team_->run([&](int r) {
            for (int b = 0; b < static_cast<int>(p.buckets.size()); ++b) work(r, b);
        });
    }
    template <class Work>
    void for_own_shards(int r, Work const& work) {
        failure_.guard(r, [&] {
            for (int s = passes_.first_shard(r); s < passes_.first_shard(r + 1); ++s) work(s);
        }, [] { return std::string("the begin of a pass"); });
    }
    /// Operations first to last - 1 of all own shards, with all replicas at each that is collective.
    void run_part(int r, int first, int last) {
        for (int at = first; at <= last; ++at) {
            bool const meets = passes_type::meets && at < last && p.operations[at].facts.is_collective;
            if (at < last && !meets) continue;
            int failed_at = first;
            failure_.guard(r, [&] {
                for (int s = passes_.first_shard(r); s < passes_.first_shard(r + 1); ++s)
                    if (passes_.takes_part(s)) passes_.own_memory_of(s).run(first, at, [] {}, failed_at);
            }, [&] { return name_of_operation(p, failed_at); });
            first = at + 1;
            if (!meets) continue;
            team_->synchronize();
            if constexpr (across) {
                if (r == 0) failure_.guard(r, [&] { exchanges_->exchange_one(exchange_kind::collective, at); }, [&] { return name_of_operation(p, at); });
                team_->synchronize();
            }
            failure_.guard(r, [&] { add_shards(r, at); }, [&] { return name_of_operation(p, at); });
            // Nobody goes on and writes where others still read.
            team_->synchronize();
        }
    }

    static std::string name_of_command(command const& c) {
        switch (c.kind) {
        case command_kind::merge: return "the merge of states";
        case command_kind::reduce:
        case command_kind::combine: return "the reduction of bucket " + std::to_string(c.index);
        case command_kind::reduce_and_update:
        case command_kind::update: return "the update of bucket " + std::to_string(c.index);
        case command_kind::start: return name_of_exchange(c.index);
        default: return "command " + std::to_string(static_cast<int>(c.kind));
        }
    }
    static std::string name_of_exchange(int index) {
        static constexpr char const* names[] = {"step headers", "losses", "states", "sums", "gradients", "mean gradients", "parameters"};
        exchange const& e = p.steps.exchanges[index];
        std::string text = std::string("the exchange of ") + names[static_cast<int>(e.kind)];
        if (e.kind == exchange_kind::collective) text += " for operation " + std::to_string(e.index);
        else if (e.index >= 0) text += " of bucket " + std::to_string(e.index);
        return text;
    }

    struct alignas(memory_alignment) waiting {
        std::int64_t nanoseconds = 0;
    };

    lockstep::team* team_;
    T* parameters_;
    update_type update_;
    passes_type passes_;
    event_counters<p.steps.events.size()> events_;
    std::optional<std::conditional_t<across, step_exchanges<T, Plan, Group>, int>> exchanges_;
    std::optional<step_recorder> recorder_;
    step_failure failure_;
    std::array<waiting, static_cast<std::size_t>(replicas)> waited_{};
    call const* call_ = nullptr;
};

/// Who carries out a trainer's steps and evaluations on its model's devices: `step` and `evaluations`, for the plans of a
/// training step and of an evaluation.
template <class Parallel>
struct carried_out_on {
    template <class Optimizer, class Options, class Training>
    using step = training_step<typename Parallel::element, Optimizer, Options, Training, typename Parallel::group_type>;
    template <class Evaluating>
    using evaluations = shard_evaluations<typename Parallel::element, Evaluating>;
};

} // namespace lockstep::detail
