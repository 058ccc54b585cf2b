// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/library.hpp>

#if defined(LOCKSTEP_WITH_ONEDNN) && LOCKSTEP_WITH_ONEDNN

#include <lockstep/error.hpp>

#include <dnnl.h>

#include <cstdint>
#include <string>

// oneDNN is built on OpenMP in Debian and elsewhere; it takes the number of threads from here.
extern "C" void omp_set_num_threads(int) noexcept;

namespace lockstep::host {

/// To be called once by every thread that computes: a replica is one thread, so oneDNN must not start others.
inline void enter_thread() { omp_set_num_threads(1); }

namespace library {

inline char const* status_name(dnnl_status_t status) {
    switch (status) {
    case dnnl_success: return "success";
    case dnnl_out_of_memory: return "out of memory";
    case dnnl_invalid_arguments: return "invalid arguments";
    case dnnl_unimplemented: return "unimplemented";
    case dnnl_iterator_ends: return "iterator ends";
    case dnnl_runtime_error: return "run-time error";
    case dnnl_not_required: return "not required";
    default: return "unknown status";
    }
}

/// Every call's status goes through here. Throws lockstep::error.
inline void check(dnnl_status_t status, char const* call) {
    if (status != dnnl_success)
        throw error(std::string("oneDNN: ") + call + ": expected success, found " + status_name(status));
}

/// Sets the calling thread to one OpenMP thread at its first use, for threads that never said enter_thread().
inline void use_one_thread() {
    thread_local bool const once = (enter_thread(), true);
    static_cast<void>(once);
}

} // namespace library

template <>
struct library_matmul<float, onednn> {
    static constexpr bool found = true;

    /// c[m, n] = op(a) op(b), row-major; op is 'N', or 'T' for a transposed operand.
    static void multiply(char op_a, char op_b, std::int64_t m, std::int64_t n, std::int64_t k, float const* a,
                         std::int64_t a_stride, float const* b, std::int64_t b_stride, float* c) {
        library::use_one_thread();
        library::check(dnnl_sgemm(op_a, op_b, m, n, k, 1.0f, a, a_stride, b, b_stride, 0.0f, c, n),
                       "dnnl_sgemm");
    }
};

} // namespace lockstep::host

#else

namespace lockstep::host {

/// To be called once by every thread that computes; nothing to be done without oneDNN.
inline void enter_thread() {}

} // namespace lockstep::host

#endif
