// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/layer/rule.hpp>
#include <lockstep/parallel/merge.hpp>
#include <lockstep/parallel/parallel.hpp>
#include <lockstep/parallel/reduce.hpp>
#include <lockstep/program/reach.hpp>
#include <lockstep/train/clip.hpp>
#include <lockstep/train/optimizer.hpp>
#include <lockstep/train/shard_passes.hpp>
#include <lockstep/train/targets.hpp>
#include <lockstep/train/update.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
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
        : model_(&model), update_(model.parameters(), optimizer, clip),
          passes_(model.team(), reinterpret_cast<std::byte*>(model.parameters())) {
        model.team().run([&](int r) {
            evaluation_[r] = std::make_unique<replica>(evaluation_plan, reinterpret_cast<std::byte*>(model.parameters()));
        });
    }

    /// One step. Returns the mean loss of the batch, from before the update.
    template <class Shape, class TargetShape, class Target>
    double step(batch_view<element, Shape, TargetShape, Target> const& batch) {
        prepare(batch);
        team().run([&](int r) {
            passes_.forward_and_backward(r, [&](int s) { return input_of(batch_, s); });
            if (passes_.failed()) return;
            merge_states(r);
            reduce_and_update(r);
        });
        sum_losses();
        ++steps_;
        return loss_;
    }

    /// The parts of a step, for loops of one's own: forward and backward keep every shard's values, reduce makes
    /// the mean gradient and its norm, update clips it and changes the parameters.
    template <class Shape, class TargetShape, class Target>
    double forward(batch_view<element, Shape, TargetShape, Target> const& batch) {
        prepare(batch);
        passes_.keep_all_shards();
        team().run([&](int r) {
            passes_.forward(r, [&](int s) { return input_of(batch_, s); });
            team().synchronize();
            if (!passes_.failed()) merge_states(r);
        });
        sum_losses();
        return loss_;
    }
    void backward() {
        team().run([&](int r) { passes_.backward(r); });
        passes_.rethrow();
    }
    void reduce() {
        team().run([&](int r) { reduce_to_mean(r); });
    }
    void update() {
        team().run([&](int r) { update_.from_mean(r, mean_gradient(), steps_); });
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
    std::vector<element> gradient(int parameter) const { return Parallel::read(parameter, mean_gradient()); }
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

    static_assert(reaches_all_parameters<Loss, training>());
    static_assert(groups_are_part_of<Optimizer, typename Parallel::model, training>());

    template <class Shape>
    using check = decltype(sizeof(typename batch_of<Shape>::template fed_to_a_model_for<input_shape>));
    template <class TargetShape, class Target>
    using check_targets = decltype(sizeof(typename detail::targets_of<Loss>::template expected<target_shape, target>::template
                                              found<TargetShape, Target>));

    lockstep::team& team() { return model_->team(); }
    /// The mean gradient takes the place of the first shard's.
    element* mean_gradient() const { return passes_.gradient(0); }

    template <class Shape, class TargetShape, class Target>
    void prepare(batch_view<element, Shape, TargetShape, Target> const& batch) {
        using checked [[maybe_unused]] = check<Shape>;
        using checked_targets [[maybe_unused]] = check_targets<TargetShape, Target>;
        if (passes_.failed()) throw usage_error("trainer: an earlier step failed, its parameters are in an unknown state");
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

    void sum_losses() {
        passes_.rethrow();
        double const sum = sum_over_shards<shards>([&](int s) { return passes_.result(s).loss; });
        loss_ = sum / (is_sum ? 1.0 : batch_divisor());
    }
    /// What the samples of all shards count.
    double batch_divisor() const {
        return sum_over_shards<shards>([&](int s) { return passes_.result(s).divisor; });
    }
    element divisor() const { return is_sum ? element{1} : static_cast<element>(batch_divisor()); }

    /// Each replica merges what the shards observed for some of the model's states.
    void merge_states(int r) {
        auto const samples = [&](int s) { return shard_of(batch_.count(), s, shards).count; };
        detail::merge_states<shards>(training_plan, passes_.gradients(), samples, model_->parameters(), r);
    }

    void reduce_and_update(int r) {
        if constexpr (Clip::needs_norm) {
            reduce_to_mean(r);
            team().synchronize();
            update_.from_mean(r, mean_gradient(), steps_);
        } else {
            update_.in_one_pass(r, passes_.gradients(), divisor(), steps_);
        }
    }
    void reduce_to_mean(int r) {
        update_.reduce(r, passes_.gradients(), divisor(), mean_gradient());
        if constexpr (Clip::needs_norm) {
            team().synchronize();
            update_.measure(r, mean_gradient());
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
        constexpr plan const& p = evaluation_plan;
        team().run([&](int r) {
            replica& own = *evaluation_[r];
            auto const number_of = [&own](int buffer, double otherwise) {
                return buffer < 0 ? otherwise : static_cast<double>(*own.template result<element>(buffer));
            };
            for (int s = passes::first_shard(r); s < passes::first_shard(r + 1); ++s) {
                shard_input const input = input_of(part, s);
                evaluated_[s] = {};
                if (input.samples == 0) continue;
                own.forward(input);
                auto const samples = static_cast<double>(input.samples);
                evaluated_[s] = {number_of(p.loss, 0.0), number_of(p.divisor, samples), number_of(p.correct, 0.0),
                                 number_of(p.answers, samples)};
            }
        });
        auto const sum = [&](double detail::shard_result::*value) {
            return sum_over_shards<shards>([&](int s) { return evaluated_[s].*value; });
        };
        sums.loss += sum(&detail::shard_result::loss);
        sums.divisor += sum(&detail::shard_result::divisor);
        sums.correct += sum(&detail::shard_result::correct);
        sums.answers += sum(&detail::shard_result::answers);
        sums.samples += part.count();
    }

    using passes = detail::shard_passes<element, training>;

    Parallel* model_;
    detail::parameter_update<element, Optimizer, Clip, training> update_;
    passes passes_;
    std::array<std::unique_ptr<replica>, replicas> evaluation_;
    std::array<detail::shard_result, shards> evaluated_;
    batch_type batch_;
    double loss_ = 0.0;
    std::uint64_t steps_ = 0;
    bool has_average_in_place_ = false;
};

} // namespace lockstep
