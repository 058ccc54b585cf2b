// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/process_group.hpp>
#include <lockstep/plan/bucket_bounds.hpp>
#include <lockstep/program/storage.hpp>
#include <lockstep/tensor/bf16.hpp>
#include <lockstep/tensor/element.hpp>
#include <lockstep/tensor/half.hpp>

#include <concepts>
#include <type_traits>

namespace lockstep {

/// A policy of parallel: a batch is always cut into this many shards, whatever the number of replicas, so that
/// loss and parameters have the same bits on 1, 2, 4, ... Shards replicas.
template <int Shards>
struct reproducible {
    static_assert(Shards >= 1, "a batch is cut into at least one shard");
};

/// A policy of parallel: the element type of parameters, activations and gradients. float without it.
template <element_type T>
struct element {
    using type = T;
};

/// A policy of parallel on devices that compute by themselves: values of samples, and the weights that they are multiplied
/// with, are stored as Format, bf16 or half: half the memory, and products at the full rate of tensor cores. What is
/// computed is computed with numbers of type element, float; parameters, which the optimizer changes, gradients, statistics
/// and losses are kept so, and so is what sums up many values. half is more precise and has less range: gradients are those
/// of a scaled loss, see loss_scaling.
template <class Format>
struct mixed_precision {
    static_assert(std::same_as<Format, bf16> || std::same_as<Format, half>, "mixed_precision<Format>: Format is bf16 or half");
};

/// A policy of parallel: among several processes each keeps the optimizer's values only for the slices of buckets that
/// it owns, updates these and sends the new parameters to all others (ZeRO stage 1; Rajbhandari et al. 2020). Within a
/// process replicas share these values anyway.
struct sharded_optimizer {};

/// A policy of parallel: threads run where the system puts them. Without it replica 1 and those behind it stay on cores
/// of their own, where there are enough.
struct unpinned {};

/// A policy of parallel on devices that compute by themselves: their own library, NCCL for CUDA's, adds the gradients of all
/// devices and each updates all parameters. Faster between devices whose links are fast, and no promise of bits: its order of
/// additions depends on the number of devices, their links, and the size of a bucket, also under reproducible<Shards>. Each
/// device is there once. With several processes theirs are added too, one shard a device. On a host, and on one device of one
/// process, there is one order anyway.
struct unordered {};

/// A policy of parallel: buckets with these bounds, any constant: buckets<bucket_bytes<1 << 20>>, buckets<ddp_buckets>,
/// buckets<best_buckets(plan_of<...>, h100_nvlink, 8)>. Without it they are those of the devices' cost model.
template <bucket_bounds Bounds>
struct buckets {};

namespace detail {

template <int Default, class... Policies>
struct shards_from {
    static constexpr int value = Default;
};
template <int Default, int Shards, class... Rest>
struct shards_from<Default, reproducible<Shards>, Rest...> {
    static constexpr int value = Shards;
};
template <int Default, class First, class... Rest>
struct shards_from<Default, First, Rest...> : shards_from<Default, Rest...> {};

template <class... Policies>
struct element_from {
    using type = float;
};
template <class T, class... Rest>
struct element_from<element<T>, Rest...> {
    using type = T;
};
template <class First, class... Rest>
struct element_from<First, Rest...> : element_from<Rest...> {};

/// How values are stored.
template <class... Policies>
struct storage_from {
    using type = stored_as_computed;
};
template <class... Rest>
struct storage_from<mixed_precision<bf16>, Rest...> {
    using type = stored_rounded<leaf_content::bf16>;
};
template <class... Rest>
struct storage_from<mixed_precision<half>, Rest...> {
    using type = stored_rounded<leaf_content::half>;
};
template <class First, class... Rest>
struct storage_from<First, Rest...> : storage_from<Rest...> {};

template <class Devices>
concept rounding_devices = requires { typename Devices::template rounding_backend<float, stored_as_computed>; };

/// The backend of a model's programs.
template <class Devices, class T, class Storage>
struct backend_from {
    static_assert(rounding_devices<Devices>,
                  "mixed_precision: these devices store what they compute; it is for devices that compute by themselves, as cuda<0>");
    static_assert(!rounding_devices<Devices> || std::same_as<T, float>, "mixed_precision: what is rounded is float, not double");
    using type = typename Devices::template backend<T>;
};
template <class Devices, class T>
struct backend_from<Devices, T, stored_as_computed> {
    using type = typename Devices::template backend<T>;
};
template <rounding_devices Devices, class Storage>
    requires(!std::same_as<Storage, stored_as_computed>)
struct backend_from<Devices, float, Storage> {
    using type = typename Devices::template rounding_backend<float, Storage>;
};

template <bucket_bounds Default, class... Policies>
struct buckets_from {
    static constexpr bucket_bounds value = Default;
};
template <bucket_bounds Default, bucket_bounds Bounds, class... Rest>
struct buckets_from<Default, buckets<Bounds>, Rest...> {
    static constexpr bucket_bounds value = Bounds;
};
template <bucket_bounds Default, class First, class... Rest>
struct buckets_from<Default, First, Rest...> : buckets_from<Default, Rest...> {};

template <class Policy>
inline constexpr bool fixes_shards = false;
template <int Shards>
inline constexpr bool fixes_shards<reproducible<Shards>> = true;

/// The processes that train together: those of a policy that has such a group, or this one alone.
template <class... Policies>
struct group_from {
    using type = single_process;
};
template <class First, class... Rest>
struct group_from<First, Rest...> : group_from<Rest...> {};
template <class First, class... Rest>
    requires requires { typename First::group; }
struct group_from<First, Rest...> {
    using type = typename First::group;
};

template <class Wanted, class... Policies>
inline constexpr bool has_policy = (std::same_as<Wanted, Policies> || ...);

} // namespace detail

} // namespace lockstep
