// SPDX-License-Identifier: MIT
#pragma once

namespace lockstep {

/// Which part of a dataset: the one to learn from, or the one kept apart to test on.
enum class split { train, test };

} // namespace lockstep
