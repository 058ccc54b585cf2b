// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/event.hpp>
#include <lockstep/device/cuda/stream.hpp>
#include <lockstep/device/grid/platform.hpp>

#if LOCKSTEP_WITH_NCCL

#include <nccl.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace lockstep {

/// A call to NCCL, or work that it was asked for, did not succeed. The text names the device, the operation, the call, and
/// the result that was found. ncclInProgress: it did not end in time.
class nccl_error : public error {
public:
    nccl_error(ncclResult_t result, int device, std::string const& text) : error(text), result_(result), device_(device) {}

    ncclResult_t result() const { return result_; }
    /// gpu::no_device where the call belongs to none.
    int device() const { return device_; }

private:
    ncclResult_t result_;
    int device_;
};

namespace gpu {

namespace detail {

[[noreturn]] inline void fail(ncclResult_t result, std::string_view call, int device, std::string_view operation) {
    char const* const more = ncclGetLastError(nullptr);
    throw nccl_error(result, device,
                     name_of(device, operation) + ": " + std::string(call) + ": expected ncclSuccess, found " +
                         ncclGetErrorString(result) + (more != nullptr && *more != '\0' ? "; " + std::string(more) : ""));
}
/// What goes on in the background is no failure: a communicator's state tells later what comes of it.
inline void check_nccl(ncclResult_t result, std::string_view call, int device, std::string_view operation) {
    if (result != ncclSuccess && result != ncclInProgress) [[unlikely]] fail(result, call, device, operation);
}

} // namespace detail

/// NCCL's communicators, one for each of this process' devices, which compute together with those of other processes. Whoever
/// waits for the others looks meanwhile whether they are well: where one fails, or nothing ends within `limit`, all that is
/// under way on these devices is aborted and an nccl_error thrown, instead of a wait for ever. Used by one thread at a time.
class communicators {
public:
    using duration = std::chrono::milliseconds;
    static constexpr duration usual_limit = std::chrono::minutes(10);

    /// What the processes whose devices compute together have in common: one makes it and tells the others.
    static ncclUniqueId make_id() {
        ncclUniqueId id{};
        detail::check_nccl(ncclGetUniqueId(&id), "ncclGetUniqueId", no_device, "communicators");
        return id;
    }
    /// Of this process alone. Each device is there once: NCCL refuses two ranks on one.
    explicit communicators(std::span<int const> devices, duration limit = usual_limit)
        : communicators(devices, make_id(), 0, static_cast<int>(devices.size()), limit) {}
    /// These are ranks first_rank, first_rank + 1, ... of `ranks`. Every process makes its own at the same time.
    communicators(std::span<int const> devices, ncclUniqueId const& id, int first_rank, int ranks,
                  duration limit = usual_limit)
        : devices_(devices.begin(), devices.end()), all_(devices.size(), nullptr), limit_(limit) {
        ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
        config.blocking = 0;
        together("communicators", "ncclCommInitRankConfig", [&](std::size_t i) {
            device_guard const guard(devices_[i], "communicators");
            return ncclCommInitRankConfig(&all_[i], ranks, id, first_rank + static_cast<int>(i), &config);
        });
    }
    communicators(communicators const&) = delete;
    communicators& operator=(communicators const&) = delete;
    /// Waits for the other processes to end theirs, unless an error is on its way: they might never come to it.
    ~communicators() {
        if (std::uncaught_exceptions() > 0) abort();
        if (is_over_) return;
        try {
            together("end of communicators", "ncclCommFinalize", [&](std::size_t i) { return ncclCommFinalize(all_[i]); });
            release(ncclCommDestroy);
        } catch (error const&) {
            abort();
        }
    }

    /// Whether an all_reduce may be captured where a process has so many devices: to launch a graph may then wait for one
    /// device before the others have begun (NCCL's guide, "Using NCCL with CUDA Graphs").
    static constexpr bool can_be_captured(int devices) { return devices == 1; }

    /// The sum of what lies in these places of all devices of all processes, `count` elements each, in each of them, in an
    /// order of NCCL's own; or the largest. In the order of a stream for each device; returns when it is there. Every process
    /// does the same ones one after the other.
    template <std::floating_point T>
    void all_reduce(std::span<stream const* const> order, std::span<T* const> places, std::int64_t count,
                    grid::combination how = grid::combination::sum) {
        ncclRedOp_t const op = how == grid::combination::sum ? ncclSum : ncclMax;
        constexpr ncclDataType_t type = std::same_as<T, double> ? ncclFloat64 : ncclFloat32;
        static_assert(std::same_as<T, double> || std::same_as<T, float>);
        together("all-reduce", "ncclAllReduce", [&](std::size_t i) {
            return ncclAllReduce(places[i], places[i], static_cast<std::size_t>(count), type, op, all_[i], order[i]->handle());
        });
    }

    /// The caller waits until all work of a stream is done, or an event has happened.
    void synchronize(stream const& s) {
        wait_until("stream", s.device(), [&] { return s.is_done(); });
    }
    void synchronize(event const& e) {
        wait_until("event", e.device(), [&] { return e.happened(); });
    }

private:
    /// Calls call(i) for all of them as one group, and waits until what it asks for is on its way.
    template <class Call>
    void together(std::string_view operation, std::string_view name, Call const& call) {
        if (is_over_)
            throw nccl_error(ncclInvalidUsage, devices_.front(),
                             detail::name_of(devices_.front(), operation) +
                                 ": expected communicators, found that an error has ended them");
        try {
            detail::check_nccl(ncclGroupStart(), "ncclGroupStart", no_device, operation);
            std::size_t i = 0;
            ncclResult_t result = ncclSuccess;
            for (; i < all_.size() && (result == ncclSuccess || result == ncclInProgress); ++i) result = call(i);
            // The group ends, whatever happened in it.
            ncclResult_t const end = ncclGroupEnd();
            if (i > 0) detail::check_nccl(result, name, devices_[i - 1], operation);
            detail::check_nccl(end, "ncclGroupEnd", no_device, operation);
            for (std::size_t k = 0; k < all_.size(); ++k)
                wait_until(operation, devices_[k], [&] { return state(k, operation) == ncclSuccess; });
        } catch (...) {
            abort();
            throw;
        }
    }

    /// Waits for something, and for no longer than the limit; throws when one of the communicators has failed.
    template <class Happened>
    void wait_until(std::string_view operation, int device, Happened const& happened) {
        auto const begin = std::chrono::steady_clock::now();
        try {
            while (!happened()) {
                for (std::size_t i = 0; !is_over_ && i < all_.size(); ++i) static_cast<void>(state(i, operation));
                if (std::chrono::steady_clock::now() - begin > limit_)
                    throw nccl_error(ncclInProgress, device,
                                     detail::name_of(device, operation) + ": expected an end within " +
                                         std::to_string(limit_.count()) + " ms, found none");
                std::this_thread::yield();
            }
        } catch (...) {
            abort();
            throw;
        }
    }
    ncclResult_t state(std::size_t i, std::string_view operation) const {
        ncclResult_t found = ncclSuccess;
        detail::check_nccl(ncclCommGetAsyncError(all_[i], &found), "ncclCommGetAsyncError", devices_[i], operation);
        detail::check_nccl(found, "ncclCommGetAsyncError", devices_[i], operation);
        return found;
    }

    void abort() noexcept { release(ncclCommAbort); }
    /// All as one group, for each waits for the others. Who releases them has nobody to tell of a failure.
    void release(ncclResult_t (*how)(ncclComm_t)) noexcept {
        if (is_over_) return;
        is_over_ = true;
        bool const is_group = ncclGroupStart() == ncclSuccess;
        for (ncclComm_t const each : all_)
            if (each != nullptr) static_cast<void>(how(each));
        if (is_group) static_cast<void>(ncclGroupEnd());
    }

    std::vector<int> devices_;
    std::vector<ncclComm_t> all_;
    duration limit_;
    bool is_over_ = false;
};

} // namespace gpu
} // namespace lockstep

#endif
