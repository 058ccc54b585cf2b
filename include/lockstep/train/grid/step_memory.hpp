// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/grid/parallel.hpp>
#include <lockstep/train/grid/kernels.hpp>
#include <lockstep/train/grid/layout.hpp>
#include <lockstep/train/optimizer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace lockstep::grid {

/// The memory of a training step on the replicas' devices, and the streams that use it: who finds what where, on the own
/// device and on others. Plan is the static_plan of a training step.
template <class Parallel, class Optimizer, class Options, class Plan>
class step_memory {
public:
    using T = typename Parallel::element;
    using P = typename Parallel::devices::platform;
    using stream = typename P::stream;
    static constexpr plan p = Plan::value;
    static constexpr int replicas = p.settings.replicas, shards = p.settings.shards, own_shards = shards / replicas;
    static constexpr int states = Optimizer::states;
    static constexpr bool meets = p.shards_advance_together();
    /// Whether the replicas' gradients are added by the platform, and each replica then updates all parameters. Otherwise every
    /// slice of a bucket has one owner, who adds the shards' gradients and updates it for all.
    static constexpr bool together = Parallel::reduces_together;
    /// Whether other processes have replicas too. What shards have in common is then all added by the platform.
    static constexpr bool across = Parallel::across_processes;
    static_assert(!across || own_shards == 1);

    using rules = std::array<decltype(rule_of_group<T>(std::declval<Optimizer const&>(), 0, 0)),
                             static_cast<std::size_t>(group_count<Optimizer>())>;
    using values = step_values<rules, typename Options::clip_type>;

    /// A batch, or rather what does not change from one batch to the next with as many samples.
    struct batch {
        std::array<sample_range, shards> parts{};
        /// Samples of all processes.
        std::int64_t whole = 0;
        accumulation how;
        bool is_sum = false;
        /// Which of its two places in memory.
        int slot = 0;
        /// Every shard keeps its values, in memory of its own.
        bool keeps_values = false;
    };

    explicit step_memory(Parallel& on) : model_(&on) {
        for (int r = 0; r < replicas; ++r) {
            int const device = Parallel::device(r);
            update_streams_.emplace_back(device);
            memory_.emplace_back(device, static_cast<std::size_t>(layout.end));
            states_.emplace_back(device, static_cast<std::size_t>(states * owned_elements(r)) * sizeof(T));
            for (int slot = 0; slot < 2; ++slot) inputs_.emplace_back(device, static_cast<std::size_t>(slots.end));
            for (int q = 0; q < replicas; ++q) reaches_[r][q] = r == q || P::reaches(device, Parallel::device(q));
        }
        passes_.resize(shards);
        for (int s = 0; s < shards; ++s)
            if (meets || s % own_shards == 0) make_memory_of(s);
    }

    static constexpr int replica_of(int shard) { return shard / own_shards; }
    stream const& compute(int r) const { return model_->stream(r); }
    stream const& update(int r) const { return update_streams_[index(r)]; }
    void synchronize() const {
        for (int r = 0; r < replicas; ++r) model_->wait_for(compute(r)), model_->wait_for(update(r));
    }

    // ---- memory ----

    static constexpr step_layout layout = step_layout::of(p, Options::accumulates, together, across);
    static constexpr input_layout slots = input_layout::of(p, own_shards * p.shard_samples(), sizeof(values));

    /// The samples of a batch, laid out as `slots` says.
    std::byte* inputs(int r, int slot) const { return inputs_[index(r * 2 + slot)].data(); }
    template <class U>
    U* place(int r, std::int64_t offset) const {
        return reinterpret_cast<U*>(memory_[index(r)].data() + offset);
    }
    T* gradient(int shard) const {
        return place<T>(replica_of(shard), layout.gradients + shard % own_shards * p.parameter_bytes());
    }
    static constexpr bool rounds = Parallel::rounds;
    T* parameters(int r) const { return reinterpret_cast<T*>(model_->parameters_on(r)); }
    /// The mean gradient takes the place of a replica's first shard's.
    T* mean(int r) const { return place<T>(r, layout.gradients); }

    /// The elements of a bucket that a replica updates.
    static constexpr bucket_slice owned(int r, int number) {
        bucket const& b = p.buckets[index(number)];
        return together ? bucket_slice{b.begin, b.end} : slice_of(b, r, replicas);
    }
    /// Those of the first so many buckets.
    static constexpr std::int64_t owned_elements(int r, int bucket_count = static_cast<int>(p.buckets.size())) {
        std::int64_t sum = 0;
        for (int b = 0; b < bucket_count; ++b) sum += size_of(owned(r, b));
        return sum;
    }
    /// What the optimizer keeps for a replica's slice of a bucket, addressed as the parameters are.
    T* state(int r, int number, int of_bucket) const {
        return reinterpret_cast<T*>(states_[index(r)].data()) + number * owned_elements(r) + owned_elements(r, of_bucket) -
               owned(r, of_bucket).begin;
    }

    /// Memory for the values of every shard.
    void keep_all_values() {
        for (int s = 0; s < shards; ++s)
            if (passes_[index(s)] == nullptr) make_memory_of(s);
    }

    bool takes_part(batch const& b, int shard) const { return meets || b.parts[index(shard)].count > 0; }

protected:
    static constexpr std::size_t index(int number) { return static_cast<std::size_t>(number); }
    static constexpr std::int64_t size_of(bucket_slice const& s) { return s.end - s.begin; }

    /// Shards of one replica use the same memory one after the other, unless all of them keep their values.
    replica<P> const& memory_of(int shard, batch const& b) const {
        return *passes_[index(meets || b.keeps_values ? shard : replica_of(shard) * own_shards)];
    }
    T* address(int shard, batch const& b, int buffer) const {
        return memory_of(shard, b).template address<T>(place_of(shard, b), buffer);
    }
    values const* values_of(int r, batch const& b) const { return reinterpret_cast<values const*>(inputs(r, b.slot)); }

    shard_place place_of(int shard, batch const& b) const {
        int const r = replica_of(shard);
        std::byte* const samples = inputs(r, b.slot);
        std::int64_t const before = b.parts[index(shard)].first - b.parts[index(r * own_shards)].first;
        return {.inputs = samples + slots.inputs + before * sample_bytes(p, buffer_kind::input),
                .targets = samples + slots.targets + before * sample_bytes(p, buffer_kind::target),
                .gradients = reinterpret_cast<std::byte*>(gradient(shard)),
                .samples = b.parts[index(shard)].count,
                .first_sample = b.parts[index(shard)].first,
                .step = &values_of(r, b)->step,
                .loss_scale = &values_of(r, b)->loss_scale};
    }

    // ---- other replicas' memory ----

    bool reaches(int r, int q) const {
        if constexpr (replicas == 1) return true;
        else return reaches_[r][q];
    }

    /// The same place of the memory of a step in all replicas that a kernel of this one's reaches, its own first.
    template <class U>
    places<U> everywhere(int r, std::int64_t offset) const {
        return everywhere_reached<U>(r, [&](int q) { return place<U>(q, offset); });
    }
    places<T> parameters_everywhere(int r) const {
        return everywhere_reached<T>(r, [&](int q) { return parameters(q); });
    }
    template <class U, class Place>
    places<U> everywhere_reached(int r, Place const& of) const {
        places<U> all;
        all.at[all.count++] = of(r);
        for (int q = 0; q < replicas; ++q)
            if (q != r && reaches(r, q)) all.at[all.count++] = of(q);
        return all;
    }
    /// Where a replica writes what it has reduced: for all, or where each does that, for itself.
    template <class U, class Place>
    places<U> where_reduced(int r, Place const& of) const {
        if constexpr (together) {
            places<U> own;
            own.at[own.count++] = of(r);
            return own;
        } else return everywhere_reached<U>(r, of);
    }
    /// And copies for those that it does not reach, of elements first to first + count - 1.
    template <class U>
    void publish(stream const& s, int r, std::int64_t offset, std::int64_t first, std::int64_t count) const {
        for (int q = 0; q < replicas; ++q)
            if (!reaches(r, q)) copy(s, place<U>(q, offset) + first, place<U>(r, offset) + first, count);
    }
    void publish_parameters(int r, std::int64_t first, std::int64_t count) const {
        for (int q = 0; q < replicas; ++q) {
            if (reaches(r, q)) continue;
            copy(update(r), parameters(q) + first, parameters(r) + first, count);
            if constexpr (rounds)
                copy(update(r), model_->rounded_parameters_on(q) + first, model_->rounded_parameters_on(r) + first, count);
        }
    }
    /// Elements of another replica's, where this one's kernels read them, addressed as they are there.
    T const* bring(stream const& s, int r, int q, T const* theirs, std::int64_t first, std::int64_t count, std::int64_t offset) const {
        if (reaches(r, q)) return theirs;
        T* const own = place<T>(r, offset);
        copy(s, own, theirs + first, count);
        return own - first;
    }
    template <class U>
    static void copy(stream const& s, U* to, U const* from, std::int64_t count) {
        P::copy(s, reinterpret_cast<std::byte*>(to), reinterpret_cast<std::byte const*>(from), static_cast<std::size_t>(count) * sizeof(U));
    }

    Parallel& model() const { return *model_; }

private:
    void make_memory_of(int shard) {
        int const r = replica_of(shard);
        passes_[index(shard)] = std::make_unique<replica<P>>(p, Parallel::device(r), model_->parameter_places_on(r),
                                                             make_key(model_->initial_seed().value));
    }
    Parallel* model_;
    std::vector<stream> update_streams_;
    std::vector<typename P::memory> memory_, states_, inputs_;
    std::vector<std::unique_ptr<replica<P>>> passes_;
    bool reaches_[replicas][replicas] = {};
};

} // namespace lockstep::grid
