// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/math/bits.hpp>
#include <lockstep/expression/math/exponential.hpp>
#include <lockstep/host_device.hpp>

#include <cmath>

namespace lockstep::math {

/// Error function 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. Error at most 1.32 ulp.
constexpr float erf(float x) {
    float const a = detail::magnitude(x);
    // Near 0 the minimax polynomial for erf(a) / a - 1 in a^2, its error 2^-29 relative to erf(a) / a.
    float const square = a * a;
    float p = 0x1.4771fep-14f;
    p = p * square - 0x1.a3515ep-11f;
    p = p * square + 0x1.53f224p-8f;
    p = p * square - 0x1.b7f71ap-6f;
    p = p * square + 0x1.ce2ce6p-4f;
    p = p * square - 0x1.81273ep-2f;
    p = p * square + 0x1.06eba8p-3f;
    float const near = a * p + a;
    // Elsewhere 1 - e^(-t q), which is 1 from 3.92 on: the minimax polynomial for -log(1 - erf(t)) / t between 1
    // and 4, its error 2^-28 relative to erf(t).
    float const t = select(a > 4.0f, 4.0f, a);
    float q = -0x1.b9c22ep-13f;
    q = q * t + 0x1.a1b930p-9f;
    q = q * t - 0x1.758816p-6f;
    q = q * t + 0x1.ae8e6cp-4f;
    q = q * t + 0x1.458bb0p-1f;
    q = q * t + 0x1.20e412p+0f;
    float const far = 1.0f - detail::exp_in_range(-t * q);
    return detail::with_sign_of(select(a < 1.0f, near, far), x);
}

LOCKSTEP_HOST_DEVICE inline double erf(double x) { return std::erf(x); }

} // namespace lockstep::math
