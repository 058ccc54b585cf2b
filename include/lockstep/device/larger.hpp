// SPDX-License-Identifier: MIT
#pragma once

namespace lockstep {

/// The larger of two values, or of each pair of two vectors'; a NaN counts as larger than any number, as in PyTorch.
template <class T>
[[gnu::always_inline]] constexpr T larger_or_nan(T a, T b) {
    T const larger = b > a ? b : a;
    return b != b ? b : larger;
}

} // namespace lockstep
