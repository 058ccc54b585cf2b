// SPDX-License-Identifier: MIT
#pragma once

namespace lockstep {

/// A backend without kernels: programs and plans made with it can be looked at, printed and simulated, but not run. It
/// stands where host::backend<T> stands, and costs no kernel's compilation.
template <class T>
struct planning_only {
    using element = T;
    template <class>
    static constexpr void const* kernel() {
        return nullptr;
    }
};

} // namespace lockstep
