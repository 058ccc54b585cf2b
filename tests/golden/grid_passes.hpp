// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/grid/replica.hpp>
#include <lockstep/parallel/replica.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace tests {

namespace ls = lockstep;

/// What host_passes is, on device 0 of a platform: parameters and samples come from the host, and gradients go there.
template <ls::grid::platform P>
class grid_passes {
public:
    grid_passes(ls::plan const& p, std::byte* parameters)
        : plan_(&p), host_parameters_(parameters), stream_(0), parameters_(0, bytes()), gradients_(0, bytes()),
          inputs_(0, bytes(ls::buffer_kind::input, p.shard_samples())),
          targets_(0, bytes(ls::buffer_kind::target, p.shard_samples())), step_(0, sizeof(std::uint32_t)) {}

    void forward(ls::shard_input const& shard, std::byte* gradients) {
        host_gradients_ = gradients;
        replica_ = std::make_unique<ls::grid::replica<P>>(
            *plan_, 0, ls::grid::parameter_places{.exact = parameters_.data(), .rounded = nullptr}, shard.random.key);
        upload(parameters_, host_parameters_, bytes());
        upload(inputs_, shard.inputs, bytes(ls::buffer_kind::input, shard.samples));
        upload(targets_, shard.targets, bytes(ls::buffer_kind::target, shard.samples));
        upload(step_, &shard.random.step, sizeof(shard.random.step));
        place_ = {.inputs = inputs_.data(),
                  .targets = targets_.data(),
                  .gradients = gradients_.data(),
                  .samples = shard.samples,
                  .first_sample = shard.random.first_sample,
                  .step = reinterpret_cast<std::uint32_t const*>(step_.data())};
        run(0, plan_->forward_count);
    }
    void backward() { run(plan_->forward_count, static_cast<int>(plan_->operations.size())); }

    template <class T>
    std::vector<T> values(int buffer, std::int64_t count) const {
        std::vector<T> found(static_cast<std::size_t>(count));
        P::copy(stream_, reinterpret_cast<std::byte*>(found.data()), replica_->address(place_, buffer),
                found.size() * sizeof(T));
        stream_.synchronize();
        return found;
    }

private:
    std::size_t bytes() const { return static_cast<std::size_t>(plan_->parameter_bytes()); }
    std::size_t bytes(ls::buffer_kind kind, std::int64_t samples) const {
        return static_cast<std::size_t>(ls::grid::sample_bytes(*plan_, kind) * samples);
    }
    void upload(typename P::memory const& to, void const* from, std::size_t count) const {
        P::copy(stream_, to.data(), static_cast<std::byte const*>(from), count);
    }
    void run(int first, int last) {
        replica_->run(stream_, place_, first, last);
        P::copy(stream_, host_gradients_, gradients_.data(), bytes());
        stream_.synchronize();
    }

    ls::plan const* plan_;
    std::byte* host_parameters_;
    std::byte* host_gradients_ = nullptr;
    typename P::stream stream_;
    typename P::memory parameters_, gradients_, inputs_, targets_, step_;
    std::unique_ptr<ls::grid::replica<P>> replica_;
    ls::grid::shard_place place_;
};

} // namespace tests
