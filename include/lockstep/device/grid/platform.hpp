// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/follower.hpp>
#include <lockstep/device/grid/kernel.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace lockstep::grid {

/// Devices that carry out work by themselves, in the order of streams: CUDA's, see device/cuda/platform.cuh. A device is
/// its number. All of these throw lockstep::error.
///
///   stream(device)           record(event), wait(event), synchronize(); work of two streams is done at the same time
///   event(device)            synchronize(); what was never recorded has happened
///   memory(device, bytes)    data(), which only devices read and write; all bytes are 0
///   pinned(bytes)            data(), of the host, from and to which devices copy while it goes on
///   graph(stream, work)      what work() puts into the stream, and into others that wait for its events and for which
///                            it waits in the end; launch(stream) puts all of it there at once
///   copy(stream, to, from, bytes), clear(stream, to, bytes)
///   launch<Kernel>(stream, call)
///   reaches(device, peer)    whether kernels of a device read and write a peer's memory
template <class P>
concept platform = requires(typename P::stream const& s, typename P::event const& e, typename P::memory const& m,
                            typename P::pinned const& h, typename P::graph const& g, std::byte* to, std::byte const* from,
                            std::size_t bytes) {
    requires std::constructible_from<typename P::stream, int>;
    requires std::constructible_from<typename P::event, int>;
    requires std::constructible_from<typename P::memory, int, std::size_t>;
    requires std::constructible_from<typename P::pinned, std::size_t>;
    requires std::constructible_from<typename P::graph, typename P::stream const&, void (*)()>;
    { m.data() } -> std::same_as<std::byte*>;
    { h.data() } -> std::same_as<std::byte*>;
    s.record(e);
    s.wait(e);
    s.synchronize();
    e.synchronize();
    g.launch(s);
    P::copy(s, to, from, bytes);
    P::clear(s, to, bytes);
    { P::reaches(0, 1) } -> std::same_as<bool>;
};

/// What an all_reduce makes of elements.
enum class combination { sum, maximum };

/// Platforms that can also add what lies on several devices, in an order of their own.
///
///   communicators(devices)   of all devices that do so together, each of them once
///   communicators(devices, id, first, all)   of ranks first, first + 1, ... of so many, in several processes: one calls
///                            make_id() and tells the others
///     all_reduce(streams, places, count, how)   after what is in a stream of each device: the sum of `count` elements at
///                            these places, or the largest, in each of them. Said for all devices of a process at once, and
///                            in the same order in all processes
///     synchronize(stream), synchronize(event)   the caller waits; throws where the devices have lost each other
///     can_be_captured(devices)   whether a graph may hold an all_reduce of so many devices
template <class P>
concept reducing_platform =
    platform<P> && requires(typename P::communicators& c, typename P::stream const& s, typename P::event const& e,
                            std::span<typename P::stream const* const> streams, std::span<float* const> places) {
        requires std::constructible_from<typename P::communicators, std::span<int const>>;
        requires std::constructible_from<typename P::communicators, std::span<int const>,
                                         decltype(P::communicators::make_id()), int, int>;
        requires std::is_trivially_copyable_v<decltype(P::communicators::make_id())>;
        c.template all_reduce<float>(streams, places, std::int64_t{}, combination::sum);
        c.synchronize(s);
        c.synchronize(e);
        requires std::same_as<decltype(P::communicators::can_be_captured(1)), bool>;
    };

/// Numbers that are sorted by keys which are not negative and have `bits` bits; those with the same key stay in the order
/// in which they are. All of it is a device's memory, `memory` at a multiple of 256 bytes.
struct pair_sort {
    std::int32_t const* keys = nullptr;
    std::int32_t const* numbers = nullptr;
    std::int32_t* sorted_keys = nullptr;
    std::int32_t* sorted_numbers = nullptr;
    std::int64_t count = 0;
    int bits = 0;
    void* memory = nullptr;
    std::int64_t memory_bytes = 0;
};

/// Platforms that can also sort, in a stream, which may be captured:
///
///   sort_bytes(device, count, bits)   of the memory that a sort of up to so many needs, beside what is sorted
///   sort(stream, pair_sort)
template <class P>
concept sorting_platform = platform<P> && requires(typename P::stream const& s, pair_sort const& what) {
    { P::sort_bytes(0, std::int64_t{}, 1) } -> std::same_as<std::int64_t>;
    P::sort(s, what);
};

/// What an operation of a program calls: the kernels of its expression, one after the other, or a library.
template <class P>
struct operation_kernel {
    void (*launch)(typename P::stream const&, call const&, void* state) = nullptr;
    /// Bytes of scratch memory for so many samples.
    std::int64_t (*scratch_bytes)(int device, std::int64_t samples) = nullptr;
    /// What it is where it follows another operation.
    follower as_follower;
    /// What a library keeps between calls, one for each operation and replica, for up to so many samples; may be null. Next:
    /// the follower that it takes, if any.
    void* (*make_state)(int device, std::int64_t samples, follower const& next) = nullptr;
    void (*free_state)(void* state) = nullptr;

    // Of libraries that take followers, see library_operation.
    bool (*takes)(follower const& next, int operand) = nullptr;
    bool (*computes_both)(void* state, std::int64_t samples) = nullptr;
    void (*launch_both)(typename P::stream const&, call const&, call const& next, void* state) = nullptr;
};

/// The operation of a library that computes E on devices of P, in place of kernels_for<T, E, R>; specialized where there
/// is one, with `found`. An object of it is made with each replica, outside of any graph:
///
///   is_chosen(samples)        static constexpr: whether it is worth it where there are up to so many samples
///   scratch_bytes(device, samples)    static: what it needs of a call's scratch memory for up to so many samples,
///                             where it is chosen
///   library_operation(device, samples)    for calls of up to so many samples
///   launch(stream, call)      whether it has launched something; kernels_for<T, E, R> are launched where it has not
///
/// What it launches depends on T, E, R and the call's number of samples alone, or else the bits would depend on how shards
/// are dealt out to devices.
///
/// It may also take operations that follow it, and compute both at once (library_with_followers):
///
///   takes(follower, operand)  static constexpr: whether it can where the follower's matrix is its operand of this number,
///                             or its result where that is -1. What the follower adds, or its sums, are stored as its result
///   library_operation(device, samples, follower)    for calls with this one behind each, which it takes, or none
///   computes_both(samples)    whether it does for so many samples, always or never; called where a graph may be captured
///   launch_both(stream, call, next)    where it does. Of operand -1 the results are in the same place, and its own is not
///                             read again
template <class P, class T, class E, class R = T>
struct library_operation {
    static constexpr bool found = false;
};
template <class Library>
concept library_with_followers = requires(follower const& next) {
    { Library::takes(next, 0) } -> std::same_as<bool>;
};

/// What a program asks for the address of a kernel's code, see host::backend. Storage: stored_as_computed, or how values
/// are rounded.
template <class T, platform P, class Storage = stored_as_computed>
struct backend {
    using element = T;
    using storage = Storage;

    template <class E, leaf_content Result>
    static constexpr void const* kernel() {
        return &of<E, typename stored_content<T, Result>::type>::value;
    }

private:
    template <class E, class R>
    struct of {
        using kernels = kernels_for<T, E, R>;
        using library = library_operation<P, T, E, R>;

        static void launch(typename P::stream const& s, call const& c, void*) {
            launch_all(typename kernels::type{}, s, c);
        }
        template <class... K>
        static void launch_all(passes<K...>, typename P::stream const& s, call const& c) {
            (P::template launch<K>(s, c), ...);
        }

        static void launch_library(typename P::stream const& s, call const& c, void* state) {
            if (state == nullptr || !static_cast<library*>(state)->launch(s, c)) launch(s, c, nullptr);
        }
        static std::int64_t scratch_bytes(int, std::int64_t samples) { return scratch_bytes_of<kernels>(samples); }
        static std::int64_t library_scratch_bytes(int device, std::int64_t samples) {
            std::int64_t const own = scratch_bytes(device, samples);
            if (!library::is_chosen(samples)) return own;
            return std::max<std::int64_t>(own, library::scratch_bytes(device, samples));
        }
        static void* make_library(int device, std::int64_t samples, [[maybe_unused]] follower const& next) {
            if (!library::is_chosen(samples)) return nullptr;
            if constexpr (library_with_followers<library>) return new library(device, samples, next);
            else return new library(device, samples);
        }
        static void free_library(void* state) { delete static_cast<library*>(state); }
        static bool library_takes(follower const& next, int operand) { return library::takes(next, operand); }
        static bool computes_both(void* state, std::int64_t samples) {
            return state != nullptr && static_cast<library*>(state)->computes_both(samples);
        }
        static void launch_both(typename P::stream const& s, call const& c, call const& next, void* state) {
            static_cast<library*>(state)->launch_both(s, c, next);
        }

        static constexpr operation_kernel<P> value = [] {
            constexpr follower own = follower_of<E>::value;
            if constexpr (library::found && library_with_followers<library>)
                return operation_kernel<P>{&launch_library, &library_scratch_bytes, own, &make_library, &free_library,
                                           &library_takes, &computes_both, &launch_both};
            else if constexpr (library::found)
                return operation_kernel<P>{&launch_library, &library_scratch_bytes, own, &make_library, &free_library};
            else return operation_kernel<P>{&launch, &scratch_bytes, own};
        }();
    };
};

} // namespace lockstep::grid
