// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/grid/replica.hpp>
#include <lockstep/parallel/grid/rounding.hpp>
#include <lockstep/train/step_call.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

namespace lockstep::grid {

/// The way of batches to the devices: a batch has one of two places, so that the next one is copied while devices are at
/// this one. Work is the step_work of a training.
template <class Parallel, class Work>
class batch_inputs {
    using P = typename Work::P;
    using call = lockstep::detail::step_call<Work::shards>;

public:
    batch_inputs() {
        for (int r = 0; r < Work::replicas; ++r) {
            copies_.emplace_back(Parallel::device(r));
            for (int slot = 0; slot < 2; ++slot) {
                given_.emplace_back(static_cast<std::size_t>(Work::slots.end));
                copied_.emplace_back(Parallel::device(r));
            }
        }
        for (int slot = 0; slot < 2; ++slot) done_.emplace_back(Parallel::device(0));
    }

    /// A batch and what its step is told, to all replicas; the first one's passes wait for it. Its place must not be in use
    /// any more, on the host by copies, on the devices by the step before the last one.
    void take(Parallel& model, Work const& work, typename Work::values const& told, call const& what,
              typename Work::batch const& b) {
        constexpr std::int64_t target = sample_bytes(Work::p, buffer_kind::target);
        for (int r = 0; r < Work::replicas; ++r) {
            std::byte* const given = given_[index(2 * r + b.slot)].data();
            auto const& copied = copied_[index(2 * r + b.slot)];
            model.wait_for(copied);
            new (given) typename Work::values(told);
            std::int64_t const samples = put_samples(given, r, what);
            auto const& s = copies_[index(r)];
            s.wait(done_[index(b.slot)]);
            std::byte* const memory = work.inputs(r, b.slot);
            P::copy(s, memory, given,
                    static_cast<std::size_t>(Work::slots.inputs + samples * sample_bytes(Work::p, buffer_kind::input)));
            if (target > 0 && samples > 0)
                P::copy(s, memory + Work::slots.targets, given + Work::slots.targets, static_cast<std::size_t>(samples * target));
            s.record(copied);
            work.compute(0).wait(copied);
        }
    }
    /// Behind the last use of a place.
    void release(Work const& work, int slot) const { work.compute(0).record(done_[index(slot)]); }
    void synchronize(Parallel& model) const {
        for (auto const& s : copies_) model.wait_for(s);
    }

private:
    static constexpr std::size_t index(int number) { return static_cast<std::size_t>(number); }

    /// Those of a replica's shards, one behind the other. Returns how many.
    static std::int64_t put_samples(std::byte* given, int r, call const& what) {
        using sample = typename Parallel::input_element;
        constexpr std::int64_t input = sample_bytes(Work::p, buffer_kind::input);
        constexpr std::int64_t target = sample_bytes(Work::p, buffer_kind::target);
        std::int64_t samples = 0;
        for (int s = r * Work::own_shards; s < (r + 1) * Work::own_shards; ++s) {
            shard_input const& shard = what.inputs[index(s)];
            if (shard.samples == 0) continue;
            put_as_stored<as_in_program<sample, typename Parallel::storage>>(
                given + Work::slots.inputs + samples * input, static_cast<sample const*>(shard.inputs),
                shard.samples * Parallel::input_shape::size);
            if (target > 0)
                std::memcpy(given + Work::slots.targets + samples * target, shard.targets,
                            static_cast<std::size_t>(shard.samples * target));
            samples += shard.samples;
        }
        return samples;
    }

    std::vector<typename P::stream> copies_;
    std::vector<typename P::pinned> given_;
    std::vector<typename P::event> copied_, done_;
};

} // namespace lockstep::grid
