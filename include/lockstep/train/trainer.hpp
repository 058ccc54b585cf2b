// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/layer/rule.hpp>
#include <lockstep/parallel/merge.hpp>
#include <lockstep/parallel/parallel.hpp>
#include <lockstep/parallel/reduce.hpp>
#include <lockstep/train/clip.hpp>
#include <lockstep/train/optimizer.hpp>
#include <lockstep/train/targets.hpp>
#include <lockstep/train/update.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace lockstep {

/// The number of samples of a full batch, for which memory is planned. Shorter batches are welcome.
template <int Samples>
struct batch_size_of {
    static_assert(Samples > 0, "a batch has at least one sample");
};
template <int Samples>
inline constexpr batch_size_of<Samples> batch_size{};

/// Means over all samples of a loader.
struct evaluation {
    double loss = 0.0;
    /// Share of right answers; 0 for a loss that knows no right and wrong.
    double accuracy = 0.0;
    std::int64_t samples = 0;
};

/// What the compiler prints for a batch or loader whose samples the model cannot take.
template <class Samples>
struct batch_of {
    template <class Input>
    struct fed_to_a_model_for {
        static_assert(std::is_same_v<Samples, Input>,
                      "the samples' shape is not the model's input shape: the type above names both");
    };
};

/// What the compiler prints for a loss that cannot take the model's output.
template <class Loss>
struct loss_of {
    template <class Output>
    struct fed_with {
        template <class Rule>
        struct breaks {
            static_assert(std::is_same_v<Rule, rule::none>,
                          "the loss cannot take the model's output: the type above names the loss, the output's "
                          "shape and the rule that this breaks");
        };
    };
};

namespace detail {

template <class Model, class Loss, class Backend>
struct training_source {
    static constexpr program build() { return training_program<Model, Loss, Backend>(); }
};
template <class Model, class Loss, class Backend>
struct evaluation_source {
    static constexpr program build() { return evaluation_program<Model, Loss, Backend>(); }
};

} // namespace detail

/// Trains a model: a step is forward, backward, reduce and update, which can also be called one by one.
///
///   trainer trainer{model, cross_entropy{}, sgd{.learning_rate = 0.01, .momentum = 0.9}, batch_size<64>};
///   for (auto const& batch : loader) trainer.step(batch);
///
/// A last argument bounds gradients: clip_norm{1.0} or clip_value{0.5}. The model outlives the trainer. After the
/// first step of a batch size nothing is allocated.
template <class Parallel, class Loss, class Optimizer, int Batch, class Clip = no_clip>
class trainer {
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
    static constexpr plan_settings settings{replicas, shards, Batch, sizeof(element)};

    /// The plan of a training step, and of an evaluation.
    using training = static_plan<detail::training_source<typename Parallel::model, Loss, backend>, settings>;
    static constexpr plan training_plan = training::value;
    static constexpr plan evaluation_plan =
        static_plan<detail::evaluation_source<typename Parallel::model, Loss, backend>, settings>::value;

    trainer(Parallel& model, Loss, Optimizer optimizer, batch_size_of<Batch>, Clip clip = {})
        : model_(&model), update_(model.parameters(), optimizer, clip), training_(shards), evaluation_(replicas) {
        std::size_t const bytes = static_cast<std::size_t>(Parallel::parameter_elements()) * sizeof(element);
        // Each replica touches its own memory first, so that it lies near the core that uses it.
        model.team().run([&](int r) {
            for (int s = first_shard(r); s < first_shard(r + 1); ++s) {
                gradients_[s] = host_memory(bytes);
                std::fill_n(gradients_[s].template as<element>().data(), Parallel::parameter_elements(), element{});
            }
            training_[first_shard(r)] = make_replica(training_plan);
            evaluation_[r] = make_replica(evaluation_plan);
        });
    }

    /// One step. Returns the mean loss of the batch, from before the update.
    template <class Shape, class TargetShape, class Target>
    double step(batch_view<element, Shape, TargetShape, Target> const& batch) {
        prepare(batch);
        team().run([&](int r) {
            guarded([&] {
                for (int s = first_shard(r); s < first_shard(r + 1); ++s) {
                    replica& own = *training_[first_shard(r)];
                    forward_shard(own, s);
                    if (!is_empty(s)) own.backward();
                }
            });
            team().synchronize();
            if (failed_) return;
            merge_states(r);
            reduce_and_update(r);
        });
        finish();
        return loss_;
    }

    /// The parts of a step, for loops of one's own: forward and backward keep every shard's values, reduce makes
    /// the mean gradient and its norm, update clips it and changes the parameters.
    template <class Shape, class TargetShape, class Target>
    double forward(batch_view<element, Shape, TargetShape, Target> const& batch) {
        prepare(batch);
        make_shard_replicas();
        team().run([&](int r) {
            guarded([&] {
                for (int s = first_shard(r); s < first_shard(r + 1); ++s) forward_shard(*training_[s], s);
            });
            team().synchronize();
            if (!failed_) merge_states(r);
        });
        sum_losses();
        return loss_;
    }
    void backward() {
        team().run([&](int r) {
            guarded([&] {
                for (int s = first_shard(r); s < first_shard(r + 1); ++s)
                    if (!is_empty(s)) training_[s]->backward();
            });
        });
    }
    void reduce() {
        team().run([&](int r) { reduce_to_mean(r); });
    }
    void update() {
        team().run([&](int r) { update_.from_mean(r, gradient_of(0), steps_); });
        ++steps_;
    }

    /// Mean loss and share of right answers over one epoch of a loader, or of anything that batches come from, with
    /// parameters as they are and layers as in use. Exact for batches of any size.
    template <class Loader>
    evaluation evaluate(Loader& loader) {
        evaluation_sums sums;
        for (auto const& batch : loader) evaluate(batch, sums);
        evaluation result;
        result.samples = sums.samples;
        if (sums.samples > 0) result.loss = sums.loss / (is_sum ? 1.0 : sums.divisor);
        if (sums.answers > 0) result.accuracy = sums.correct / sums.answers;
        return result;
    }

    /// The mean loss of the last batch.
    double loss() const { return loss_; }
    /// Steps taken so far.
    std::uint64_t steps() const { return steps_; }
    void set_steps(std::uint64_t steps) { steps_ = steps; }
    Optimizer& optimizer() { return update_.optimizer(); }
    Parallel& model() { return *model_; }

    /// As of the next step: trainer.set_learning_rate(schedule(epoch)). Of an optimizer with parameter groups, the
    /// first one's rate, to which the others keep their ratio.
    void set_learning_rate(double rate) { lockstep::set_learning_rate(optimizer(), rate); }

    /// After reduce: the mean gradient of a parameter before it is clipped, in PyTorch's layout.
    std::vector<element> gradient(int parameter) const { return Parallel::read(parameter, gradient_of(0)); }
    /// With clip_norm, the norm of the last mean gradient before it was clipped; 0 before the first.
    double gradient_norm() const
        requires(Clip::needs_norm)
    {
        return update_.norm();
    }
    /// A value that the optimizer keeps for every parameter that is trained, laid out like all parameters.
    element* optimizer_state(int index) { return update_.state(index); }

    /// Exchanges the parameters and their averages, which an optimizer keeps that is `averaged`. Once more brings
    /// them back; see averaged_weights.
    void swap_average()
        requires requires { Optimizer::average_state; }
    {
        if (steps_ == 0 && !has_average_in_place_)
            throw usage_error("trainer: there are no averaged weights before the first step");
        std::swap_ranges(model_->parameters(), model_->parameters() + training_plan.trained_elements,
                         optimizer_state(Optimizer::average_state));
        has_average_in_place_ = !has_average_in_place_;
    }

private:
    static constexpr bool is_sum = detail::is_sum_loss<Loss>;

    using checked_loss = decltype(sizeof(typename loss_of<Loss>::template fed_with<output_shape>::template breaks<
                                         typename broken_rule<Loss, output_shape>::type>));

    static_assert(groups_are_part_of<Optimizer, typename Parallel::model, training>());

    template <class Shape>
    using check = decltype(sizeof(typename batch_of<Shape>::template fed_to_a_model_for<input_shape>));
    template <class TargetShape, class Target>
    using check_targets = decltype(sizeof(typename detail::targets_of<Loss>::template expected<target_shape, target>::template
                                              found<TargetShape, Target>));

    static constexpr int first_shard(int replica) { return replica * (shards / replicas); }
    lockstep::team& team() { return model_->team(); }
    element* gradient_of(int shard) const { return gradients_[shard].template as<element>().data(); }

    std::unique_ptr<replica> make_replica(plan const& p) {
        return std::make_unique<replica>(p, reinterpret_cast<std::byte*>(model_->parameters()));
    }
    void make_shard_replicas() {
        if (replicas == shards || training_[1] != nullptr) return;
        team().run([&](int r) {
            for (int s = first_shard(r) + 1; s < first_shard(r + 1); ++s) training_[s] = make_replica(training_plan);
        });
    }

    template <class Shape, class TargetShape, class Target>
    void prepare(batch_view<element, Shape, TargetShape, Target> const& batch) {
        using checked [[maybe_unused]] = check<Shape>;
        using checked_targets [[maybe_unused]] = check_targets<TargetShape, Target>;
        if (failed_) throw usage_error("trainer: an earlier step failed, its parameters are in an unknown state");
        if (has_average_in_place_) throw usage_error("trainer: a step while the averaged weights are in place");
        if constexpr (std::is_same_v<batch_view<element, Shape, TargetShape, Target>, batch_type>) {
            if (batch.count() < 1 || batch.count() > Batch)
                throw usage_error("trainer: expected a batch of 1 to " + std::to_string(Batch) + " samples, found " +
                                  std::to_string(batch.count()));
            detail::check_batch<Loss, output_shape>(batch);
            batch_ = batch;
        }
    }

    shard_input input_of(batch_type const& batch, int shard) const {
        sample_range const part = shard_of(batch.count(), shard, shards);
        host::randomness random;
        random.key = make_key(model_->initial_seed().value);
        random.step = static_cast<std::uint32_t>(steps_);
        random.first_sample = part.first;
        return {batch.inputs.slice(part.first, part.count).data(), batch.targets.data() + part.first * target_shape::size,
                part.count, random};
    }

    /// One of a program's results that are numbers.
    static double number_of(replica const& own, int buffer, double otherwise) {
        return buffer < 0 ? otherwise : static_cast<double>(*own.template result<element>(buffer));
    }
    bool is_empty(int shard) const { return shard_of(batch_.count(), shard, shards).count == 0; }
    /// Of no samples nothing is computed, where a mean over them would be 0 / 0: their gradients are 0.
    void forward_shard(replica& own, int shard) {
        if (is_empty(shard)) {
            std::fill_n(gradient_of(shard), Parallel::parameter_elements(), element{});
            results_[shard] = {};
            return;
        }
        shard_input const input = input_of(batch_, shard);
        own.forward(input, gradients_[shard].data());
        results_[shard].loss = number_of(own, training_plan.loss, 0.0);
        results_[shard].divisor = number_of(own, training_plan.divisor, static_cast<double>(input.samples));
    }

    /// A failure must not keep a replica from the places where the others wait for it.
    template <class Work>
    void guarded(Work&& work) {
        try {
            work();
        } catch (...) {
            std::lock_guard const lock(failure_mutex_);
            if (!failure_) failure_ = std::current_exception();
            failed_ = true;
        }
    }

    void sum_losses() {
        if (failure_) std::rethrow_exception(failure_);
        double const sum = sum_over_shards<shards>([&](int s) { return results_[s].loss; });
        loss_ = sum / (is_sum ? 1.0 : batch_divisor());
    }
    void finish() {
        sum_losses();
        ++steps_;
    }

    auto shard_gradients() const {
        std::array<element const*, shards> result;
        for (int s = 0; s < shards; ++s) result[s] = gradient_of(s);
        return result;
    }
    /// What the samples of all shards count.
    double batch_divisor() const {
        return sum_over_shards<shards>([&](int s) { return results_[s].divisor; });
    }
    element divisor() const { return is_sum ? element{1} : static_cast<element>(batch_divisor()); }

    /// Each replica merges what the shards observed for some of the model's states.
    void merge_states(int r) {
        auto const samples = [&](int s) { return shard_of(batch_.count(), s, shards).count; };
        detail::merge_states<shards>(training_plan, shard_gradients(), samples, model_->parameters(), r);
    }

    void reduce_and_update(int r) {
        if constexpr (Clip::needs_norm) {
            reduce_to_mean(r);
            team().synchronize();
            update_.from_mean(r, gradient_of(0), steps_);
        } else {
            update_.in_one_pass(r, shard_gradients(), divisor(), steps_);
        }
    }
    void reduce_to_mean(int r) {
        update_.reduce(r, shard_gradients(), divisor(), gradient_of(0));
        if constexpr (Clip::needs_norm) {
            team().synchronize();
            update_.measure(r, gradient_of(0));
        }
    }

    /// Sums over all samples that were evaluated.
    struct evaluation_sums {
        double loss = 0.0, divisor = 0.0, correct = 0.0, answers = 0.0;
        std::int64_t samples = 0;
    };

    template <class Shape, class TargetShape, class Target>
    void evaluate(batch_view<element, Shape, TargetShape, Target> const& batch, evaluation_sums& sums) {
        using checked [[maybe_unused]] = check<Shape>;
        using checked_targets [[maybe_unused]] = check_targets<TargetShape, Target>;
        if constexpr (std::is_same_v<batch_view<element, Shape, TargetShape, Target>, batch_type>) {
            detail::check_batch<Loss, output_shape>(batch);
            for (std::int64_t first = 0; first < batch.count(); first += Batch) {
                std::int64_t const count = std::min<std::int64_t>(Batch, batch.count() - first);
                auto const size = static_cast<std::size_t>(target_shape::size);
                evaluate_part({batch.inputs.slice(first, count),
                               batch.targets.subspan(static_cast<std::size_t>(first) * size, static_cast<std::size_t>(count) * size),
                               batch.first + first},
                              sums);
            }
        }
    }
    void evaluate_part(batch_type const& part, evaluation_sums& sums) {
        team().run([&](int r) {
            for (int s = first_shard(r); s < first_shard(r + 1); ++s) {
                replica& own = *evaluation_[r];
                shard_input const input = input_of(part, s);
                results_[s] = {};
                if (input.samples == 0) continue;
                own.forward(input);
                auto const counted = static_cast<double>(input.samples);
                results_[s] = {number_of(own, evaluation_plan.loss, 0.0), number_of(own, evaluation_plan.divisor, counted),
                               number_of(own, evaluation_plan.correct, 0.0), number_of(own, evaluation_plan.answers, counted)};
            }
        });
        auto const sum = [&](double shard_result::*value) {
            return sum_over_shards<shards>([&](int s) { return results_[s].*value; });
        };
        sums.loss += sum(&shard_result::loss);
        sums.divisor += sum(&shard_result::divisor);
        sums.correct += sum(&shard_result::correct);
        sums.answers += sum(&shard_result::answers);
        sums.samples += part.count();
    }

    /// On a cache line of its own: replicas write at the same time.
    struct alignas(memory_alignment) shard_result {
        double loss = 0.0, divisor = 0.0, correct = 0.0, answers = 0.0;
    };

    Parallel* model_;
    detail::parameter_update<element, Optimizer, Clip, training> update_;
    std::array<host_memory, shards> gradients_;
    std::vector<std::unique_ptr<replica>> training_;
    std::vector<std::unique_ptr<replica>> evaluation_;
    std::array<shard_result, shards> results_;
    batch_type batch_;
    double loss_ = 0.0;
    std::uint64_t steps_ = 0;
    bool has_average_in_place_ = false;
    std::mutex failure_mutex_;
    std::exception_ptr failure_;
    std::atomic<bool> failed_{false};
};

} // namespace lockstep
