// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/grid/parallel.hpp>
#include <lockstep/parallel/grid/rounding.hpp>
#include <lockstep/parallel/shard_passes.hpp>
#include <lockstep/train/evaluation.hpp>
#include <lockstep/train/grid/layout.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace lockstep::grid {

/// Passes over shards with layers as they are in use, on devices. Plan is the static_plan of an evaluation.
template <class Parallel, class Plan>
class shard_evaluations {
    using T = typename Parallel::element;
    using P = typename Parallel::devices::platform;
    static constexpr plan p = Plan::value;
    static constexpr int replicas = p.settings.replicas, own_shards = p.settings.shards / replicas;
    static constexpr input_layout slots = input_layout::of(p, own_shards * p.shard_samples(), 0);

public:
    static constexpr std::size_t terms = p.buffers[p.loss].shape.size();
    using sums = typename lockstep::detail::shard_evaluations<T, Plan>::sums;

    explicit shard_evaluations(Parallel& on) : model_(&on) {
        for (int r = 0; r < replicas; ++r) {
            int const device = Parallel::device(r);
            passes_.push_back(std::make_unique<replica<P>>(p, device, on.parameter_places_on(r), philox_key{}));
            inputs_.emplace_back(device, static_cast<std::size_t>(slots.end));
            given_.emplace_back(static_cast<std::size_t>(slots.end));
            found_.emplace_back(sizeof(T) * values_of_a_shard * static_cast<std::size_t>(own_shards));
        }
    }

    /// Evaluates all shards.
    template <class Passes, class Inputs>
    void run(Passes const&, Inputs const& inputs) {
        [[maybe_unused]] named_range<P> const range("the evaluation");
        model_->prepare_devices();
        for (int r = 0; r < replicas; ++r) start(r, inputs);
        for (int r = 0; r < replicas; ++r) {
            model_->wait_for(model_->stream(r));
            for (int k = 0; k < own_shards; ++k) results_[index(r * own_shards + k)] = result_of(r, k, inputs[index(r * own_shards + k)].samples);
        }
    }
    template <class Passes>
    void copy_term(std::size_t term, Passes& passes) const {
        for (std::size_t s = 0; s < results_.size(); ++s) passes.results()[s] = results_[s][term];
    }

private:
    using shard_terms = std::array<lockstep::detail::shard_result, terms>;
    /// The terms of a loss, what these are divided by, right answers and answers.
    static constexpr std::size_t values_of_a_shard = 2 * terms + 2;
    static constexpr std::size_t index(int number) { return static_cast<std::size_t>(number); }

    template <class Inputs>
    void start(int r, Inputs const& inputs) {
        using sample = typename Parallel::input_element;
        constexpr std::int64_t input = sample_bytes(p, buffer_kind::input), target = sample_bytes(p, buffer_kind::target);
        std::byte *const given = given_[index(r)].data(), *const memory = inputs_[index(r)].data();
        auto const& s = model_->stream(r);
        std::int64_t before = 0;
        for (int k = 0; k < own_shards; ++k) {
            shard_input const& shard = inputs[index(r * own_shards + k)];
            if (shard.samples == 0) continue;
            auto const send = [&](std::int64_t first, std::int64_t bytes) {
                if (bytes > 0) P::copy(s, memory + first, given + first, static_cast<std::size_t>(bytes));
            };
            std::int64_t const in = slots.inputs + before * input, to = slots.targets + before * target;
            put_as_stored<as_in_program<sample, typename Parallel::storage>>(
                given + in, static_cast<sample const*>(shard.inputs), shard.samples * Parallel::input_shape::size);
            send(in, shard.samples * input);
            if (target > 0) std::memcpy(given + to, shard.targets, static_cast<std::size_t>(shard.samples * target));
            send(to, shard.samples * target);
            shard_place const place{.inputs = memory + in, .targets = memory + to, .samples = shard.samples};
            passes_[index(r)]->run(s, place, 0, p.forward_count);
            before += shard.samples;
            std::byte* found = found_[index(r)].data() + sizeof(T) * values_of_a_shard * index(k);
            auto const keep = [&](int buffer, std::size_t count) {
                if (buffer >= 0) P::copy(s, found, passes_[index(r)]->address(place, buffer), count * sizeof(T));
                found += count * sizeof(T);
            };
            keep(p.loss, terms);
            keep(p.divisor, terms);
            keep(p.correct, 1);
            keep(p.answers, 1);
        }
    }

    shard_terms result_of(int r, int k, std::int64_t samples) const {
        shard_terms result;
        result.fill(lockstep::detail::shard_result{.samples = samples});
        if (samples == 0) return result;
        std::array<T, values_of_a_shard> found;
        std::memcpy(found.data(), found_[index(r)].data() + sizeof(found) * index(k), sizeof(found));
        auto const number_of = [&](int buffer, std::size_t at, double otherwise) {
            return buffer < 0 ? otherwise : static_cast<double>(found[at]);
        };
        auto const all = static_cast<double>(samples);
        for (std::size_t t = 0; t < terms; ++t)
            result[t] = {number_of(p.loss, t, 0.0), number_of(p.divisor, terms + t, all),
                         number_of(p.correct, 2 * terms, 0.0), number_of(p.answers, 2 * terms + 1, all), samples};
        return result;
    }

    Parallel* model_;
    std::vector<std::unique_ptr<replica<P>>> passes_;
    std::vector<typename P::memory> inputs_;
    std::vector<typename P::pinned> given_, found_;
    std::array<shard_terms, p.settings.shards> results_;
};

} // namespace lockstep::grid
