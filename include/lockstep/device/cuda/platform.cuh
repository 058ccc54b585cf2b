// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/copy.hpp>
#include <lockstep/device/cuda/dnn_convolution.hpp>
#include <lockstep/device/cuda/graph.hpp>
#include <lockstep/device/cuda/group.cuh>
#include <lockstep/device/cuda/memory.hpp>
#include <lockstep/device/cuda/nccl.hpp>
#include <lockstep/device/cuda/products.hpp>
#include <lockstep/device/cuda/range.hpp>
#include <lockstep/device/cuda/sort.hpp>
#include <lockstep/device/grid/library_convolution.hpp>
#include <lockstep/device/grid/platform.hpp>
#include <lockstep/device/grid/range.hpp>
#include <lockstep/plan/topology.hpp>

#include <cub/device/device_radix_sort.cuh>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace lockstep::gpu {

namespace detail {

/// Threads of a block, and the groups that they are.
template <class K>
inline constexpr int block_threads = K::group_size == 1 ? 256 : K::group_size == 32 ? 128 : K::group_size;
template <class K>
inline constexpr int block_groups = block_threads<K> / K::group_size;

/// Group after group, each with every so many units: what fits on the device is there once.
template <class K>
__global__ void __launch_bounds__(block_threads<K>) run_grid(__grid_constant__ typename K::argument const argument) {
    constexpr int groups = block_groups<K>;
    std::int64_t const units = K::units(argument), step = static_cast<std::int64_t>(gridDim.x) * groups;
    int const own = static_cast<int>(threadIdx.x) / K::group_size;
    std::int64_t unit = static_cast<std::int64_t>(blockIdx.x) * groups + own;
    if constexpr (K::group_size == 1) {
        typename K::shared_type nothing;
        for (; unit < units; unit += step) K::run(argument, unit, grid::taking_turns<1>{}, nothing);
    } else {
        using group = std::conditional_t<K::group_size == 32, warp_group, block_group<K::group_size>>;
        __shared__ typename K::shared_type shared[groups];
        for (; unit < units; unit += step) {
            K::run(argument, unit, group{}, shared[own]);
            // Before the next unit's phases use the memory again.
            group{}.synchronize();
        }
    }
}

} // namespace detail

/// CUDA's devices as a platform for grids.
struct platform {
    using stream = gpu::stream;
    using event = gpu::event;
    using graph = gpu::graph;
    using pinned = pinned_memory;
    using range = gpu::range;
#if LOCKSTEP_WITH_NCCL
    using communicators = gpu::communicators;
#endif
#if LOCKSTEP_WITH_CUDNN
    using convolutions = dnn_convolutions;
    using convolution = dnn_convolution;
    static constexpr std::int64_t convolution_bytes = dnn_workspace_bytes;
#endif
    static constexpr topology const& machine = h100_nvlink;

    /// Of a pool of its own, which all peers reach that can.
    class memory {
    public:
        memory(int device, std::size_t bytes) : order_(device), pool_(device), arena_(open(pool_), order_, bytes) {
            clear(order_, data(), bytes);
            order_.synchronize();
        }
        std::byte* data() const { return arena_.data(); }

    private:
        static memory_pool const& open(memory_pool const& pool) {
            for (int peer = 0; peer < find_devices().count; ++peer)
                if (peer != pool.device() && can_access(peer, pool.device())) pool.open_to(peer);
            return pool;
        }
        gpu::stream order_;
        memory_pool pool_;
        arena arena_;
    };

    static bool reaches(int device, int peer) { return can_access(device, peer); }

    /// Between any places of the host and of devices: of addresses CUDA knows where they are.
    static void copy(gpu::stream const& s, std::byte* to, std::byte const* from, std::size_t bytes) {
        if (bytes == 0) return;
        check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, s.handle()), "cudaMemcpyAsync", s.device(), "copy");
    }
    static void clear(gpu::stream const& s, std::byte* to, std::size_t bytes) {
        gpu::clear(s, device_view{s.device(), to, bytes});
    }

    /// Templates, because a program in which nothing is sorted need not have CUB's kernels for it.
    template <class Library = cub::DeviceRadixSort>
    static std::int64_t sort_bytes(int device, std::int64_t count, int bits) {
        return radix_sort<Library>::bytes(device, count, bits);
    }
    template <class Library = cub::DeviceRadixSort>
    static void sort(gpu::stream const& s, grid::pair_sort const& what) {
        radix_sort<Library>::run(s, what);
    }

    template <class K>
    static void launch(gpu::stream const& s, typename K::argument const& argument) {
        constexpr int groups = detail::block_groups<K>;
        // Enough for any device to be full; the rest is looped over.
        constexpr std::int64_t most = std::int64_t{1} << 16;
        std::int64_t const blocks = std::min((K::units(argument) + groups - 1) / groups, most);
        if (blocks == 0) return;
        device_guard const guard(s.device(), "launch");
        detail::run_grid<K><<<static_cast<unsigned>(blocks), detail::block_threads<K>, 0, s.handle()>>>(argument);
        check_launch(s.device(), "kernel of a grid");
    }
};

static_assert(grid::sorting_platform<platform> && grid::ranging_platform<platform>);
#if LOCKSTEP_WITH_NCCL
static_assert(grid::reducing_platform<platform>);
#endif
#if LOCKSTEP_WITH_CUDNN
static_assert(grid::convolving_platform<platform>);
#endif

} // namespace lockstep::gpu
