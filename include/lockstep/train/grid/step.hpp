// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/failure.hpp>
#include <lockstep/parallel/shard_passes.hpp>
#include <lockstep/train/grid/evaluation.hpp>
#include <lockstep/train/grid/inputs.hpp>
#include <lockstep/train/grid/states.hpp>
#include <lockstep/train/grid/work.hpp>
#include <lockstep/train/loss_scaling.hpp>
#include <lockstep/train/training_step.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace lockstep::grid {

/// A trainer's steps on devices: the work of a whole step of a certain number of samples is captured once as a graph, and
/// launched from then on, where the platform can capture it. Two places for a batch let the copies of the next one go beside
/// the step. Nothing waits for the devices but who asks for what they have computed. Plan is the static_plan of a training step.
template <class Parallel, class Optimizer, class Options, class Plan>
class training_step {
    using work = step_work<Parallel, Optimizer, Options, Plan>;
    using T = typename work::T;
    using P = typename work::P;
    using values = typename work::values;
    static constexpr plan p = Plan::value;
    static constexpr int replicas = work::replicas, shards = work::shards, own_shards = work::own_shards;
    static constexpr bool is_captured = Parallel::communicators_type::can_be_captured(replicas);
    static_assert(!Options::records, "record: a trace of devices' work is what their own tools show");

public:
    static constexpr bool is_deferred = true;
    using call = lockstep::detail::step_call<shards>;
    using shard_result = lockstep::detail::shard_result;

    training_step(Parallel& on, Optimizer const& optimizer, Options const& options)
        : model_(&on), optimizer_(optimizer), options_(options), work_(on), scaler_(options.scaling), results_(shards),
          found_(sizeof(shard_sums) * shards), mean_(static_cast<std::size_t>(p.parameter_elements)) {
    }

    training_step(training_step const&) = delete;
    training_step& operator=(training_step const&) = delete;
    /// Devices may still be at the last step, in memory that ends here.
    ~training_step() {
        try {
            inputs_.synchronize(*model_);
            work_.synchronize();
        } catch (error const&) {
            // Who asks for nothing any more learns of no failure.
        }
    }

    Optimizer& optimizer() { return optimizer_; }
    lockstep::detail::step_failure& failure() { return failure_; }
    training_step& passes() { return *this; }
    lockstep::detail::shard_share share() const { return model_->share(); }

    // ---- a step as a whole ----

    void run(call const& what) {
        guarded("the step", [&] {
            agree(what);
            typename work::batch b = batch_of(what);
            prepare_devices();
            inputs_.take(*model_, work_, told(what), what, b);
            if constexpr (is_captured) graph_of(b).launch(work_.compute(0));
            else put_into_streams(b);
            inputs_.release(work_, b.slot);
            has_changed();
            next_slot_ = 1 - next_slot_;
            has_updated_ = !b.how.waits;
        });
    }

    // ---- its parts, one after the other ----

    void forward(call const& what) {
        guarded("the forward pass", [&] {
            agree(what);
            begin_part(what);
            for_all_shards([&](int r, int s) { work_.begin(r, s, batch_); });
            run_part(0, p.forward_count);
            for_all_shards([&](int r, int s) { work_.keep_results(r, s, batch_); });
            work_.synchronize();
            if constexpr (work::across) {
                work_.add_results();
                work_.merge_all(batch_);
            } else
                for (int r = 0; r < replicas; ++r) work_.merge(r, batch_);
            work_.synchronize();
            has_changed();
            fetch_results();
        });
    }
    void backward() {
        guarded("the backward pass", [&] { run_part(p.forward_count, static_cast<int>(p.operations.size())); });
    }
    void reduce(call const& what) {
        guarded("the reduction", [&] {
            agree(what);
            set_accumulation(what);
            reduce_all();
        });
    }
    void update(call const& what) {
        guarded("the update", [&] {
            agree(what);
            set_accumulation(what);
            if (!batch_.how.waits) update_all(what);
        });
    }
    /// With what earlier batches have left, and no new one.
    void update_with_accumulated(call const& what) {
        guarded("the update", [&] {
            agree(what);
            // Losses stay those of the last batch.
            fetch_results();
            call nothing = what;
            nothing.inputs = {};
            begin_part(nothing);
            for (int s = 0; s < shards; ++s)
                P::clear(work_.compute(work::replica_of(s)), reinterpret_cast<std::byte*>(work_.gradient(s)),
                         static_cast<std::size_t>(p.parameter_bytes()));
            for (int r = 0; r < replicas; ++r)
                P::clear(work_.compute(r), work_.template place<std::byte>(r, work::layout.results), sizeof(shard_sums) * shards);
            work_.synchronize();
            reduce_all();
            update_all(what);
        });
    }
    /// After an evaluation of own shards: their results become the sums over all processes.
    void share_results(call const& what) {
        if constexpr (work::across) {
            agree(what);
            std::vector<shard_result> all(static_cast<std::size_t>(shards * model_->processes().size()));
            model_->processes().all_gather(std::as_bytes(std::span(results_)), std::as_writable_bytes(std::span(all)));
            for (std::size_t s = 0; s < results_.size(); ++s) {
                results_[s] = {};
                for (std::size_t from = s; from < all.size(); from += results_.size()) {
                    results_[s].loss += all[from].loss;
                    results_[s].divisor += all[from].divisor;
                    results_[s].correct += all[from].correct;
                    results_[s].answers += all[from].answers;
                }
            }
        }
    }

    // ---- what came of it ----

    /// The mean loss of the last step.
    double loss(bool is_sum) const {
        double const divisor = is_sum ? 1.0 : sum(&shard_result::divisor);
        return sum(&shard_result::loss) / divisor;
    }
    double sum(double shard_result::*value) const {
        fetch_results();
        return sum_over_shards<shards>([&](int s) { return results_[index(s)].*value; });
    }
    std::vector<shard_result>& results() {
        fetch_results();
        return results_;
    }
    void set_results(std::vector<shard_result> const& results) {
        fetch_results();
        results_ = results;
    }
    double norm() const {
        double found = 0.0;
        read(&found, work_.template place<double>(0, work::layout.norm), 1);
        return found;
    }
    /// What the updates so far have made of the loss scale. Waits for the last one, which may have been skipped: nobody
    /// knows the next one's scale and formula before.
    lockstep::detail::loss_scaler const& scaler() const
        requires Parallel::scales_loss
    {
        if (has_updated_) {
            has_updated_ = false;
            scaler_.learn(norm());
        }
        return scaler_;
    }
    /// With another scale, or the first one; an update before is forgotten.
    template <class... State>
    void resume_scaling(State const&... state) {
        has_updated_ = false;
        scaler_.resume(state...);
    }
    /// After reduce, on the host.
    T* mean_gradient() const {
        read(mean_.data(), work_.mean(0), p.parameter_elements);
        return mean_.data();
    }

    /// What the optimizer keeps, of all replicas, laid out like all parameters. What is written there goes to the devices
    /// before the next step.
    T* state(int number) { return states_.to_write(work_, number).data(); }
    std::vector<T> read_state(int number) { return states_.to_read(work_, number); }
    void write_state(int number, std::span<T const> all) { std::ranges::copy(all, state(number)); }

private:
    static constexpr std::size_t index(int number) { return static_cast<std::size_t>(number); }

    /// What fails leaves the parameters in an unknown state. The devices may still report what was asked of them before.
    template <class Work>
    void guarded(char const* what, Work const& some_work) {
        [[maybe_unused]] named_range<P> const range(what);
        failure_.guard(0, some_work, [&] { return std::string(what); });
        failure_.rethrow();
    }

    /// All processes are about to do the same. They tell each other before anybody begins.
    void agree(call const& what) {
        if constexpr (work::across) {
            std::vector<lockstep::detail::step_header> all(static_cast<std::size_t>(model_->processes().size()));
            model_->processes().all_gather(std::as_bytes(std::span(&what.header, 1)), std::as_writable_bytes(std::span(all)));
            lockstep::detail::compare_headers(all, model_->processes().rank());
        }
    }

    typename work::batch batch_of(call const& what) const {
        typename work::batch b;
        std::int64_t first = static_cast<std::int64_t>(what.inputs[0].random.first_sample);
        for (int s = 0; s < shards; ++s) {
            b.parts[index(s)] = {first, what.inputs[index(s)].samples};
            first += what.inputs[index(s)].samples;
        }
        b.whole = work::across ? what.header.whole : first;
        b.how = what.accumulation;
        b.is_sum = what.is_sum;
        b.slot = next_slot_;
        return b;
    }

    void prepare_devices() {
        model_->prepare_devices();
        states_.prepare_devices(work_);
    }
    void has_changed() {
        model_->changed_on_devices();
        states_.changed_on_devices();
        results_are_known_ = false;
    }

    /// What the step is told.
    values told(call const& what) const {
        values result;
        result.step = what.inputs[0].random.step;
        for (std::size_t g = 0; g < result.rules.size(); ++g)
            result.rules[g] = rule_of_group<T>(optimizer_, what.updates, static_cast<int>(g));
        result.clip = options_.clip;
        if constexpr (Parallel::scales_loss) result.loss_scale = static_cast<float>(scaler().state().scale);
        return result;
    }

    /// What fails on its way leaves streams that do not return to the first one: they end before anything else begins.
    void put_into_streams(typename work::batch const& b) {
        try {
            work_.whole_step(b);
        } catch (...) {
            try {
                work_.synchronize();
            } catch (error const&) {
                // It is the first error that is reported.
            }
            throw;
        }
    }

    /// Captured when it is first asked for.
    typename P::graph const& graph_of(typename work::batch const& b) {
        std::tuple const key{b.whole, b.how.continues, b.how.waits, b.slot};
        auto const found = graphs_.find(key);
        if (found != graphs_.end()) return found->second;
        [[maybe_unused]] named_range<P> const range("capture");
        return graphs_.try_emplace(key, work_.compute(0), [&] { work_.whole_step(b); }).first->second;
    }

    // Parts: everything is done before the caller goes on.

    void begin_part(call const& what) {
        batch_ = batch_of(what);
        batch_.keeps_values = true;
        prepare_devices();
        work_.keep_all_values();
        work_.synchronize();
        inputs_.take(*model_, work_, told(what), what, batch_);
        inputs_.release(work_, batch_.slot);
        work_.synchronize();
    }
    void set_accumulation(call const& what) { batch_.how = what.accumulation; }
    template <class Work>
    static void for_all_shards(Work const& some_work) {
        for (int s = 0; s < shards; ++s) some_work(work::replica_of(s), s);
    }
    void run_part(int first, int last) {
        for (int at = first; at <= last; ++at) {
            bool const stops = work::meets && at < last && p.operations[index(at)].facts.is_collective;
            if (at < last && !stops) continue;
            for_all_shards([&](int r, int s) { work_.run(r, s, batch_, first, at); });
            work_.synchronize();
            first = at + 1;
            if (!stops) continue;
            if constexpr (work::across) work_.sum_all_shards(at, batch_);
            else
                for (int r = 0; r < replicas; ++r) work_.sum_shards(r, at, batch_);
            work_.synchronize();
        }
    }
    template <class Work>
    void for_all_buckets(Work const& some_work) {
        for (int r = 0; r < replicas; ++r)
            for (int b = 0; b < static_cast<int>(p.buckets.size()); ++b) some_work(r, b);
        work_.synchronize();
    }
    void reduce_all() {
        if constexpr (work::together)
            for (int b = 0; b < static_cast<int>(p.buckets.size()); ++b) work_.add_bucket(b, batch_);
        for_all_buckets([&](int r, int b) { work_.reduce_bucket(r, b, batch_); });
        if (p.settings.needs_norm && !batch_.how.waits)
            for (int r = 0; r < replicas; ++r) work_.measure(r);
        for (int r = 0; Options::accumulates && r < replicas; ++r) work_.keep_what_is_counted(r, batch_);
        work_.synchronize();
    }
    void update_all(call const& what) {
        call nothing = what;
        for (shard_input& shard : nothing.inputs) shard.samples = 0;
        inputs_.take(*model_, work_, told(what), nothing, batch_);
        work_.synchronize();
        for_all_buckets([&](int r, int b) { work_.update_bucket(r, b, batch_); });
        has_updated_ = true;
        model_->changed_on_devices();
        states_.changed_on_devices();
    }

    // What devices have.

    template <class U>
    void read(U* to, U const* from, std::int64_t count) const {
        work_.synchronize();
        P::copy(work_.compute(0), reinterpret_cast<std::byte*>(to), reinterpret_cast<std::byte const*>(from), static_cast<std::size_t>(count) * sizeof(U));
        model_->wait_for(work_.compute(0));
    }
    void fetch_results() const {
        if (results_are_known_) return;
        auto* const found = reinterpret_cast<shard_sums*>(found_.data());
        read(found, work_.template place<shard_sums>(0, work::layout.results), shards);
        for (int s = 0; s < shards; ++s) results_[index(s)] = shard_result{.loss = found[s].loss, .divisor = found[s].divisor};
        results_are_known_ = true;
    }

    Parallel* model_;
    Optimizer optimizer_;
    Options options_;
    work work_;
    mutable lockstep::detail::loss_scaler scaler_;
    /// The last update's norm has not been looked at.
    mutable bool has_updated_ = false;
    lockstep::detail::step_failure failure_;
    batch_inputs<Parallel, work> inputs_;
    std::map<std::tuple<std::int64_t, bool, bool, int>, typename P::graph> graphs_;
    int next_slot_ = 0;
    /// The batch whose parts are called one by one.
    typename work::batch batch_;
    mutable std::vector<shard_result> results_;
    mutable bool results_are_known_ = true;
    typename P::pinned found_;
    mutable std::vector<T> mean_;
    kept_states<work> states_;
};

} // namespace lockstep::grid

namespace lockstep::detail {

template <class Parallel>
    requires grid_devices<typename Parallel::devices>
struct carried_out_on<Parallel> {
    template <class Optimizer, class Options, class Training>
    using step = grid::training_step<Parallel, Optimizer, Options, Training>;
    template <class Evaluating>
    using evaluations = grid::shard_evaluations<Parallel, Evaluating>;
};

} // namespace lockstep::detail
