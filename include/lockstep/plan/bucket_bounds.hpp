// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep {

/// A bucket is closed when it has so many bytes: the first one, which the backward pass finishes first, and all others.
struct bucket_bounds {
    std::int64_t first_bytes = 1 << 20;
    std::int64_t bytes = 1 << 20;

    friend constexpr bool operator==(bucket_bounds const&, bucket_bounds const&) = default;
};

/// Buckets by hand.
template <std::int64_t Bytes>
inline constexpr bucket_bounds bucket_bytes{Bytes, Bytes};

/// The buckets of PyTorch's DistributedDataParallel: a small one, so that reducing starts early, then 25 MiB.
inline constexpr bucket_bounds ddp_buckets{1 << 20, 25 << 20};

} // namespace lockstep
