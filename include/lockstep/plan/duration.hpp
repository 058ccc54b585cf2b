// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/plan.hpp>
#include <lockstep/plan/topology.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace lockstep::detail {

/// Microseconds that so much arithmetic and so many bytes of memory take: as long as the slower of the two.
constexpr double microseconds(device_rates const& device, double flops, double bytes) {
    return std::max(flops / device.flops, bytes / device.memory_bytes) * 1e6;
}

/// Microseconds that an operation is expected to take for a full shard. A tail has no launch of its own and finds what
/// the operation before it computed.
constexpr double operation_microseconds(plan const& p, std::size_t index, device_rates const& device) {
    operation const& op = p.operations[index];
    std::int64_t const samples = p.shard_samples();
    bool const is_tail = index > 0 && p.operations[index - 1].has_tail;
    std::int64_t bytes = p.bytes(op, samples);
    if (is_tail) bytes -= p.bytes_of(p.buffers[p.operations[index - 1].result], samples);
    return microseconds(device, op.facts.flops * static_cast<double>(samples), static_cast<double>(bytes)) +
           (is_tail ? 0.0 : device.launch);
}

} // namespace lockstep::detail
