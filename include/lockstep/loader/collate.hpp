// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/draw.hpp>
#include <lockstep/shape/shape.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <cmath>
#include <concepts>
#include <cstdint>
#include <random>
#include <string>

namespace lockstep {

/// What is done to a whole batch, where it lies, once its samples are there: a function of
///     tensor_view<Element, Shape> inputs, tensor_view<Target, TargetShape> targets
/// and perhaps sample_random& behind these. Several threads call it at once, each for a batch of its own.
template <class F, class Inputs, class Targets>
concept collation =
    std::invocable<F const&, Inputs, Targets> || std::invocable<F const&, Inputs, Targets, sample_random&>;

/// Batches as their samples are.
struct no_collation {
    void operator()(auto const&, auto const&) const {}
};

/// `collate(seed{1}, mixup{.alpha = 0.2})`: a batch becomes a mixture of itself and of itself in reverse, with shares
/// lambda and 1 - lambda, inputs and targets alike; lambda is drawn for each batch from Beta(alpha, alpha) (Zhang,
/// Cisse, Dauphin, Lopez-Paz 2018, arXiv:1710.09412). In a shuffled epoch the reverse is as random as any other
/// order, and needs no second batch. Targets are numbers: see one_hot.
struct mixup {
    double alpha = 0.2;

    template <any_shape Shape, any_shape TargetShape>
    void operator()(tensor_view<float, Shape> inputs, tensor_view<float, TargetShape> targets,
                    sample_random& random) const {
        auto const lambda = static_cast<float>(beta(random));
        auto const last = inputs.count() - 1;
        for (std::int64_t i = 0; i < last - i; ++i) {
            mix<Shape::size>(inputs[i].data(), inputs[last - i].data(), lambda);
            mix<TargetShape::size>(targets[i].data(), targets[last - i].data(), lambda);
        }
    }
    void check() const {
        if (!(alpha > 0 && std::isfinite(alpha)))
            throw usage_error{"mixup: expected an alpha above 0, found " + std::to_string(alpha)};
    }

private:
    /// A share of two gamma variates.
    double beta(sample_random& random) const {
        std::gamma_distribution<double> gamma{alpha};
        auto const first = gamma(random);
        auto const second = gamma(random);
        // Of a tiny alpha both may round to zero: then the limit, at which nothing is mixed.
        return first + second > 0 ? first / (first + second) : 1.0;
    }
    template <std::int64_t Size>
    static void mix(float* a, float* b, float lambda) {
        for (std::int64_t i = 0; i < Size; ++i) {
            auto const first = a[i], second = b[i];
            a[i] = lambda * first + (1 - lambda) * second;
            b[i] = lambda * second + (1 - lambda) * first;
        }
    }
};

} // namespace lockstep
