// SPDX-License-Identifier: MIT
#pragma once

namespace lockstep {

/// The version of these headers, as in semantic versioning. The build reads it from here.
inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;

} // namespace lockstep
