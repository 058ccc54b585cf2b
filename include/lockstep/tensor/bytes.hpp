// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep::literals {

/// Bytes: 64_MiB.
constexpr std::int64_t operator""_KiB(unsigned long long count) { return static_cast<std::int64_t>(count) << 10; }
constexpr std::int64_t operator""_MiB(unsigned long long count) { return static_cast<std::int64_t>(count) << 20; }
constexpr std::int64_t operator""_GiB(unsigned long long count) { return static_cast<std::int64_t>(count) << 30; }

} // namespace lockstep::literals
