// SPDX-License-Identifier: MIT
#pragma once

#include <dnnl.h>

#include <stdexcept>

namespace raw {

/// c[m, n] = a b, row after row, where a is stored as [k, m] if transpose_a and b as [n, k] if transpose_b.
struct onednn {
    static constexpr char const* name = "onednn";
    static void multiply(bool transpose_a, bool transpose_b, int m, int n, int k, float const* a,
                         float const* b, float* c) {
        auto const status = dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1.0f, a,
                                       transpose_a ? m : k, b, transpose_b ? k : n, 0.0f, c, n);
        if (status != dnnl_success) throw std::runtime_error("dnnl_sgemm failed");
    }
};

} // namespace raw
