// SPDX-License-Identifier: MIT
#pragma once

/// The rows of this program. Each is added by a source of its own: compilers take minutes for a model.
namespace bench {

void add_limits();
void add_small_models();
void add_resnet();
void add_gpt();

} // namespace bench
