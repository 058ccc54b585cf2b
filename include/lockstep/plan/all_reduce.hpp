// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/plan/topology.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <string>

namespace lockstep {

namespace detail {

/// The devices of an all-reduce, as they are spread over nodes: as few of these as can be.
struct reduction_group {
    int devices = 1;
    int nodes = 1;
    int devices_of_node = 1;
    /// Of a binary tree of the nodes.
    int levels = 0;
};

constexpr reduction_group reduction_group_of(topology const& t, int devices) {
    if (devices < 1 || devices > static_cast<std::int64_t>(t.devices_per_node) * t.most_nodes)
        throw usage_error(std::string("all_reduce: ") + t.name + ": expected 1 to " +
                          std::to_string(static_cast<std::int64_t>(t.devices_per_node) * t.most_nodes) +
                          " devices, found " + std::to_string(devices));
    reduction_group g;
    g.devices = devices;
    g.nodes = (devices + t.devices_per_node - 1) / t.devices_per_node;
    g.devices_of_node = std::min(devices, t.devices_per_node);
    g.levels = std::bit_width(static_cast<unsigned>(g.nodes - 1));
    return g;
}

/// Microseconds that a byte takes through the n members of a ring whose links carry `rate` gigabytes a second: it is
/// sent 2 (n - 1) / n times.
constexpr double ring_microseconds(int members, double rate) {
    return members == 1 ? 0.0 : 2.0 * (members - 1) / members / rate / 1e3;
}

/// The same inside a node, where a switch that adds may be faster.
constexpr double inside_microseconds(topology const& t, int members, double rate) {
    double const ring = ring_microseconds(members, rate);
    return t.switch_rate > 0 ? std::min(ring, 1.0 / t.switch_rate / 1e3) : ring;
}

/// LL and LL128: nothing is pipelined, so every level of the tree of nodes takes a message up and down.
constexpr double flagged_microseconds(topology const& t, reduction_group const& g, double bytes,
                                      double by_protocol::*protocol) {
    double const inside = t.inside.rate.*protocol, between = t.between.rate.*protocol;
    if ((g.nodes == 1 ? inside : between) == 0) return std::numeric_limits<double>::infinity();
    double const latency = t.base.*protocol + 2 * (g.devices_of_node - 1) * t.inside.hop.*protocol +
                           2 * g.levels * t.between.hop.*protocol;
    return latency + bytes * (g.nodes == 1 ? ring_microseconds(g.devices, inside) : 2 * g.levels / between / 1e3);
}

/// Simple: a pipeline, which takes its latency several times to fill. Then the slowest part counts, and what of the
/// transfer inside nodes does not overlap with the one between them.
constexpr double pipelined_microseconds(topology const& t, reduction_group const& g, double bytes) {
    double const inside_latency =
        t.switch_rate > 0 ? t.switch_latency : t.base.simple + 2 * (g.devices_of_node - 1) * t.inside.hop.simple;
    double const latency = t.pipeline_fill * (inside_latency + 2 * g.levels * t.between.hop.simple);
    bool const cached = t.cache_bytes == 0 || bytes <= static_cast<double>(t.cache_bytes);
    double const inside = inside_microseconds(t, g.devices_of_node, cached ? t.inside.rate.simple : t.uncached_rate);
    if (g.nodes == 1) return latency + bytes * inside;
    return latency + bytes * (t.inside_share * inside + ring_microseconds(g.nodes, t.between.rate.simple));
}

} // namespace detail

/// Microseconds that adding `bytes` of every device, so that all have the sum, is expected to take: by the fastest of
/// NCCL's protocols, as NCCL chooses. The latencies are NCCL's (src/graph/tuning.cc), some rates and the pipeline's
/// fill are fitted to published measurements: docs/scaling.md has the error at each of them. Throws usage_error for
/// devices that the topology has not.
constexpr double all_reduce_microseconds(topology const& t, int devices, std::int64_t bytes) {
    detail::reduction_group const g = detail::reduction_group_of(t, devices);
    if (devices == 1 || bytes == 0) return 0.0;
    double const size = static_cast<double>(bytes);
    return std::min({detail::flagged_microseconds(t, g, size, &by_protocol::ll),
                     detail::flagged_microseconds(t, g, size, &by_protocol::ll128),
                     detail::pipelined_microseconds(t, g, size)});
}

} // namespace lockstep
