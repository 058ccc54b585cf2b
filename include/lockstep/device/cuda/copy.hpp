// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/memory.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace lockstep::gpu {

namespace detail {

/// Throws usage_error unless both sides have the same size and the stream is of a device whose memory takes part.
inline void expect_copy(int stream_device, std::string_view operation, std::size_t to_bytes, std::size_t from_bytes,
                        int to_device, int from_device) {
    if (to_bytes != from_bytes)
        throw usage_error(name_of(stream_device, operation) + ": expected as many bytes as there is place for, " +
                          std::to_string(to_bytes) + ", found " + std::to_string(from_bytes));
    if (stream_device == to_device || stream_device == from_device) return;
    throw usage_error(name_of(stream_device, operation) + ": expected a stream of device " +
                      std::to_string(to_device) +
                      (to_device == from_device ? "" : " or " + std::to_string(from_device)) +
                      ", found one of device " + std::to_string(stream_device));
}

} // namespace detail

/// Copies in the order of a stream. The host goes on at once where its side is pinned_memory; otherwise it may wait,
/// and such a copy cannot be captured. Both sides stay as they are until it is done. Throws usage_error where sizes
/// differ or the stream is of a device that has no part in it.
inline void copy(stream const& order, device_view to, std::span<std::byte const> from) {
    detail::expect_copy(order.device(), "copy to the device", to.bytes, from.size(), to.device, to.device);
    if (to.bytes == 0) return;
    check(cudaMemcpyAsync(to.data, from.data(), to.bytes, cudaMemcpyHostToDevice, order.handle()), "cudaMemcpyAsync",
          order.device(), "copy to the device");
}
inline void copy(stream const& order, std::span<std::byte> to, device_view from) {
    detail::expect_copy(order.device(), "copy to the host", to.size(), from.bytes, from.device, from.device);
    if (from.bytes == 0) return;
    check(cudaMemcpyAsync(to.data(), from.data, from.bytes, cudaMemcpyDeviceToHost, order.handle()), "cudaMemcpyAsync",
          order.device(), "copy to the host");
}

/// Between two places of one device or of two; these need not reach each other's memory.
inline void copy(stream const& order, device_view to, device_view from) {
    detail::expect_copy(order.device(), "copy between places of devices", to.bytes, from.bytes, to.device, from.device);
    if (to.bytes == 0) return;
    if (to.device == from.device)
        check(cudaMemcpyAsync(to.data, from.data, to.bytes, cudaMemcpyDeviceToDevice, order.handle()),
              "cudaMemcpyAsync", order.device(), "copy on the device");
    else
        check(cudaMemcpyPeerAsync(to.data, to.device, from.data, from.device, to.bytes, order.handle()),
              "cudaMemcpyPeerAsync", order.device(), "copy between devices");
}

/// Sets all bytes to 0, in the order of a stream of the memory's device.
inline void clear(stream const& order, device_view memory) {
    detail::expect_copy(order.device(), "clear", memory.bytes, memory.bytes, memory.device, memory.device);
    if (memory.bytes == 0) return;
    check(cudaMemsetAsync(memory.data, 0, memory.bytes, order.handle()), "cudaMemsetAsync", order.device(), "clear");
}

} // namespace lockstep::gpu
