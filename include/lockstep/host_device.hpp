// SPDX-License-Identifier: MIT
#pragma once

/// Before a function that devices may call and that cannot be constexpr. Constexpr functions need it not: lockstep::cuda
/// has nvcc compile these for devices too (--expt-relaxed-constexpr).
#if defined(__CUDACC__)
#define LOCKSTEP_HOST_DEVICE __host__ __device__
#else
#define LOCKSTEP_HOST_DEVICE
#endif
