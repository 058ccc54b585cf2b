// SPDX-License-Identifier: MIT
#pragma once

#include "gemm.hpp"
#include "loops.hpp"
#include "memory.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace raw {

/// Where threads wait for each other, spinning.
class spinning_barrier {
public:
    explicit spinning_barrier(int threads) : threads_(threads) {}
    void meet() {
        int const generation = generation_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
            arrived_.store(0, std::memory_order_relaxed);
            generation_.store(generation + 1, std::memory_order_release);
        } else {
            while (generation_.load(std::memory_order_acquire) == generation) __builtin_ia32_pause();
        }
    }

private:
    int threads_;
    alignas(64) std::atomic<int> arrived_ = 0;
    alignas(64) std::atomic<int> generation_ = 0;
};

/// Trains a Model on one thread, or on two that each take half of the batch, then each update half of the
/// parameters with the sum of both gradients.
template <class Model>
class trainer {
public:
    /// Library calls use call_threads threads each.
    trainer(int batch, int input_size, int replicas, int call_threads)
        : batch_(batch), input_size_(input_size), replicas_(replicas), barrier_(replicas) {
        set_call_threads(call_threads);
        for (int r = 0; r < replicas; ++r) models_[r] = std::make_unique<Model>(share(r + 1) - share(r));
        parameters_ = floats(models_[0]->parameter_size());
        velocity_ = floats(parameters_.size());
        for (int r = 0; r < replicas; ++r) gradients_[r] = floats(parameters_.size());
        if (replicas == 2)
            other_ = std::thread([this] {
                omp_set_num_threads(1);
                for (;;) {
                    barrier_.meet();
                    if (!inputs_) return;
                    work(1);
                }
            });
    }
    trainer(trainer const&) = delete;
    trainer& operator=(trainer const&) = delete;
    ~trainer() {
        if (!other_.joinable()) return;
        inputs_ = nullptr;
        barrier_.meet();
        other_.join();
    }

    /// Returns the mean loss before the update.
    double step(float const* inputs, std::int32_t const* targets) {
        inputs_ = inputs;
        targets_ = targets;
        if (replicas_ == 2) barrier_.meet();
        work(0);
        return (losses_[0] + losses_[1]) / batch_;
    }

    /// PyTorch's tensors: weight, bias, weight, ...
    void set_parameters(std::vector<std::vector<float>> const& values) {
        models_[0]->import_from(values, parameters_.data());
    }
    void get(std::vector<std::vector<float>>& parameters, std::vector<std::vector<float>>& velocity) const {
        models_[0]->export_to(parameters_.data(), parameters);
        models_[0]->export_to(velocity_.data(), velocity);
    }

private:
    int share(int replica) const { return batch_ * replica / replicas_; }

    void work(int r) {
        auto const first = static_cast<std::size_t>(share(r));
        losses_[r] = models_[r]->gradient(parameters_.data(), inputs_ + first * input_size_, targets_ + first,
                                          gradients_[r].data());
        if (replicas_ == 2) barrier_.meet();
        std::size_t const half = parameters_.size() / 2 / 16 * 16, size = parameters_.size();
        update(r == 0 ? 0 : half, r + 1 == replicas_ ? size : half, parameters_.data(), velocity_.data(),
               gradients_[0].data(), gradients_[1].data(), 1.0f / static_cast<float>(batch_));
        if (replicas_ == 2) barrier_.meet();
    }

    int batch_;
    int input_size_;
    int replicas_;
    spinning_barrier barrier_;
    std::array<std::unique_ptr<Model>, 2> models_;
    floats parameters_, velocity_;
    std::array<floats, 2> gradients_;
    std::array<double, 2> losses_{};
    float const* inputs_ = nullptr;
    std::int32_t const* targets_ = nullptr;
    std::thread other_;
};

} // namespace raw
