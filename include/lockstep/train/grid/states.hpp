// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/grid/mirror.hpp>
#include <lockstep/plan/bucket.hpp>

#include <array>
#include <cstddef>
#include <vector>

namespace lockstep::grid {

/// The host's copy of what an optimizer keeps on devices, each value laid out like all parameters: brought up to date when
/// it is asked for. Work is the step_work of a training.
template <class Work>
class kept_states {
    using T = typename Work::T;
    using P = typename Work::P;
    using values = std::vector<T>;

public:
    kept_states() { states_.fill(values(static_cast<std::size_t>(Work::p.trained_elements))); }

    values const& to_read(Work& work, int number) {
        mirror_.before_reading([&] { download(work); });
        return states_[static_cast<std::size_t>(number)];
    }
    /// Until devices next use them.
    values& to_write(Work& work, int number) {
        mirror_.before_writing([&] { download(work); });
        return states_[static_cast<std::size_t>(number)];
    }
    void prepare_devices(Work& work) {
        mirror_.before_devices([&] {
            for_all(work, Work::replicas, [](auto const& s, std::byte* device, std::byte* host, std::size_t bytes) {
                P::copy(s, device, host, bytes);
            });
        });
    }
    void changed_on_devices() { mirror_.changed_on_devices(); }

private:
    void download(Work& work) {
        // Where each replica keeps all of them, they are the same.
        for_all(work, Work::together ? 1 : Work::replicas,
                [](auto const& s, std::byte* device, std::byte* host, std::size_t bytes) { P::copy(s, host, device, bytes); });
    }
    /// Calls copy(stream, on the device, on the host, bytes) for what each of the first `count` replicas keeps.
    template <class Copy>
    void for_all(Work& work, int count, Copy const& copy) {
        work.synchronize();
        for (int r = 0; r < count; ++r)
            for (int number = 0; number < Work::states; ++number)
                for (int b = 0; b < static_cast<int>(Work::p.buckets.size()); ++b) {
                    bucket_slice const own = Work::owned(r, b);
                    copy(work.compute(r), reinterpret_cast<std::byte*>(work.state(r, number, b) + own.begin),
                         reinterpret_cast<std::byte*>(states_[static_cast<std::size_t>(number)].data() + own.begin),
                         static_cast<std::size_t>(own.end - own.begin) * sizeof(T));
                }
        work.synchronize();
    }

    std::array<values, static_cast<std::size_t>(Work::states)> states_;
    mirror mirror_;
};

} // namespace lockstep::grid
