// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/all_reduce.hpp>
#include <lockstep/plan/bucket.hpp>
#include <lockstep/plan/bucket_bounds.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace lockstep {

/// Buckets joined with their neighbours until they have the bytes that the bounds demand: what planning with these
/// bounds gives, from a plan with buckets of one parameter each.
constexpr std::vector<bucket> join_buckets(std::span<bucket const> buckets, bucket_bounds bounds,
                                           std::int64_t element_bytes) {
    std::vector<bucket> joined;
    bool open = false;
    for (bucket const& b : buckets) {
        if (!open) {
            joined.push_back(b);
        } else {
            joined.back().end = b.end;
            joined.back().parameters += b.parameters;
            joined.back().ready_after = std::max(joined.back().ready_after, b.ready_after);
            joined.back().last_read = std::max(joined.back().last_read, b.last_read);
        }
        std::int64_t const bound = joined.size() == 1 ? bounds.first_bytes : bounds.bytes;
        open = (joined.back().end - joined.back().begin) * element_bytes < bound;
    }
    return joined;
}

namespace detail {

/// A device that computes and reduces at the same time, in microseconds since it began. Reductions run one after the
/// other, and take their share of the device from what is computed meanwhile.
struct two_streams {
    double reduction_share = 0.0;
    double now = 0.0;
    double reduced_at = 0.0;

    constexpr void compute(double duration) {
        double const beside = std::max(0.0, reduced_at - now);
        double const computed = beside * (1.0 - reduction_share);
        now += duration < computed ? duration / (1.0 - reduction_share) : beside + duration - computed;
    }
    constexpr void reduce(double duration) { reduced_at = std::max(reduced_at, now) + duration; }
    constexpr void wait() { now = std::max(now, reduced_at); }
};

/// The bounds with the least cost: powers of two from 256 KiB to all gradients. Of equal ones the largest.
template <class Cost>
constexpr bucket_bounds cheapest_bounds(std::int64_t gradient_bytes, Cost cost) {
    constexpr std::int64_t smallest = 256 << 10;
    bucket_bounds best;
    double least = std::numeric_limits<double>::infinity();
    for (std::int64_t bytes = smallest;; bytes *= 2) {
        for (std::int64_t first = smallest; first <= bytes; first *= 2)
            if (double const here = cost(bucket_bounds{first, bytes}); here <= least) {
                least = here;
                best = {first, bytes};
            }
        if (bytes >= gradient_bytes) return best;
    }
}

} // namespace detail

/// Microseconds of a backward pass and the reductions of its gradients, if these are finished at an even pace. Behind
/// the first one, buckets are equal: the last one, which nothing hides, is not small by chance.
constexpr double overlapped_microseconds(topology const& t, int devices, std::int64_t gradient_bytes,
                                         double backward_microseconds, bucket_bounds bounds) {
    std::int64_t const first = std::min(bounds.first_bytes, gradient_bytes), rest = gradient_bytes - first;
    std::int64_t const others = (rest + bounds.bytes - 1) / bounds.bytes;
    detail::two_streams streams{t.device.reduction_share};
    for (std::int64_t i = 0; i <= others; ++i) {
        std::int64_t const bytes = i == 0 ? first : rest / others;
        streams.compute(backward_microseconds * static_cast<double>(bytes) / static_cast<double>(gradient_bytes));
        streams.reduce(all_reduce_microseconds(t, devices, bytes));
    }
    streams.wait();
    return streams.now;
}

/// The buckets that a cost model chooses when no more is known than the bytes of all gradients and how long the
/// backward pass takes: those with the shortest step. Small ones are ready early, large ones cost fewer latencies.
/// best_buckets (plan/simulate.hpp) knows when each gradient is ready.
constexpr bucket_bounds choose_buckets(topology const& t, int devices, std::int64_t gradient_bytes,
                                       double backward_microseconds) {
    if (gradient_bytes < 1 || !(backward_microseconds >= 0))
        throw usage_error("choose_buckets: expected at least 1 byte and no negative time, found " +
                          std::to_string(gradient_bytes) + " bytes and " + std::to_string(backward_microseconds) +
                          " us");
    return detail::cheapest_bounds(gradient_bytes, [&](bucket_bounds bounds) {
        return overlapped_microseconds(t, devices, gradient_bytes, backward_microseconds, bounds);
    });
}

} // namespace lockstep
