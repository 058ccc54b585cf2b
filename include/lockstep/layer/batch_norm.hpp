// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/reduce.hpp>
#include <lockstep/expression/shards.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/layer/layer.hpp>
#include <lockstep/layer/normalization_options.hpp>

namespace lockstep {

/// The running statistics of batch_norm, under PyTorch's names.
struct running_mean {
    static constexpr char const* name = "running_mean";
};
struct running_variance {
    static constexpr char const* name = "running_var";
};

/// An option of batch_norm: the statistics of the whole batch, as PyTorch's SyncBatchNorm. In every step the replicas
/// meet for three sums forward, of samples, values and squares, and for two backward.
struct synchronized {};
/// An option of batch_norm: the running statistics, as they are, also in training, as PyTorch's layer in eval().
struct use_running_statistics {};

/// Each channel with mean 0 and variance 1 over the batch and all positions, then scaled and shifted: Ioffe and
/// Szegedy, "Batch normalization", 2015, as PyTorch's BatchNorm1d and BatchNorm2d: [features], [channels, length] or
/// [channels, height, width], unchanged in shape.
///
/// In training the statistics are those of a shard, what one replica computes at once, as with DataParallel; or, with
/// the option synchronized, those of the whole batch. Running
/// statistics take over a share of each batch's, the mean over its shards; in evaluation they take the batch's place.
/// A single value per channel has no unbiased variance; its biased one, 0, is observed.
///
/// Parameters: scale ("weight") and bias [channels], unless no_affine; state: running_mean and running_var. Options:
/// epsilon<1e-5>, momentum<0.1>, no_affine, synchronized, use_running_statistics.
template <class... Options>
struct batch_norm {
    static constexpr auto settings = detail::normalization_settings_of<Options...>;
    static constexpr bool synchronized_over_shards = (std::same_as<Options, synchronized> || ...);
    static constexpr bool frozen = (std::same_as<Options, use_running_statistics> || ...);

    template <class In>
    using broken_rule =
        std::conditional_t<In::rank >= 1 && In::rank <= 3, rule::none, rule::takes_channels_and_positions>;

    template <class In, class Channels = shape<In::extents[0]>, class Rule = merge::average<settings.momentum>,
              class Scale = parameter<scale, Channels, initializer::ones>, class Bias = parameter<bias, Channels, initializer::zeros>,
              class Mean = state<running_mean, Channels, initializer::zeros, Rule>,
              class Variance = state<running_variance, Channels, initializer::ones, Rule>>
    using parameters_for = std::conditional_t<settings.affine, lockstep::parameters<Scale, Bias, Mean, Variance>,
                                              lockstep::parameters<Mean, Variance>>;
    template <class In>
    using parameters = parameters_for<In>;

    template <expression X>
    constexpr auto operator()(X x, auto context) const {
        using channels = detail::channels_of<typename X::result_shape>;
        if constexpr (!context.training || frozen) {
            auto const mean = view_as<channels>(context[running_mean{}]);
            auto const variance = view_as<channels>(context[running_variance{}]);
            return affine<channels>((x - mean) * rsqrt(variance + number<settings.epsilon>), context);
        } else {
            auto const count = over_batch(sample_count{}) * number<static_cast<double>(X::result_shape::size / channels::size)>;
            auto const mean = over_batch(sum_to<channels, false>(x)) / count;
            // The sum of deviations from the mean is 0, so the variance's gradient does not pass the mean.
            auto const deviation = x - stop_gradient(mean);
            auto const variance = over_batch(sum_to<channels, false>(deviation * deviation)) / count;
            auto const y = affine<channels>((x - mean) * rsqrt(variance + number<settings.epsilon>), context);
            auto const unbiased = variance * (count / maximum(count - number<1.0>, number<1.0>));
            return observed_with(y, observe(running_mean{}, mean), observe(running_variance{}, unbiased));
        }
    }

private:
    /// A sum over a shard's samples, or over those of all shards.
    static constexpr auto over_batch(auto sum) {
        if constexpr (synchronized_over_shards) return sum_over_shards(sum);
        else return sum;
    }
    template <class Channels>
    static constexpr auto affine(auto normalized, auto context) {
        if constexpr (!settings.affine) return normalized;
        else return normalized * view_as<Channels>(context[scale{}]) + view_as<Channels>(context[bias{}]);
    }
};

} // namespace lockstep
