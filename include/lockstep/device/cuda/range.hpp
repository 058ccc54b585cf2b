// SPDX-License-Identifier: MIT
#pragma once

#include <nvtx3/nvtx3.hpp>

namespace lockstep::gpu {

namespace detail {
struct nvtx_domain {
    static constexpr char const* name = "lockstep";
};
} // namespace detail

/// A named part of this thread's time in NVIDIA's profilers: range const r{"forward"}. It costs next to nothing
/// where no profiler listens.
using range = nvtx3::scoped_range_in<detail::nvtx_domain>;

} // namespace lockstep::gpu
