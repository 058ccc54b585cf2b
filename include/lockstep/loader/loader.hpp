// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/distributed.hpp>
#include <lockstep/loader/sampler.hpp>
#include <lockstep/loader/slot_memory.hpp>
#include <lockstep/loader/worker_ring.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
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

/// What a loader is made of, at one address for the threads to refer to.
template <dataset Data, sampler Sampler, int Batch>
class batch_machine {
public:
    using sample_shape = typename Data::sample_shape;
    using batch_type = sample_batch<Data>;

    batch_machine(Data data, Sampler sampler, loader_options options)
        : data_(std::move(data)), sampler_(std::move(sampler)), options_(options) {}

    std::int64_t samples() const { return data_.size(); }
    std::int64_t batches() const { return (samples() + Batch - 1) / Batch; }
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
        auto const slots = std::min(ahead + 1, batches());
        memory_ = slot_memory{static_cast<std::size_t>(slots * slot_bytes), options_.pin};
        ring_.emplace(static_cast<int>(slots), options_.workers, filler{this});
    }

    void start(std::uint64_t epoch) {
        prepare();
        ring_->start(epoch, batches());
        take();
    }

    void next() {
        if (finished()) return;
        ring_->release();
        if (!finished()) take();
    }

    bool finished() const { return !ring_ || ring_->position() == ring_->batches(); }
    bool pinned() const { return memory_.pinned(); }
    batch_type const& current() const { return current_; }

private:
    using element = sample_element<Data>;
    using target = sample_target<Data>;
    /// Targets of one sample.
    static constexpr std::int64_t sample_targets = sample_target_shape<Data>::size;
    static constexpr std::int64_t input_bytes =
        align_up(Batch * sample_shape::size * std::int64_t{sizeof(element)});
    static constexpr std::int64_t slot_bytes =
        input_bytes + align_up(Batch * sample_targets * std::int64_t{sizeof(target)});

    struct filler {
        batch_machine const* machine;

        void operator()(std::uint64_t epoch, std::int64_t batch, int slot,
                        std::atomic<bool> const& abandoned) const {
            machine->fill(epoch, batch, slot, abandoned);
        }
    };

    element* inputs(int slot) const { return reinterpret_cast<element*>(memory_.data() + slot * slot_bytes); }
    target* targets(int slot) const {
        return reinterpret_cast<target*>(memory_.data() + slot * slot_bytes + input_bytes);
    }
    /// Samples of a batch in all processes together.
    std::int64_t whole(std::int64_t batch) const { return std::min<std::int64_t>(Batch, samples() - batch * Batch); }
    /// Those of this process, by their positions in the epoch.
    sample_range part(std::int64_t batch) const {
        sample_range const part = part_.part_of(whole(batch));
        return {batch * Batch + part.first, part.count};
    }

    void fill(std::uint64_t epoch, std::int64_t batch, int slot, std::atomic<bool> const& abandoned) const {
        sample_range const positions = part(batch);
        tensor_view<element, sample_shape> const into{inputs(slot), positions.count};
        tensor_view<target, sample_target_shape<Data>> const into_targets{targets(slot), positions.count};
        auto const order = sampler_.order(samples(), epoch);
        auto next = order(positions.first);
        for (std::int64_t i = 0; i < into.count(); ++i) {
            if (abandoned.load(std::memory_order_relaxed)) return;
            auto const sample = next;
            if (i + 1 < into.count()) {
                next = order(positions.first + i + 1);
                expect_sample(data_, next);
            }
            auto const where = [&] {
                return "sample " + std::to_string(sample) + " (batch " + std::to_string(batch) + " of epoch " +
                       std::to_string(epoch) + "): ";
            };
            try {
                read_sample(data_, sample, into[i], into_targets[i]);
            } catch (std::exception const& cause) {
                std::throw_with_nested(sample_error{sample, where() + cause.what()});
            } catch (...) {
                std::throw_with_nested(
                    sample_error{sample, where() + "the dataset threw what is no std::exception"});
            }
        }
    }

    void take() {
        auto const batch = ring_->position();
        auto const slot = ring_->take();
        sample_range const positions = part(batch);
        current_.inputs = {inputs(slot), positions.count};
        current_.targets = {targets(slot), static_cast<std::size_t>(positions.count * sample_targets)};
        current_.first = positions.first;
        current_.whole = part_.ranks() > 1 ? whole(batch) : 0;
        current_.offset = positions.first - batch * Batch;
    }

    Data data_;
    Sampler sampler_;
    loader_options options_;
    distributed part_{0, 1};
    slot_memory memory_;
    batch_type current_;
    std::optional<worker_ring<filler>> ring_; // the last: its threads end before what they use
};

} // namespace detail

/// Batches of a dataset, epoch after epoch, filled ahead by worker threads:
///
///     for (auto const& batch : loader) trainer.step(batch);   // a batch_view
///
/// Order and content depend on the dataset, the sampler and the epoch alone. The last batch of an epoch may
/// be short. A batch is valid until the next one is asked for. For one consumer at a time; the loop may be
/// left and begun again at any point. Threads and memory, for prefetch + 1 batches, are there from the first
/// begin() until the loader is destroyed.
template <dataset Data, sampler Sampler, int Batch>
class loader {
    using machine = detail::batch_machine<Data, Sampler, Batch>;

public:
    using sample_shape = typename Data::sample_shape;
    using batch_type = sample_batch<Data>;
    static constexpr int batch_size = Batch;

    /// An input iterator: one position, that of the loader.
    class iterator {
    public:
        using value_type = batch_type;
        using difference_type = std::ptrdiff_t;

        iterator() = default;
        explicit iterator(machine* source) : source_(source) {}

        batch_type const& operator*() const { return source_->current(); }
        batch_type const* operator->() const { return &source_->current(); }
        iterator& operator++() {
            source_->next();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(iterator const& at, std::default_sentinel_t) { return at.source_->finished(); }

    private:
        machine* source_ = nullptr;
    };

    /// Throws usage_error where the dataset has fewer samples than a batch, and for impossible options.
    loader(Data data, Sampler sampler, loader_options options = {})
        : machine_(std::make_unique<machine>(std::move(data), std::move(sampler), options)) {
        check(options);
        if (samples() < Batch)
            throw usage_error{"batch<" + std::to_string(Batch) + ">: expected a dataset of at least " +
                              std::to_string(Batch) + " samples, found " + std::to_string(samples())};
    }

    /// Samples of an epoch, in all processes together.
    std::int64_t samples() const { return machine_->samples(); }
    /// Batches of an epoch, a short last one included.
    std::int64_t batches() const { return machine_->batches(); }

    /// Begins the next epoch: the first time epoch 0, then 1, and so on, whether the one before was run to
    /// its end or not. Throws sample_error, as ++ does, when the batch to come could not be read.
    iterator begin() {
        machine_->start(next_epoch_++);
        return iterator{machine_.get()};
    }
    std::default_sentinel_t end() const { return {}; }

    /// The epoch that begin() will run.
    std::int64_t next_epoch() const { return static_cast<std::int64_t>(next_epoch_); }
    /// To go on with an earlier run. Throws usage_error for a negative epoch.
    void set_epoch(std::int64_t epoch) {
        if (epoch < 0)
            throw usage_error{"set_epoch: expected an epoch of at least 0, found " + std::to_string(epoch)};
        next_epoch_ = static_cast<std::uint64_t>(epoch);
    }

    loader_options options() const { return machine_->options(); }
    /// Ends a loop under way. Throws usage_error for impossible options.
    void set_options(loader_options options) {
        check(options);
        machine_->configure(options);
    }

    /// Which part of every batch is delivered.
    distributed part() const { return machine_->part(); }
    /// Ends a loop under way.
    void set_part(distributed part) { machine_->configure(part); }

    /// Whether the batches' pages are locked in memory: asked for, and allowed by the system.
    bool pinned() {
        machine_->prepare();
        return machine_->pinned();
    }

private:
    static void check(loader_options options) {
        if (options.workers < 0)
            throw usage_error{"workers(" + std::to_string(options.workers) + "): expected 0 threads or more"};
        if (options.prefetch < 1)
            throw usage_error{"prefetch(" + std::to_string(options.prefetch) + "): expected 1 batch or more"};
    }

    std::unique_ptr<machine> machine_;
    std::uint64_t next_epoch_ = 0;
};

template <class T>
inline constexpr bool is_loader = false;
template <dataset Data, sampler Sampler, int Batch>
inline constexpr bool is_loader<loader<Data, Sampler, Batch>> = true;

} // namespace lockstep
