// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/math/erf.hpp>
#include <lockstep/expression/math/exponential.hpp>
#include <lockstep/expression/math/logarithm.hpp>
#include <lockstep/expression/math/root.hpp>
#include <lockstep/host_device.hpp>

#include <cmath>

/// The transcendental functions of elementwise expressions. Those of libm set errno and branch, so a loop
/// over them does not vectorize unless its user compiles with -ffast-math. These have neither branch, table
/// nor call: what differs between arguments is selected between constants or finished values, which
/// compilers turn into a blend also where an arithmetic operation may trap. The float versions are right for
/// denormals, infinities, NaN and -0; their errors were measured over all 2^32 floats against double,
/// with and without fused multiply-add. The double versions are those of libm, as are sine, cosine and power
/// of either type, over which a loop does not vectorize.
namespace lockstep::math {

LOCKSTEP_HOST_DEVICE inline float sin(float x) { return std::sin(x); }
LOCKSTEP_HOST_DEVICE inline double sin(double x) { return std::sin(x); }

LOCKSTEP_HOST_DEVICE inline float cos(float x) { return std::cos(x); }
LOCKSTEP_HOST_DEVICE inline double cos(double x) { return std::cos(x); }

/// a^b.
LOCKSTEP_HOST_DEVICE inline float pow(float a, float b) { return std::pow(a, b); }
LOCKSTEP_HOST_DEVICE inline double pow(double a, double b) { return std::pow(a, b); }

} // namespace lockstep::math
