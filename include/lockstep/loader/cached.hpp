// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/dataset_stage.hpp>
#include <lockstep/tensor/memory.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace lockstep {

/// A dataset whose samples are kept in memory once read: what `data | cached` makes. Each is read once, by the first
/// thread that asks for it; others that want the same one wait. One that throws is asked for again the next time.
/// Memory is reserved for all samples and used by those that were read. Copies share the memory.
template <dataset Data>
class cached_dataset {
public:
    using sample_shape = typename Data::sample_shape;
    using element = sample_element<Data>;
    using target_shape = sample_target_shape<Data>;
    using target = sample_target<Data>;

    explicit cached_dataset(Data data) : memory_(std::make_shared<memory>(std::move(data))) {}

    std::int64_t size() const { return memory_->samples; }

    void read(std::int64_t index, std::span<element> input, std::span<target> targets) const {
        auto const kept_input = memory_->inputs_of(index);
        auto const kept_targets = memory_->targets_of(index);
        fill(index, kept_input, kept_targets);
        std::ranges::copy(kept_input, input.begin());
        std::ranges::copy(kept_targets, targets.begin());
    }

    void expect(std::int64_t index) const {
        if (memory_->states[index].load(std::memory_order_relaxed) == state::absent)
            detail::expect_sample(memory_->data, index);
    }

private:
    enum class state : int { absent, being_read, present };

    struct memory {
        explicit memory(Data source)
            : data(std::move(source)), samples(data.size()),
              inputs(static_cast<std::size_t>(samples * sample_shape::size) * sizeof(element)),
              targets(static_cast<std::size_t>(samples * target_shape::size) * sizeof(target)),
              states(new std::atomic<state>[static_cast<std::size_t>(samples)] {}) {}

        std::span<element> inputs_of(std::int64_t index) const {
            return inputs.template as<element>().subspan(static_cast<std::size_t>(index * sample_shape::size),
                                                         static_cast<std::size_t>(sample_shape::size));
        }
        std::span<target> targets_of(std::int64_t index) const {
            return targets.template as<target>().subspan(static_cast<std::size_t>(index * target_shape::size),
                                                         static_cast<std::size_t>(target_shape::size));
        }

        Data data;
        std::int64_t samples;
        host_memory inputs;
        host_memory targets;
        std::unique_ptr<std::atomic<state>[]> states;
    };

    /// Returns once the sample is there.
    void fill(std::int64_t index, std::span<element> input, std::span<target> targets) const {
        auto& now = memory_->states[index];
        auto const settle = [&now](state value) {
            now.store(value, std::memory_order_release);
            now.notify_all();
        };
        for (;;) {
            auto seen = now.load(std::memory_order_acquire);
            if (seen == state::present) return;
            if (seen == state::being_read) {
                now.wait(seen, std::memory_order_acquire);
            } else if (now.compare_exchange_strong(seen, state::being_read, std::memory_order_acquire)) {
                try {
                    detail::read_sample(memory_->data, index, input, targets);
                } catch (...) {
                    settle(state::absent);
                    throw;
                }
                return settle(state::present);
            }
        }
    }

    std::shared_ptr<memory> memory_;
};

/// `data | cached`: for samples that cost more to decode than to keep.
struct cached_stage {
    static constexpr bool makes_dataset = true;

    template <dataset Data>
    cached_dataset<Data> over(Data data) const {
        return cached_dataset<Data>{std::move(data)};
    }
};
inline constexpr cached_stage cached{};

} // namespace lockstep
