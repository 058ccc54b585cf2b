// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/batch_machine.hpp>
#include <lockstep/loader/collate.hpp>
#include <lockstep/loader/distributed.hpp>
#include <lockstep/loader/last_batch.hpp>
#include <lockstep/loader/position.hpp>
#include <lockstep/loader/sampler.hpp>
#include <lockstep/loader/transform/mapped.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

namespace lockstep {

/// Batches of a dataset, epoch after epoch, filled ahead by worker threads:
///
///     for (auto const& batch : loader) trainer.step(batch);   // a batch_view
///
/// Order and content depend on the dataset, its transforms, the sampler and the epoch alone. The last batch of an
/// epoch may be short, unless Last says otherwise. A batch is valid until the next one is asked for. For one consumer
/// at a time; the loop may be left and begun again at any point. Threads and memory, for prefetch + 1 batches, are
/// there from the first begin() until the loader is destroyed.
template <any_dataset Data, sampler Sampler, int Batch, last_batch Last = keep_last, class Collation = no_collation>
class loader {
    using machine = detail::batch_machine<Data, Sampler, Batch, Last, Collation>;

public:
    using sample_shape = typename Data::sample_shape;
    using batch_type = typename machine::batch_type;
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

    using recipe_type = typename machine::recipe_type;

    /// Throws usage_error where an epoch has fewer samples than a batch, and for impossible options.
    explicit loader(recipe_type recipe, loader_options options = {})
        : machine_(std::make_unique<machine>(std::move(recipe), options)) {
        check(options);
        auto const& made_of = machine_->recipe();
        if constexpr (requires { made_of.sampler.check(made_of.data.size()); })
            made_of.sampler.check(made_of.data.size());
        if constexpr (requires { made_of.collation.check(); }) made_of.collation.check();
        if (made_of.data.size() < 1 || made_of.samples() < Batch)
            throw usage_error{"batch<" + std::to_string(Batch) + ">: expected a dataset of at least " +
                              std::to_string(Batch) + " samples, found " + std::to_string(made_of.samples())};
    }
    loader(Data data, Sampler order, loader_options options = {})
        : loader(recipe_type{std::move(data), std::move(order)}, options) {}

    /// Samples that an epoch delivers, in all processes together.
    std::int64_t samples() const {
        auto const all = machine_->recipe().samples();
        return std::same_as<Last, drop_last> ? all / Batch * Batch : all;
    }
    /// Batches of an epoch, a short last one included.
    std::int64_t batches() const { return machine_->batches_from(0); }
    /// What the batches are made of.
    recipe_type const& recipe() const { return machine_->recipe(); }
    /// Ends a loop under way, and gives away what the batches were made of.
    recipe_type release() && { return machine_->release(); }

    /// Begins the next epoch: the first time epoch 0, then 1, and so on, whether the one before was run to
    /// its end or not. Throws sample_error, as ++ does, when the batch to come could not be read.
    iterator begin() {
        detail::epoch_run const run{next_epoch_++, std::exchange(first_sample_, 0)};
        is_placed_ = false;
        machine_->start(run);
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
        first_sample_ = 0;
        is_placed_ = true;
    }

    /// Where a loop goes on that is done with the current batch: in a loop's body, behind this batch; outside of
    /// one, at the begin of the next epoch.
    loader_position position() const {
        loader_position at{detail::seed_of(recipe().sampler), next_epoch(), first_sample_, recipe().samples()};
        if (!is_placed_ && !machine_->finished()) {
            auto const delivered = machine_->delivered();
            if (machine_->batches_from(delivered) > 0) {
                at.epoch = static_cast<std::int64_t>(machine_->epoch());
                at.sample = delivered;
            }
        }
        return at;
    }
    /// The next begin() goes on from there: the batches that follow are those that would have followed, with any
    /// number of workers. Throws usage_error for a position of another loader.
    void set_position(loader_position const& at) {
        auto const expect = [](char const* what, auto expected, auto found) {
            if (expected != found)
                throw usage_error{"set_position: expected a position with " + std::string{what} + " " +
                                  std::to_string(expected) + ", found " + std::to_string(found)};
        };
        expect("seed", detail::seed_of(recipe().sampler), at.seed);
        expect("samples", recipe().samples(), at.samples);
        if (at.sample < 0 || at.sample > at.samples)
            throw usage_error{"set_position: expected a sample of 0 to " + std::to_string(at.samples) + ", found " +
                              std::to_string(at.sample)};
        set_epoch(at.epoch);
        first_sample_ = at.sample;
    }

    /// Seconds that the consumer has waited for batches so far; without workers, those it took to fill them.
    double waiting() const { return machine_->waiting(); }

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
    std::int64_t first_sample_ = 0; // of the next epoch
    bool is_placed_ = true;         // no loop has begun there yet
};

template <class T>
inline constexpr bool is_loader = false;
template <any_dataset Data, sampler Sampler, int Batch, last_batch Last, class Collation>
inline constexpr bool is_loader<loader<Data, Sampler, Batch, Last, Collation>> = true;

} // namespace lockstep
