// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/collate.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/distributed.hpp>
#include <lockstep/loader/last_batch.hpp>
#include <lockstep/loader/sample_error.hpp>
#include <lockstep/loader/sampler.hpp>
#include <lockstep/loader/slot_memory.hpp>
#include <lockstep/loader/transform/mapped.hpp>
#include <lockstep/loader/worker_ring.hpp>
#include <lockstep/plan/settings.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace lockstep {

/// How a loader works; nothing of it changes what it delivers.
struct loader_options {
    /// Threads that fill batches; with none, the thread that asks for a batch fills it.
    int workers = 0;
    /// Batches that the workers may be ahead of the consumer.
    int prefetch = 2;
    /// Whether to lock the batches' pages in memory.
    bool pin = false;
};

namespace detail {

/// What is delivered, and in which order: all that a loader's content depends on.
template <any_dataset Data, sampler Sampler, class Collation>
struct batch_recipe {
    Data data;
    Sampler sampler;
    Collation collation{};
    seed collation_seed{};

    /// Samples of an epoch.
    std::int64_t samples() const { return epoch_length(sampler, data.size()); }
};

/// What a loader is made of, at one address for the threads to refer to.
template <any_dataset Data, sampler Sampler, int Batch, last_batch Last, class Collation>
class batch_machine {
public:
    using recipe_type = batch_recipe<Data, Sampler, Collation>;
    using sample_shape = typename Data::sample_shape;
    using batch_type = typename loader_batch<Data, Last>::type;

    batch_machine(recipe_type recipe, loader_options options) : recipe_(std::move(recipe)), options_(options) {}

    recipe_type const& recipe() const { return recipe_; }
    recipe_type release() {
        ring_.reset();
        return std::move(recipe_);
    }
    /// Batches of an epoch from one of its samples on.
    std::int64_t batches_from(std::int64_t sample) const {
        auto const left = recipe_.samples() - sample;
        return std::same_as<Last, drop_last> ? left / Batch : (left + Batch - 1) / Batch;
    }
    loader_options options() const { return options_; }
    distributed part() const { return part_; }

    void configure(loader_options options) {
        ring_.reset();
        options_ = options;
    }
    void configure(distributed part) {
        ring_.reset();
        part_ = part;
    }

    /// Allocates the slots and starts the threads, if that is still to be done.
    void prepare() {
        if (ring_) return;
        auto const ahead = options_.workers == 0 ? 0 : std::int64_t{options_.prefetch};
        auto const slots = std::min(ahead + 1, batches_from(0));
        memory_ = slot_memory{static_cast<std::size_t>(slots * slot_bytes), options_.pin};
        ring_.emplace(static_cast<int>(slots), options_.workers, filler{this});
    }

    void start(epoch_run run) {
        prepare();
        ring_->start(run, batches_from(run.first_sample));
        if (!finished()) take();
    }

    void next() {
        if (finished()) return;
        ring_->release();
        if (!finished()) take();
    }

    bool finished() const { return !ring_ || ring_->position() == ring_->batches(); }
    bool pinned() const { return memory_.pinned(); }
    batch_type const& current() const { return current_; }
    /// The epoch under way, and how many of its samples are delivered with the current batch; not at its end.
    std::uint64_t epoch() const { return ring_->run().epoch; }
    std::int64_t delivered() const {
        return std::min(first_of(ring_->run(), ring_->position() + 1), recipe_.samples());
    }
    double waiting() const { return std::chrono::duration<double>(waiting_).count(); }

private:
    using element = sample_element<Data>;
    using target = sample_target<Data>;
    /// Targets of one sample.
    static constexpr std::int64_t sample_targets = sample_target_shape<Data>::size;
    static constexpr std::int64_t input_bytes =
        align_up(Batch * sample_shape::size * std::int64_t{sizeof(element)});
    static constexpr std::int64_t slot_bytes =
        input_bytes + align_up(Batch * sample_targets * std::int64_t{sizeof(target)});

    static constexpr std::int64_t samples_ahead = 4;

    struct filler {
        batch_machine const* machine;

        void operator()(epoch_run const& run, std::int64_t batch, int slot,
                        std::atomic<bool> const& abandoned) const {
            machine->fill(run, batch, slot, abandoned);
        }
    };

    element* inputs(int slot) const { return reinterpret_cast<element*>(memory_.data() + slot * slot_bytes); }
    target* targets(int slot) const {
        return reinterpret_cast<target*>(memory_.data() + slot * slot_bytes + input_bytes);
    }
    static std::int64_t first_of(epoch_run const& run, std::int64_t batch) {
        return run.first_sample + batch * Batch;
    }
    /// Samples of the batch that begins there, in all processes together.
    std::int64_t whole_from(std::int64_t first) const {
        return std::min<std::int64_t>(Batch, recipe_.samples() - first);
    }
    /// Those of it that are read here: this process's, except that a collation sees the whole batch, and that
    /// repetitions are of one sample at least.
    sample_range read_from(std::int64_t first) const {
        auto const whole = whole_from(first);
        auto const own = part_.part_of(whole);
        if constexpr (!std::same_as<Collation, no_collation>) return {0, whole};
        else if (std::same_as<Last, pad_last> && own.count == 0) return {0, 1};
        else return own;
    }

    using inputs_view = tensor_view<element, sample_shape>;
    using targets_view = tensor_view<target, sample_target_shape<Data>>;

    void fill(epoch_run const& run, std::int64_t batch, int slot, std::atomic<bool> const& abandoned) const {
        auto const first = first_of(run, batch);
        auto const read = read_from(first);
        inputs_view const into{inputs(slot), read.count};
        targets_view const into_targets{targets(slot), read.count};
        std::int64_t failed = -1; // the sample that is being read
        try {
            sample_range const positions{first + read.first, read.count};
            for_samples(run.epoch, positions, [&](std::int64_t i, std::int64_t sample, draw which) {
                failed = sample;
                draw_sample(recipe_.data, sample, into[i], into_targets[i], which);
                return !abandoned.load(std::memory_order_relaxed);
            });
            failed = -1;
            if (abandoned.load(std::memory_order_relaxed)) return;
            collate(into, into_targets, {run.epoch, first});
        } catch (...) {
            auto const where = "batch " + std::to_string(batch) + " of epoch " + std::to_string(run.epoch);
            if (failed < 0) std::throw_with_nested(data_error{where + ": " + text_of_exception()});
            throw_sample_error(failed, where);
        }
        if constexpr (std::same_as<Last, pad_last>) {
            pad(into.data(), into.size(), Batch * sample_shape::size);
            pad(into_targets.data(), into_targets.size(), Batch * sample_targets);
        }
    }

    /// Calls read(i, sample, draw) for the samples at these positions of an epoch while it returns true. They are
    /// looked up, and their dataset is told of them, some before their turn: memory is slow to come.
    template <class Read>
    void for_samples(std::uint64_t epoch, sample_range positions, Read read) const {
        auto order = recipe_.sampler.order(recipe_.data.size(), epoch);
        std::array<std::int64_t, samples_ahead> coming{};
        auto const look_up = [&](std::int64_t i) {
            if (i >= positions.count) return;
            auto const sample = order(positions.first + i);
            coming[static_cast<std::size_t>(i % samples_ahead)] = sample;
            if constexpr (requires { recipe_.data.expect(sample); }) recipe_.data.expect(sample);
        };
        for (std::int64_t i = 0; i < samples_ahead; ++i) look_up(i);
        for (std::int64_t i = 0; i < positions.count; ++i) {
            auto const sample = coming[static_cast<std::size_t>(i % samples_ahead)];
            look_up(i + samples_ahead);
            if (!read(i, sample, {epoch, repeats_samples<Sampler> ? positions.first + i : sample})) return;
        }
    }

    void collate(inputs_view into, targets_view into_targets, draw which) const {
        if constexpr (std::invocable<Collation const&, inputs_view, targets_view>) {
            recipe_.collation(into, into_targets);
        } else {
            sample_random random{recipe_.collation_seed, which, transforms_before<Data>};
            recipe_.collation(into, into_targets, random);
        }
    }

    /// Fills up with repetitions of what is there.
    template <class T>
    static void pad(T* elements, std::int64_t size, std::int64_t full) {
        for (std::int64_t i = size; i < full; ++i) elements[i] = elements[i - size];
    }

    void take() {
        auto const before = std::chrono::steady_clock::now();
        auto const slot = ring_->take();
        waiting_ += std::chrono::steady_clock::now() - before;
        auto const batch_first = first_of(ring_->run(), ring_->position());
        auto const whole = whole_from(batch_first);
        auto const own = part_.part_of(whole);
        // Where this process's samples lie among those that were read.
        auto const skipped = std::max<std::int64_t>(own.first - read_from(batch_first).first, 0);
        current_.inputs = {inputs(slot) + skipped * sample_shape::size, own.count};
        current_.targets = {targets(slot) + skipped * sample_targets,
                            static_cast<std::size_t>(own.count * sample_targets)};
        current_.first = batch_first + own.first;
        current_.whole = part_.ranks() > 1 ? whole : 0;
        current_.offset = own.first;
        if constexpr (std::same_as<Last, pad_last>) current_.padding = part_.part_of(Batch).count - own.count;
    }

    recipe_type recipe_;
    loader_options options_;
    distributed part_{0, 1};
    slot_memory memory_;
    batch_type current_;
    std::chrono::steady_clock::duration waiting_{};
    std::optional<worker_ring<filler>> ring_; // the last: its threads end before what they use
};

} // namespace detail
} // namespace lockstep
