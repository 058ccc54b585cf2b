// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/grid/communicators.hpp>
#include <lockstep/parallel/grid/devices.hpp>
#include <lockstep/parallel/grid/mirror.hpp>
#include <lockstep/parallel/grid/replica.hpp>
#include <lockstep/parallel/grid/rounding.hpp>
#include <lockstep/parallel/parallel.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace lockstep {

/// A model on devices that compute by themselves. Each replica has the parameters in its device's memory; the host's copy is
/// brought up to date when it is asked for.
template <class Model, grid_devices Devices, class... Policies>
class parallel<Model, Devices, Policies...> : public detail::parallel_base<Model, Devices, Policies...> {
    using base = detail::parallel_base<Model, Devices, Policies...>;
    using platform = typename Devices::platform;
    static constexpr bool is_unordered = detail::has_policy<unordered, Policies...>;
    static_assert(!base::across_processes || is_unordered, "devices of this kind train over several processes with unordered");
    static_assert(!base::across_processes || !(detail::fixes_shards<Policies> || ...),
                  "unordered: over several processes there is one shard a device, and no reproducible<V>");
    static_assert(!base::has_sharded_optimizer, "unordered: each replica updates all parameters, without sharded_optimizer");

public:
    using typename base::element;
    using typename base::group_type;
    using typename base::input_element;
    using typename base::input_shape;
    using typename base::output_shape;
    using base::across_processes;
    using base::layout;
    using base::replicas;
    using base::rounds;
    using base::shards;
    using rounded_type = typename grid::rounded_in<element, typename base::storage>::type;

    /// Whether the platform's own collective adds the replicas' gradients, and each replica updates all parameters.
    /// Where there are other processes, these take part, and it adds all else that shards have in common too.
    static constexpr bool reduces_together = is_unordered && (replicas > 1 || across_processes);
    static constexpr bool plans_exchanges = false, has_own_memory = true;
    static_assert(!reduces_together || grid::are_distinct(Devices::numbers),
                  "unordered: each device is there once, as NCCL takes no device twice; without unordered one may be");
    static_assert(!reduces_together || grid::reducing_platform<platform>,
                  "unordered: these devices have nothing that adds for them; CUDA's have NCCL where LOCKSTEP_NCCL found it");
    using communicators_type = typename grid::communicators_of<platform, reduces_together>::type;

    /// The same first values as on a host; of several processes, those of the first. Throws usage_error where another process
    /// has another model.
    explicit parallel(seed s)
        : base(s), communicators_(grid::make_communicators<communicators_type>(Devices::numbers, group_)) {
        if constexpr (across_processes) {
            detail::expect_equal(group_, "parallel: the model's plan", hash_of(layout) ^ hash_of_type<Model>());
            detail::expect_equal(group_, "parallel: the seed", this->initial_seed().value);
            group_.broadcast({reinterpret_cast<std::byte*>(this->values()), this->bytes()}, 0);
        }
        for (int r = 0; r < replicas; ++r) {
            streams_.emplace_back(device(r));
            memory_.emplace_back(device(r), this->bytes());
            if constexpr (rounds) rounded_.emplace_back(device(r), static_cast<std::size_t>(layout.parameter_elements) * sizeof(rounded_type));
        }
    }

    tensor<element, output_shape> operator()(tensor<input_element, input_shape> const& samples) {
        return (*this)(samples.view());
    }
    tensor<element, output_shape> operator()(tensor_view<input_element const, input_shape> samples) {
        this->expect_classes(samples);
        prepare_devices();
        make_inference_replicas();
        constexpr std::int64_t in = input_shape::size, out = output_shape::size, most = detail::inference_samples;
        tensor<element, output_shape> results(samples.count());
        auto const given = grid::as_stored<stored_input>(samples.elements());
        std::vector<stored_output> stored(rounds ? results.elements().size() : 0);
        stored_output* const found = [&] {
            if constexpr (rounds) return stored.data();
            else return results.data();
        }();
        for (std::int64_t first = 0; first < samples.count(); first += replicas * most) {
            sample_range const whole{first, std::min<std::int64_t>(replicas * most, samples.count() - first)};
            auto const share = [&](int r) { return shard_of(whole.count, r, replicas); };
            for (int r = 0; r < replicas; ++r) {
                auto const [begin, count] = share(r);
                if (count == 0) continue;
                stored_input const* const source = given.data() + (first + begin) * in;
                platform::copy(stream(r), inputs_[index(r)].data(), reinterpret_cast<std::byte const*>(source),
                               static_cast<std::size_t>(count * in) * sizeof(stored_input));
                grid::shard_place const shard{.inputs = inputs_[index(r)].data(), .samples = count};
                inference_[index(r)]->run(stream(r), shard, 0, layout.forward_count);
                platform::copy(stream(r), reinterpret_cast<std::byte*>(found + (first + begin) * out),
                               inference_[index(r)]->address(shard, layout.output), static_cast<std::size_t>(count * out) * sizeof(stored_output));
            }
            for (int r = 0; r < replicas; ++r) wait_for(stream(r));
        }
        if constexpr (rounds) std::ranges::copy(stored, results.data());
        return results;
    }

    /// In PyTorch's layout.
    std::vector<element> parameter(int number) const { return base::read(number, parameters()); }
    void set_parameter(int number, std::span<element const> values) { base::write(number, parameters(), values); }

    /// All parameters in the host's memory, as the plan lays them out. What is written there, before the next step, use or
    /// evaluation, goes to the devices.
    element* parameters() {
        mirror_.before_writing([&] { download(); });
        return this->values();
    }
    element const* parameters() const {
        mirror_.before_reading([&] { const_cast<parallel*>(this)->download(); });
        return this->values();
    }

    group_type& processes() { return group_; }
    detail::shard_share share() const { return {group_.rank() * shards, shards, group_.size() * shards}; }

    // ---- for those who carry out its steps ----

    static constexpr int device(int replica) { return Devices::numbers[index(replica)]; }
    typename platform::stream const& stream(int replica) const { return streams_[index(replica)]; }
    /// All parameters, on the device of a replica.
    std::byte* parameters_on(int replica) const { return memory_[index(replica)].data(); }
    /// The same, rounded.
    rounded_type* rounded_parameters_on(int replica) const
        requires rounds
    {
        return reinterpret_cast<rounded_type*>(rounded_[index(replica)].data());
    }
    grid::parameter_places parameter_places_on(int replica) const {
        if constexpr (rounds) return {parameters_on(replica), rounded_[index(replica)].data()};
        else return {parameters_on(replica), nullptr};
    }
    /// Before devices use the parameters, and after they have changed them.
    void prepare_devices() {
        mirror_.before_devices([&] {
            for (int r = 0; r < replicas; ++r) {
                platform::copy(stream(r), parameters_on(r), reinterpret_cast<std::byte const*>(this->values()), this->bytes());
                if constexpr (rounds)
                    platform::template launch<grid::round_parameters<element, rounded_type>>(
                        stream(r), {reinterpret_cast<element const*>(parameters_on(r)), rounded_parameters_on(r), layout.parameter_elements});
            }
            for (int r = 0; r < replicas; ++r) wait_for(stream(r));
        });
    }
    void changed_on_devices() { mirror_.changed_on_devices(); }
    communicators_type& communicators() { return communicators_; }
    /// The caller waits for a stream or an event. It throws where devices that add together have lost each other.
    template <class Waited>
    void wait_for(Waited const& stream_or_event) {
        communicators_.synchronize(stream_or_event);
    }

private:
    /// Samples and results as programs have them.
    using stored_input = grid::as_in_program<input_element, typename base::storage>;
    using stored_output = grid::as_in_program<element, typename base::storage>;
    static constexpr std::size_t index(int replica) { return static_cast<std::size_t>(replica); }

    void download() {
        platform::copy(stream(0), reinterpret_cast<std::byte*>(this->values()), parameters_on(0), this->bytes());
        wait_for(stream(0));
    }

    void make_inference_replicas() {
        if (!inference_.empty()) return;
        auto const inputs = static_cast<std::size_t>(detail::inference_samples * input_shape::size) * sizeof(stored_input);
        std::vector<std::unique_ptr<grid::replica<platform>>> made;
        for (int r = 0; r < replicas; ++r) {
            inputs_.emplace_back(device(r), inputs);
            made.push_back(std::make_unique<grid::replica<platform>>(layout, device(r), parameter_places_on(r), philox_key{}));
        }
        inference_ = std::move(made);
    }

    group_type group_;
    std::vector<typename platform::stream> streams_;
    std::vector<typename platform::memory> memory_, rounded_, inputs_;
    std::vector<std::unique_ptr<grid::replica<platform>>> inference_;
    mutable grid::mirror mirror_;
    communicators_type communicators_;
};

} // namespace lockstep
