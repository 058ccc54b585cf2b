// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/layer/rule.hpp>
#include <lockstep/parallel/chrome_trace.hpp>
#include <lockstep/parallel/parallel.hpp>
#include <lockstep/parallel/reduce.hpp>
#include <lockstep/plan/proof.hpp>
#include <lockstep/program/reach.hpp>
#include <lockstep/train/batch_for.hpp>
#include <lockstep/train/deferred_loss.hpp>
#include <lockstep/train/evaluation.hpp>
#include <lockstep/train/optimizer.hpp>
#include <lockstep/train/options.hpp>
#include <lockstep/train/programs.hpp>
#include <lockstep/train/targets.hpp>
#include <lockstep/train/training_step.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace lockstep {

/// Trains a model: a step is forward, backward, reduce and update, which can also be called one by one.
///
///   trainer trainer{model, cross_entropy{}, sgd{.learning_rate = 0.01, .momentum = 0.9}, batch_size<64>};
///   for (auto const& batch : loader) trainer.step(batch);
///
/// Last arguments are options, in any order: clip_norm{1.0} or clip_value{0.5}, accumulate{4}, record{10}, and of a model
/// that stores values as half loss_scaling{}. The model outlives the trainer. After the first step of a batch size nothing is allocated.
///
/// Where other processes train the same model, all of them make the same calls in the same order, each with its part of
/// the same batches, see distributed; what one of them finds wrong is an error in all.
template <class Parallel, class Loss, class Optimizer, int Batch, class... Options>
class trainer {
    using options = detail::trainer_options<Options...>;

public:
    using element = typename Parallel::element;
    using input_shape = typename Parallel::input_shape;
    using output_shape = typename Parallel::output_shape;
    /// The targets of one sample, as the loss takes them.
    using target_shape = detail::sample_targets<Loss, output_shape>;
    using target = std::conditional_t<Loss::target_content == leaf_content::class_index, std::int32_t, element>;
    using batch_type = batch_view<element, input_shape, target_shape, target>;

    static constexpr int replicas = Parallel::replicas;
    static constexpr int shards = Parallel::shards;
    using backend = typename Parallel::template backend<element>;
    static constexpr plan_settings settings{.replicas = replicas,
                                            .shards = shards,
                                            .batch = Batch,
                                            .element_bytes = sizeof(element),
                                            .buckets = Parallel::buckets,
                                            .optimizer_states = Optimizer::states,
                                            .needs_norm = options::clip_type::needs_norm || Parallel::scales_loss,
                                            .across_processes = Parallel::plans_exchanges,
                                            .with_others = Parallel::across_processes && !Parallel::plans_exchanges,
                                            .sharded_optimizer = Parallel::has_sharded_optimizer,
                                            .own_memory = Parallel::has_own_memory,
                                            .updates_all = Parallel::reduces_together};

    /// The plan of a training step, and of an evaluation.
    using training = static_plan<detail::training_source<typename Parallel::model, Loss, backend>, settings>;
    static constexpr plan training_plan = training::value;
    static_assert(reaches_all_parameters<Loss, training>());
    static_assert(!training_plan.buckets.empty(), "the model has no parameter that is trained");
    static_assert(proven<training>);
    using evaluating = static_plan<detail::evaluation_source<typename Parallel::model, Loss, backend>, settings>;
    static constexpr plan evaluation_plan = evaluating::value;

private:
    static constexpr bool is_sum = detail::is_sum_loss<Loss>, scales_loss = Parallel::scales_loss;
    static_assert(scales_loss || !options::has_loss_scaling,
                  "loss_scaling: for a model with mixed_precision<half>; float and bf16 have the range for gradients as they are");
    using carried_out = detail::carried_out_on<Parallel>;
    using evaluations = typename carried_out::template evaluations<evaluating>;
    using step_type = typename carried_out::template step<Optimizer, options, training>;

public:
    /// Throws usage_error where another process has another training.
    trainer(Parallel& model, Loss, Optimizer optimizer, batch_size_of<Batch>, Options... given)
        : model_(&model), options_(given...), step_(model, optimizer, options_), evaluations_(model) {
        if constexpr (Parallel::across_processes)
            detail::expect_equal(model.processes(), "trainer: the plan",
                                 hash_of(training_plan) ^ hash_of_type<typename Parallel::model, Loss, Optimizer>());
    }

    /// What step returns: the loss, or where devices compute by themselves, what waits for it when it is asked for.
    using step_loss = std::conditional_t<step_type::is_deferred, deferred_loss<trainer>, double>;

    /// One step, also of step({inputs, targets}). Returns the mean loss of the batch, from before the update.
    step_loss step(batch_type const& batch) {
        prepare(batch, detail::joint_call::step);
        together([&] { step_.run(call_); });
        if constexpr (!step_type::is_deferred) sum_losses();
        finish_batch();
        if constexpr (step_type::is_deferred) return {*this, steps_};
        else return loss_;
    }

    /// The parts of a step, for loops of one's own: forward and backward keep every shard's values, reduce makes
    /// the mean gradient and its norm, update clips it and changes the parameters. Where batches are accumulated, reduce
    /// adds this one's gradients, and update is called when waits_for_more() says no.
    double forward(batch_type const& batch) {
        prepare(batch, detail::joint_call::forward);
        together([&] { step_.forward(call_); });
        sum_losses();
        return loss_;
    }
    /// The same of batches whose type says another element, but whose samples are class indices all the same; any other
    /// batch is one compile error.
    template <class T, class Shape, class TargetShape, class Target>
    step_loss step(batch_view<T, Shape, TargetShape, Target> const& batch) {
        return step(detail::batch_for<trainer, Loss>(batch));
    }
    template <class T, class Shape, class TargetShape, class Target>
    double forward(batch_view<T, Shape, TargetShape, Target> const& batch) {
        return forward(detail::batch_for<trainer, Loss>(batch));
    }
    void backward() {
        together([&] { step_.backward(); });
    }
    void reduce() {
        set_header(detail::joint_call::reduce);
        together([&] { step_.reduce(call_); });
    }
    void update() {
        set_header(detail::joint_call::update);
        together([&] { step_.update(call_); });
        finish_batch();
    }

    /// Mean loss and share of right answers over one epoch of a loader, or of anything that batches come from, with
    /// parameters as they are and layers as in use. Exact for batches of any size.
    template <class Loader>
    evaluation evaluate(Loader& loader) {
        typename evaluations::sums sums;
        // What a forward pass has left for its reduce is there again after it.
        auto const results = step_.results();
        for (auto const& batch : loader) evaluate(detail::batch_for<trainer, Loss>(batch), sums);
        step_.set_results(results);
        return sums.means(is_sum);
    }

    /// The mean loss of the last batch.
    double loss() const {
        if constexpr (step_type::is_deferred) return step_.loss(is_sum);
        else return loss_;
    }
    /// Steps taken so far, and updates: with accumulate{k} one for k steps. Skipped ones are none, see loss_scaling.
    std::uint64_t steps() const { return steps_; }
    std::uint64_t updates() const {
        if constexpr (scales_loss) return updates_ - step_.scaler().skipped();
        else return updates_;
    }
    Optimizer& optimizer() { return step_.optimizer(); }
    Parallel& model() { return *model_; }

    /// Goes on from where another training stood, when parameters and the optimizer's values have been set to what they
    /// were there; load_checkpoint does all of it. A trainer that refuses steps after a failure takes them again.
    void resume(std::uint64_t steps, std::uint64_t updates) {
        step_.failure().clear();
        if constexpr (scales_loss) step_.resume_scaling();
        steps_ = steps;
        updates_ = updates;
        accumulated_batches_ = 0;
    }

    /// As of the next step: trainer.set_learning_rate(schedule(epoch)). Of an optimizer with parameter groups, the
    /// first one's rate, to which the others keep their ratio.
    void set_learning_rate(double rate) { lockstep::set_learning_rate(optimizer(), rate); }

    /// After reduce: the mean gradient of a parameter before it is clipped, in PyTorch's layout.
    std::vector<element> gradient(int parameter) const { return Parallel::read(parameter, step_.mean_gradient()); }
    /// With clip_norm, the norm of the last mean gradient before it was clipped; 0 before the first.
    double gradient_norm() const
        requires(options::clip_type::needs_norm)
    {
        return step_.norm();
    }
    /// Of a model that stores values as half: where its loss_scaling stands, and how many updates it has skipped since the
    /// training began or was resumed. They wait for the last update.
    loss_scale_state loss_scale() const
        requires(scales_loss)
    {
        return step_.scaler().state();
    }
    std::uint64_t skipped_updates() const
        requires(scales_loss)
    {
        return step_.scaler().skipped();
    }
    /// After resume: goes on with a scale that another training had. Throws usage_error for what is none.
    void set_loss_scale(loss_scale_state const& state)
        requires(scales_loss)
    {
        step_.resume_scaling(state);
    }
    /// A value that the optimizer keeps for every parameter that is trained, laid out like all parameters.
    element* optimizer_state(int index)
        requires(!Parallel::has_sharded_optimizer)
    {
        return step_.state(index);
    }
    /// The same as a copy, where it is kept in parts by several processes: these call it together.
    std::vector<element> read_optimizer_state(int index) { return step_.read_state(index); }
    void write_optimizer_state(int index, std::span<element const> values) { step_.write_state(index, values); }

    /// With accumulate{k}: whether gradients of earlier batches wait for an update.
    bool waits_for_more() const { return call_.accumulation.waits; }
    /// Updates with the batches accumulated so far, fewer than asked for: at the end of an epoch. Without any, nothing.
    void finish_accumulation()
        requires(options::accumulates)
    {
        if (accumulated_batches_ == 0) return;
        call_.accumulation = {true, false};
        call_.accumulated_divisor = accumulated_divisor_;
        set_header(detail::joint_call::update);
        together([&] { step_.update_with_accumulated(call_); });
        ++updates_;
        accumulated_batches_ = 0;
    }

    /// Seconds that a replica of this process has waited for others, within all steps: for the last gradients of a bucket,
    /// and for other processes. What devices do by themselves is not looked at.
    double waited_seconds(int replica) const
        requires(!step_type::is_deferred)
    {
        return 1e-9 * static_cast<double>(step_.waited(replica));
    }

    /// With record{n}: what the replicas of this process did in the steps that were recorded, as a Chrome trace, which
    /// Perfetto opens.
    std::string trace() const
        requires(options::records)
    {
        return to_chrome_trace(training_plan, step_.recorder(), model_->processes().rank());
    }

    /// Exchanges the parameters and their averages, which an optimizer keeps that is `averaged`. Once more brings
    /// them back; see averaged_weights.
    void swap_average()
        requires requires { Optimizer::average_state; }
    {
        static_assert(!Parallel::has_sharded_optimizer, "averaged and sharded_optimizer: no process has all averages");
        if (updates() == 0 && !has_average_in_place_)
            throw usage_error("trainer: there are no averaged weights before the first step");
        std::swap_ranges(model_->parameters(), model_->parameters() + training_plan.trained_elements,
                         optimizer_state(Optimizer::average_state));
        has_average_in_place_ = !has_average_in_place_;
    }

private:
    using checked_loss = decltype(sizeof(typename loss_of<Loss>::template fed_with<output_shape>::template breaks<
                                         typename broken_rule<Loss, output_shape>::type>));

    static_assert(groups_are_part_of<Optimizer, typename Parallel::model, training>());

    void prepare(batch_type const& batch, detail::joint_call what) {
        together([&] {
            if (step_.failure().has_failed())
                throw usage_error("trainer: an earlier step failed, its parameters are in an unknown state");
            if (has_average_in_place_) throw usage_error("trainer: a step while the averaged weights are in place");
            std::int64_t const whole = whole_of(batch);
            if (whole < 1 || whole > Batch)
                throw usage_error("trainer: expected a batch of 1 to " + std::to_string(Batch) + " samples, found " +
                                  std::to_string(whole));
            detail::check_batch<Loss, output_shape>(batch);
            set_inputs(batch);
            call_.is_sum = is_sum;
            call_.updates = updates();
            if constexpr (options::accumulates)
                call_.accumulation = {accumulated_batches_ > 0, accumulated_batches_ + 1 < options_.batches};
            call_.accumulated_divisor = accumulated_batches_ > 0 ? accumulated_divisor_ : 0.0;
            set_header(what);
        });
    }

    /// Samples of the whole batch, over all processes.
    static std::int64_t whole_of(batch_type const& batch) {
        if constexpr (Parallel::across_processes) return batch.whole > 0 ? batch.whole : batch.count();
        else return batch.count();
    }
    static std::int64_t offset_of(batch_type const& batch) {
        if constexpr (Parallel::across_processes) return batch.offset;
        else return 0;
    }

    void set_inputs(batch_type const& batch) {
        auto const share = model_->share();
        for (int s = 0; s < share.count; ++s) call_.inputs[s] = input_of(batch, share.first + s, share.total);
        call_.header.whole = whole_of(batch);
        call_.header.first = offset_of(batch);
        call_.header.count = batch.count();
    }
    void set_header(detail::joint_call what) {
        call_.header.call = what;
        call_.header.step = static_cast<std::int64_t>(steps_);
        call_.header.accumulated = accumulated_batches_;
        call_.header.learning_rate = learning_rate_of(step_.optimizer());
    }

    /// Shard number `shard` of the whole batch; where it is not that of this process' part, nothing.
    shard_input input_of(batch_type const& batch, int shard, int total) const {
        sample_range const part = shard_of(whole_of(batch), shard, total);
        std::int64_t const first = part.first - offset_of(batch);
        host::randomness random;
        random.key = make_key(model_->initial_seed().value);
        random.step = static_cast<std::uint32_t>(steps_);
        random.first_sample = part.first;
        if (first < 0 || first + part.count > batch.count()) return {nullptr, nullptr, 0, random};
        return {batch.inputs.slice(first, part.count).data(), batch.targets.data() + first * target_shape::size, part.count,
                random};
    }

    /// What this process does with the others, who are told where it fails.
    template <class Work>
    void together(Work const& work) {
        if constexpr (!Parallel::across_processes) return work();
        try {
            work();
        } catch (std::exception const& failure) {
            model_->processes().fail(failure.what());
            throw;
        }
    }

    void sum_losses() {
        double const sum = step_.sum(&detail::shard_result::loss);
        double const divisor = step_.sum(&detail::shard_result::divisor);
        loss_ = sum / (is_sum ? 1.0 : divisor);
        accumulated_divisor_ = call_.accumulated_divisor + divisor;
    }
    void finish_batch() {
        ++steps_;
        if (call_.accumulation.waits) {
            ++accumulated_batches_;
        } else {
            ++updates_;
            accumulated_batches_ = 0;
        }
    }

    void evaluate(batch_type const& batch, typename evaluations::sums& sums) {
        together([&] {
            detail::check_batch<Loss, output_shape>(batch);
            if constexpr (Parallel::across_processes) {
                if (whole_of(batch) > Batch)
                    throw usage_error("trainer: expected a batch of at most " + std::to_string(Batch) + " samples, found " +
                                      std::to_string(whole_of(batch)));
                return evaluate_part(batch, sums);
            }
            for (std::int64_t first = 0; first < batch.count(); first += Batch) {
                std::int64_t const count = std::min<std::int64_t>(Batch, batch.count() - first);
                auto const size = static_cast<std::size_t>(target_shape::size);
                evaluate_part({batch.inputs.slice(first, count),
                               batch.targets.subspan(static_cast<std::size_t>(first) * size, static_cast<std::size_t>(count) * size),
                               batch.first + first},
                              sums);
            }
        });
    }
    void evaluate_part(batch_type const& part, typename evaluations::sums& sums) {
        set_inputs(part);
        set_header(detail::joint_call::evaluate);
        evaluations_.run(step_.passes(), call_.inputs);
        for (std::size_t term = 0; term < evaluations::terms; ++term) {
            evaluations_.copy_term(term, step_.passes());
            step_.share_results(call_);
            sums.loss[term] += step_.sum(&detail::shard_result::loss);
            sums.divisor[term] += step_.sum(&detail::shard_result::divisor);
        }
        sums.correct += step_.sum(&detail::shard_result::correct);
        sums.answers += step_.sum(&detail::shard_result::answers);
        sums.samples += whole_of(part);
    }

    Parallel* model_;
    options options_;
    step_type step_;
    typename step_type::call call_;
    evaluations evaluations_;
    double loss_ = 0.0;
    std::uint64_t steps_ = 0, updates_ = 0;
    std::int64_t accumulated_batches_ = 0;
    double accumulated_divisor_ = 0.0;
    bool has_average_in_place_ = false;
};

template <class Parallel, class Loss, class Optimizer, int Batch, class... Options>
trainer(Parallel&, Loss, Optimizer, batch_size_of<Batch>, Options...) -> trainer<Parallel, Loss, Optimizer, Batch, Options...>;

} // namespace lockstep
