// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/group.hpp>
#include <lockstep/device/larger.hpp>

#include <cub/block/block_reduce.cuh>
#include <cub/warp/warp_reduce.cuh>

#include <type_traits>

namespace lockstep::gpu {

namespace detail {

/// What groups of a device have in common: how columns are dealt out to members. Group has member(), synchronize() and
/// reduce(value, both), whose result all members get.
template <class Group, int Size>
struct group_base {
    static constexpr int size = Size;

    template <class T>
    struct own {
        T value{};
        __device__ T& operator[](int) { return value; }
    };

    template <class F>
    __device__ void phase(F const& f) const {
        f(self().member());
        self().synchronize();
    }
    template <int Columns, class T, class F>
    __device__ T sum(F const& f) const {
        return combine<Columns>(f, T(0), [](T a, T b) { return a + b; });
    }
    template <int Columns, class T, class F>
    __device__ T max(F const& f) const {
        return combine<Columns>(f, static_cast<T>(f(0)), [](T a, T b) { return larger_or_nan(a, b); });
    }
    template <int Columns, class F>
    __device__ void each(F const& f) const {
        for (int column = self().member(); column < Columns; column += Size) f(column);
        self().synchronize();
    }
    template <class T, class Combine>
    __device__ T combine_own(own<T> values, Combine const& both) const {
        return self().template reduce<T>(values.value, both);
    }

private:
    __device__ Group const& self() const { return static_cast<Group const&>(*this); }

    template <int Columns, class T, class F, class Combine>
    __device__ T combine(F const& f, T start, Combine const& both) const {
        T part = start;
        for (int column = self().member(); column < Columns; column += Size) part = both(part, static_cast<T>(f(column)));
        return self().template reduce<T>(part, both);
    }
};

} // namespace detail

/// A warp, as a group of a grid's kernels. Its sums are CUB's, in an order that depends on nothing but the group.
struct warp_group : detail::group_base<warp_group, 32> {
    __device__ int member() const { return static_cast<int>(threadIdx.x % 32); }
    __device__ void synchronize() const { __syncwarp(); }

    template <class T, class Combine>
    __device__ T reduce(T value, Combine const& both) const {
        // With shuffles alone; nothing is stored.
        typename cub::WarpReduce<T>::TempStorage storage;
        T const all = cub::WarpReduce<T>(storage).Reduce(value, both);
        return __shfl_sync(0xffffffffu, all, 0);
    }
};

/// A block of Size threads.
template <int Size>
struct block_group : detail::group_base<block_group<Size>, Size> {
    __device__ int member() const { return static_cast<int>(threadIdx.x); }
    __device__ void synchronize() const { __syncthreads(); }

    template <class T, class Combine>
    __device__ T reduce(T value, Combine const& both) const {
        using block_reduce = cub::BlockReduce<T, Size>;
        __shared__ union {
            typename block_reduce::TempStorage storage;
            T all;
        } shared;
        T const all = block_reduce(shared.storage).Reduce(value, both);
        __syncthreads();
        if (threadIdx.x == 0) shared.all = all;
        __syncthreads();
        T const result = shared.all;
        // Before the memory is used again.
        __syncthreads();
        return result;
    }
};

} // namespace lockstep::gpu
