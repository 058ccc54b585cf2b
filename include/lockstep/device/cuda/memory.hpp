// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/stream.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

namespace lockstep::gpu {

/// A part of a device's memory, owned by somebody else; only the device may read and write there.
struct device_view {
    int device = no_device;
    std::byte* data = nullptr;
    std::size_t bytes = 0;

    /// Throws usage_error where the part leaves this one.
    device_view part(std::size_t first, std::size_t size) const {
        if (first > bytes || size > bytes - first)
            throw usage_error(detail::name_of(device, "part of ") + std::to_string(bytes) +
                              " bytes: expected to lie inside, found " + std::to_string(size) + " bytes from byte " +
                              std::to_string(first));
        return {device, data + first, size};
    }
};

namespace detail {
struct destroy_pool {
    void operator()(cudaMemPool_t handle) const { discard(cudaMemPoolDestroy(handle)); }
};
/// In the order of a stream, which is still there.
struct free_on_stream {
    cudaStream_t stream = nullptr;
    void operator()(std::byte* data) const { discard(cudaFreeAsync(data, stream)); }
};
struct free_host {
    void operator()(std::byte* data) const { discard(cudaFreeHost(data)); }
};
} // namespace detail

/// Memory of a device, of which arenas are made in the order of a stream. What they have given back returns to the
/// system when a stream or event is synchronized. A pool may end before its arenas do.
class memory_pool {
public:
    /// Throws cuda_error where there is no such device, data_error where it has no pools.
    explicit memory_pool(int device) : device_(device) {
        device_guard const guard(device, "memory_pool");
        int supported = 0;
        check(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, device), "cudaDeviceGetAttribute",
              device, "memory_pool");
        if (!supported)
            throw data_error(detail::name_of(device, "memory_pool") +
                             ": expected a device with memory pools, found one without");
        cudaMemPoolProps properties{};
        properties.allocType = cudaMemAllocationTypePinned;
        properties.location = {cudaMemLocationTypeDevice, device};
        cudaMemPool_t handle = nullptr;
        check(cudaMemPoolCreate(&handle, &properties), "cudaMemPoolCreate", device, "memory_pool");
        handle_.reset(handle);
    }

    int device() const { return device_; }
    cudaMemPool_t handle() const { return handle_.get(); }

    /// Lets a peer read and write all memory of the pool: enable_access does not reach it. Throws data_error where the
    /// machine's devices don't reach each other.
    void open_to(int peer) const {
        detail::expect_access(peer, device_);
        if (peer == device_) return;
        cudaMemAccessDesc access{};
        access.location = {cudaMemLocationTypeDevice, peer};
        access.flags = cudaMemAccessFlagsProtReadWrite;
        check(cudaMemPoolSetAccess(handle(), &access, 1), "cudaMemPoolSetAccess", device_,
              "memory_pool for device " + std::to_string(peer));
    }

private:
    int device_;
    std::unique_ptr<std::remove_pointer_t<cudaMemPool_t>, detail::destroy_pool> handle_;
};

/// A replica's memory on a device: allocated and freed in the order of a stream, which must outlive it. Other streams
/// use it behind an event of that stream, and must have ended, or be waited for by it, before it is freed. Its content
/// is not initialized.
class arena {
public:
    /// Throws usage_error for a pool of another device and for a stream that is capturing, whose memory would belong to
    /// the graph; cuda_error where memory is short: the text says how much is free.
    arena(memory_pool const& pool, stream const& order, std::size_t bytes) : view_{order.device(), nullptr, bytes} {
        std::string const operation = "arena of " + std::to_string(bytes) + " bytes";
        if (pool.device() != order.device())
            throw usage_error(detail::name_of(order.device(), operation) +
                              ": expected a pool of the stream's device, found one of device " +
                              std::to_string(pool.device()));
        if (order.is_capturing())
            throw usage_error(detail::name_of(order.device(), operation) +
                              ": expected a stream that is not captured, found one that is");
        if (bytes == 0) return;
        device_guard const guard(order.device(), operation);
        void* data = nullptr;
        cudaError_t const status = cudaMallocFromPoolAsync(&data, bytes, pool.handle(), order.handle());
        if (status != cudaSuccess)
            detail::fail(status, "cudaMallocFromPoolAsync", order.device(), operation, free_text());
        memory_ = {static_cast<std::byte*>(data), {order.handle()}};
        view_.data = memory_.get();
    }

    device_view view() const { return view_; }
    std::byte* data() const { return view_.data; }
    std::size_t bytes() const { return view_.bytes; }

private:
    /// Of the current device, where it can be told.
    static std::string free_text() {
        std::size_t free = 0, all = 0;
        if (cudaError_t const status = cudaMemGetInfo(&free, &all); status != cudaSuccess) {
            detail::discard(status);
            return {};
        }
        return "; " + std::to_string(free) + " of " + std::to_string(all) + " bytes are free";
    }

    device_view view_;
    std::unique_ptr<std::byte, detail::free_on_stream> memory_;
};

/// Host memory that stays where it is, so that any device copies from and to it while the host goes on. What copies
/// must have ended before it is freed. Its content is not initialized.
class pinned_memory {
public:
    pinned_memory() = default;
    /// Throws cuda_error where memory is short or there is no device.
    explicit pinned_memory(std::size_t bytes) : bytes_(bytes) {
        if (bytes == 0) return;
        void* data = nullptr;
        check(cudaHostAlloc(&data, bytes, cudaHostAllocPortable), "cudaHostAlloc", no_device,
              "pinned memory of " + std::to_string(bytes) + " bytes");
        memory_.reset(static_cast<std::byte*>(data));
    }

    std::byte* data() const { return memory_.get(); }
    std::size_t bytes() const { return bytes_; }

    /// The memory as elements of a type that needs no construction.
    template <class T>
    std::span<T> as() const {
        return {reinterpret_cast<T*>(memory_.get()), bytes_ / sizeof(T)};
    }

private:
    std::unique_ptr<std::byte, detail::free_host> memory_;
    std::size_t bytes_ = 0;
};

} // namespace lockstep::gpu
