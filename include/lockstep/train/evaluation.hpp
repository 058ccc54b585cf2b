// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/replica.hpp>
#include <lockstep/parallel/shard_passes.hpp>
#include <lockstep/parallel/team.hpp>
#include <lockstep/plan/plan.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace lockstep {

/// Means over all samples of a loader.
struct evaluation {
    double loss = 0.0;
    /// Share of right answers; 0 for a loss that knows no right and wrong.
    double accuracy = 0.0;
    std::int64_t samples = 0;
};

namespace detail {

/// Passes over shards with layers as they are in use. Plan is the static_plan of an evaluation.
template <class T, class Plan>
class shard_evaluations {
    static constexpr plan p = Plan::value;
    static constexpr int replicas = p.settings.replicas;

public:
    /// Losses that count differently and so are added up apart.
    static constexpr std::size_t terms = p.buffers[p.loss].shape.size();

    /// Sums over all samples that were evaluated.
    struct sums {
        std::array<double, terms> loss{}, divisor{};
        double correct = 0.0, answers = 0.0;
        std::int64_t samples = 0;

        /// `is_sum`: the loss is divided by nothing.
        evaluation means(bool is_sum) const {
            evaluation result;
            result.samples = samples;
            for (std::size_t t = 0; samples > 0 && t < terms; ++t) {
                // One that counts nothing contributes nothing, beside others.
                bool const as_it_is = is_sum || (terms > 1 && divisor[t] == 0.0);
                result.loss += loss[t] / (as_it_is ? 1.0 : divisor[t]);
            }
            if (answers > 0) result.accuracy = correct / answers;
            return result;
        }
    };

    template <class Parallel>
    explicit shard_evaluations(Parallel& on) : team_(&on.team()) {
        auto* const parameters = reinterpret_cast<std::byte*>(on.parameters());
        team_->run([&](int r) { replicas_[r] = std::make_unique<replica>(p, parameters); });
    }

    /// Evaluates own shards, which `passes` number.
    template <class Passes, class Inputs>
    void run(Passes const& passes, Inputs const& inputs) {
        team_->run([&](int r) {
            for (int s = passes.first_shard(r); s < passes.first_shard(r + 1); ++s) evaluate(*replicas_[r], inputs[s], results_[s]);
        });
    }
    /// The results of a term, to where those of all shards are.
    template <class Passes>
    void copy_term(std::size_t term, Passes& passes) const {
        for (int s = 0; s < passes.share().count; ++s)
            passes.results()[static_cast<std::size_t>(passes.share().first + s)] = results_[s][term];
    }

private:
    using shard_terms = std::array<shard_result, terms>;

    static void evaluate(replica& own, shard_input const& input, shard_terms& result) {
        result.fill(shard_result{.samples = input.samples});
        if (input.samples == 0) return;
        own.forward(input);
        auto const number_of = [&own](int buffer, double otherwise, std::size_t index = 0) {
            return buffer < 0 ? otherwise : static_cast<double>(own.template result<T>(buffer)[index]);
        };
        auto const samples = static_cast<double>(input.samples);
        for (std::size_t t = 0; t < terms; ++t)
            result[t] = {number_of(p.loss, 0.0, t), number_of(p.divisor, samples, t), number_of(p.correct, 0.0),
                         number_of(p.answers, samples), input.samples};
    }

    lockstep::team* team_;
    std::array<std::unique_ptr<replica>, replicas> replicas_;
    std::array<shard_terms, p.settings.shards> results_;
};

} // namespace detail

} // namespace lockstep
