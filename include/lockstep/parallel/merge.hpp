// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/reduce.hpp>
#include <lockstep/plan/plan.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace lockstep::detail {

/// Merges what the shards of a batch observed into a model's states, element by element, as each state's rule says.
/// Every replica calls this and does some of the states. `observations` and `parameters` are laid out alike;
/// samples(shard) is how many a shard had, and with none it observed nothing.
template <int Shards, class T, class Samples>
void merge_states(plan const& p, std::array<T const*, Shards> const& observations, Samples const& samples, T* parameters,
                  int replica) {
    T const total = static_cast<T>(sum_over_shards<Shards>([&](int s) { return samples(s); }));
    int number = 0;
    for (std::size_t i = 0; i < p.parameters.size(); ++i) {
        local_parameter const& declared = p.parameters[i].declared;
        if (declared.is_trained() || number++ % p.settings.replicas != replica || !p.parameters[i].observed) continue;
        std::int64_t const begin = p.parameter_offsets[i], end = begin + declared.shape.size();
        for (std::int64_t e = begin; e < end; ++e) {
            auto const seen = [&](int s, T weight, T nothing) { return samples(s) == 0 ? nothing : observations[s][e] * weight; };
            if (declared.merge.how == merge_kind::average) {
                T const sum = sum_over_shards<Shards>([&](int s) { return seen(s, static_cast<T>(samples(s)), T(0)); });
                parameters[e] += static_cast<T>(declared.merge.momentum) * (sum / total - parameters[e]);
            } else if (declared.merge.how == merge_kind::sum) {
                parameters[e] += sum_over_shards<Shards>([&](int s) { return seen(s, T(1), T(0)); });
            } else {
                for (int s = 0; s < Shards; ++s)
                    parameters[e] = std::max(parameters[e], seen(s, T(1), std::numeric_limits<T>::lowest()));
            }
        }
    }
}

} // namespace lockstep::detail
