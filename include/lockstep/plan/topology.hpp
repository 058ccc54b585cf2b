// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

// What a system is made of, in the numbers that the cost models of a step need: devices, what connects them in a node
// and what connects nodes. docs/scaling.md says where each number comes from.

namespace lockstep {

/// A number for each of NCCL's protocols. LL and LL128 send a flag along with every 8 or 128 bytes: a short way, at
/// part of the bandwidth. Simple fills a pipeline through all devices, at all of it.
struct by_protocol {
    double ll = 0.0;
    double ll128 = 0.0;
    double simple = 0.0;
};

/// What connects the devices of a node, or nodes.
struct connection {
    /// Microseconds from one device, or node, to the next.
    by_protocol hop;
    /// Gigabytes (1e9) a second. Of Simple, and of all protocols inside a node, the bus bandwidth of an all-reduce in a
    /// ring; of LL and LL128 between nodes, what one level of a tree takes in one direction. 0: not used there.
    by_protocol rate;
};

/// A device, as far as it decides how long an operation takes: what it reaches, not what its data sheet promises.
struct device_rates {
    /// Arithmetic operations and bytes of its memory a second.
    double flops = 0.0;
    double memory_bytes = 0.0;
    /// Microseconds that every operation takes besides.
    double launch = 0.0;
    /// The part of it that computes a reduction while one runs: 1 where reducing and computing take turns.
    double reduction_share = 0.0;
};

/// Equal nodes of equal devices.
struct topology {
    char const* name = "";
    int devices_per_node = 1;
    /// 1 where there is nothing between nodes.
    int most_nodes = 1;
    device_rates device;
    connection inside;
    connection between;
    /// Microseconds that an all-reduce takes before the first hop: its launch. NCCL's.
    by_protocol base{6.8, 14.0, 8.4};
    /// A switch that adds (NVLink SHARP): gigabytes a second of an all-reduce, and its microseconds instead of the
    /// hops inside a node. 0: there is none.
    double switch_rate = 0.0;
    double switch_latency = 0.0;
    /// How many times the latency of Simple it takes to fill its pipeline.
    double pipeline_fill = 1.0;
    /// The part of the transfer inside a node that does not overlap with the one between nodes.
    double inside_share = 1.0;
    /// Larger buckets have left the caches when they are reduced, and come from memory at this many gigabytes a
    /// second. 0: caches make no difference.
    std::int64_t cache_bytes = 0;
    double uncached_rate = 0.0;
};

namespace detail {

/// What is assumed of a GPU: half of the peak of its tensor cores in TF32, four fifths of its memory's bandwidth, and
/// microseconds of a kernel's launch.
inline constexpr double flops_reached = 0.5, memory_reached = 0.8;
inline constexpr double gpu_launch = 5.0;

/// NCCL's hops: LL and LL128 of a tree, Simple of a ring inside a node and of a tree between nodes.
inline constexpr by_protocol nvlink_hop{0.6, 1.25, 3.4};
inline constexpr by_protocol network_hop{5.0, 8.5, 14.0};

} // namespace detail

/// Eight H100 SXM a node: NVLink 4 with a switch that adds, and a 400 Gb/s InfiniBand adapter for each. TF32.
inline constexpr topology h100_nvlink = [] {
    topology t;
    t.name = "H100, NVLink, InfiniBand";
    t.devices_per_node = 8;
    t.most_nodes = 1 << 16;
    t.device = {495e12 * detail::flops_reached, 3.35e12 * detail::memory_reached, detail::gpu_launch, 0.15};
    t.inside = {detail::nvlink_hop, {141.0, 340.0, 370.0}};
    t.between = {{5.0, 8.5, 20.9}, {20.0, 194.0, 8 * 47.5}};
    t.switch_rate = 274.0;
    t.switch_latency = 25.0;
    t.pipeline_fill = 2.0;
    t.inside_share = 0.4;
    return t;
}();

/// Eight H200 a node, connected by Ethernet (RoCE), which makes the short ways between nodes longer.
inline constexpr topology h200_roce = [] {
    topology t = h100_nvlink;
    t.name = "H200, NVLink, RoCE";
    t.device.memory_bytes = 4.8e12 * detail::memory_reached;
    t.between.hop.ll += 9.0;
    t.between.hop.ll128 += 9.0;
    return t;
}();

/// Eight V100 a node (DGX-1): NVLink 2, four 100 Gb/s InfiniBand adapters. Single precision without tensor
/// cores; its arithmetic is as fast as makes ResNet-50's step what it was measured to be.
inline constexpr topology v100_nvlink = [] {
    topology t;
    t.name = "V100, NVLink, InfiniBand";
    t.devices_per_node = 8;
    t.most_nodes = 1 << 16;
    t.device = {12.8e12, 900e9 * detail::memory_reached, detail::gpu_launch, 0.2};
    t.inside = {detail::nvlink_hop, {39.0, 110.0, 6 * 20.0}};
    t.between = {detail::network_hop, {11.6, 24.5, 4 * 12.0}};
    t.pipeline_fill = 2.0;
    t.inside_share = 0.4;
    return t;
}();

/// Eight RTX 4090 a node: PCIe 4 without access to each other's memory, one 100 Gb/s adapter. TF32.
inline constexpr topology rtx4090_pcie = [] {
    topology t;
    t.name = "RTX 4090, PCIe";
    t.devices_per_node = 8;
    t.most_nodes = 1 << 16;
    t.device = {82.6e12 * detail::flops_reached, 1.01e12 * detail::memory_reached, detail::gpu_launch, 0.1};
    t.inside = {{2.3, 0.0, 5.7}, {7.5, 0.0, 15.0}};
    t.between = {detail::network_hop, {2.9, 0.0, 12.0}};
    t.pipeline_fill = 1.27;
    return t;
}();

/// Threads of one machine: replicas meet, and each reduces its slice by itself. Rates of docs/performance.md; what a
/// bucket still in the caches gains is assumed.
inline constexpr topology cpu_host = [] {
    topology t;
    t.name = "CPU threads";
    t.devices_per_node = 256;
    t.device = {130e9, 22e9, 0.1, 1.0};
    t.base = {0.0, 0.0, 2.0};
    t.inside = {{}, {0.0, 0.0, 90.0}};
    t.cache_bytes = 1 << 20;
    t.uncached_rate = 45.0;
    return t;
}();

} // namespace lockstep
