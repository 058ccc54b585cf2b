// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/collate.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/last_batch.hpp>
#include <lockstep/loader/sampler.hpp>
#include <lockstep/loader/slot_memory.hpp>
#include <lockstep/loader/transform/mapped.hpp>
#include <lockstep/loader/worker_ring.hpp>
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

/// A sample could not be read. The dataset's own exception is nested in this one (std::rethrow_if_nested).
class sample_error : public data_error {
public:
    sample_error(std::int64_t sample, std::string const& text) : data_error(text), sample_(sample) {}

    /// The sample's index in the dataset.
    std::int64_t sample() const { return sample_; }

private:
    std::int64_t sample_;
};

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

/// What the exception says that is being handled.
inline std::string text_of_exception() {
    try {
        throw;
    } catch (std::exception const& cause) {
        return cause.what();
    } catch (...) {
        return "what was thrown is no std::exception";
    }
}

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

    void configure(loader_options options) {
        ring_.reset();
        options_ = options;
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
    std::int64_t count_from(std::int64_t first) const {
        return std::min<std::int64_t>(Batch, recipe_.samples() - first);
    }

    using inputs_view = tensor_view<element, sample_shape>;
    using targets_view = tensor_view<target, sample_target_shape<Data>>;

    void fill(epoch_run const& run, std::int64_t batch, int slot, std::atomic<bool> const& abandoned) const {
        auto const first = first_of(run, batch);
        inputs_view const into{inputs(slot), count_from(first)};
        targets_view const into_targets{targets(slot), into.count()};
        auto const where = [&] { return "batch " + std::to_string(batch) + " of epoch " + std::to_string(run.epoch); };

        // Samples are looked up, and their dataset is told of them, some before their turn: memory is slow to come.
        auto order = recipe_.sampler.order(recipe_.data.size(), run.epoch);
        std::array<std::int64_t, samples_ahead> coming{};
        auto const look_up = [&](std::int64_t i) {
            if (i >= into.count()) return;
            auto const sample = order(first + i);
            coming[static_cast<std::size_t>(i % samples_ahead)] = sample;
            if constexpr (requires { recipe_.data.expect(sample); }) recipe_.data.expect(sample);
        };
        for (std::int64_t i = 0; i < samples_ahead; ++i) look_up(i);
        for (std::int64_t i = 0; i < into.count(); ++i) {
            if (abandoned.load(std::memory_order_relaxed)) return;
            auto const sample = coming[static_cast<std::size_t>(i % samples_ahead)];
            look_up(i + samples_ahead);
            try {
                draw_sample(recipe_.data, sample, into[i], into_targets[i],
                            {run.epoch, repeats_samples<Sampler> ? first + i : sample});
            } catch (...) {
                std::throw_with_nested(sample_error{
                    sample, "sample " + std::to_string(sample) + " (" + where() + "): " + text_of_exception()});
            }
        }
        try {
            collate(into, into_targets, {run.epoch, first});
        } catch (...) {
            std::throw_with_nested(data_error{where() + ": " + text_of_exception()});
        }
        if constexpr (std::same_as<Last, pad_last>) {
            pad(into.data(), into.size(), Batch * sample_shape::size);
            pad(into_targets.data(), into_targets.size(), Batch * sample_targets);
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
        auto const first = first_of(ring_->run(), ring_->position());
        auto const count = count_from(first);
        current_.inputs = {inputs(slot), count};
        current_.targets = {targets(slot), static_cast<std::size_t>(count * sample_targets)};
        current_.first = first;
        if constexpr (std::same_as<Last, pad_last>) current_.padding = Batch - count;
    }

    recipe_type recipe_;
    loader_options options_;
    slot_memory memory_;
    batch_type current_;
    std::chrono::steady_clock::duration waiting_{};
    std::optional<worker_ring<filler>> ring_; // the last: its threads end before what they use
};

} // namespace detail
} // namespace lockstep
