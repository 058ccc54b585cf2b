// SPDX-License-Identifier: MIT
#pragma once

namespace lockstep::host {

/// Who computes matrix products and convolutions: this library alone, or oneDNN for the shapes where it is
/// faster (declared where LOCKSTEP_WITH_ONEDNN is 1).
struct portable {};

#if defined(LOCKSTEP_WITH_ONEDNN) && LOCKSTEP_WITH_ONEDNN
struct onednn {};
using default_library = onednn;
#else
using default_library = portable;
#endif

/// The matrix product that a library offers for elements T; specialized where there is one.
template <class T, class Library>
struct library_matmul {
    static constexpr bool found = false;
};

} // namespace lockstep::host
