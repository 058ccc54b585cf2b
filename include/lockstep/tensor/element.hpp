// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

namespace lockstep {

/// The types that a tensor may hold and a program may compute with.
template <class T>
concept element_type = std::same_as<T, float> || std::same_as<T, double>;

} // namespace lockstep
