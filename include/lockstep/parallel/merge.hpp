// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/reduce.hpp>
#include <lockstep/plan/plan.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace lockstep::detail {

// Not inlined: where a compiler may contract a product with the sum that it goes into, it would do so here and not
// there, and the bits of a sum would depend on who adds what.

/// What a shard's observation counts: of no samples nothing was observed.
template <class T>
[[gnu::noinline]] constexpr T observed_by(merge_rule const& rule, T observation, std::int64_t samples) {
    if (samples == 0) return rule.how == merge_kind::maximum ? std::numeric_limits<T>::lowest() : T(0);
    return rule.how == merge_kind::average ? observation * static_cast<T>(samples) : observation;
}
/// Changes a state by what all shards together observed: a sum over them, or the largest.
template <class T>
[[gnu::noinline]] constexpr void merge_into(T& state, T observed, T samples, merge_rule const& rule) {
    if (rule.how == merge_kind::average) state += static_cast<T>(rule.momentum) * (observed / samples - state);
    else if (rule.how == merge_kind::sum) state += observed;
    else state = std::max(state, observed);
}

/// Calls work(declared, element) for every element of the states that are observed, of each of `owners` for its share.
template <class Work>
void for_own_states(plan const& p, int owner, int owners, Work const& work) {
    int number = 0;
    for (std::size_t i = 0; i < p.parameters.size(); ++i) {
        if (!p.parameters[i].observed || number++ % owners != owner) continue;
        std::int64_t const begin = p.parameter_offsets[i];
        for (std::int64_t e = begin; e < begin + p.parameters[i].declared.shape.size(); ++e)
            work(p.parameters[i].declared, e);
    }
}

/// Merges what the shards of a batch observed into a model's states, element by element, as each state's rule says.
/// Every replica calls this and does some of the states. `observations` and `parameters` are laid out alike;
/// samples(shard) is how many a shard had, and with none it observed nothing.
template <int Shards, class T, class Samples>
void merge_states(plan const& p, std::array<T const*, Shards> const& observations, Samples const& samples, T* parameters,
                  int replica) {
    T const total = static_cast<T>(sum_over_shards<Shards>([&](int s) { return samples(s); }));
    for_own_states(p, replica, p.settings.replicas, [&](local_parameter const& declared, std::int64_t e) {
        auto const seen = [&](int s) { return observed_by(declared.merge, observations[s][e], samples(s)); };
        T observed;
        if (declared.merge.how == merge_kind::maximum) {
            observed = seen(0);
            for (int s = 1; s < Shards; ++s) observed = std::max(observed, seen(s));
        } else observed = sum_over_shards<Shards>(seen);
        merge_into(parameters[e], observed, total, declared.merge);
    });
}

} // namespace lockstep::detail
