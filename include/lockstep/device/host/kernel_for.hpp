// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/kernel.hpp>

namespace lockstep::host {

/// Which host kernel computes an expression over numbered operands: a specialization has a `kernel` named `value`.
/// T is the element type of all numbers.
template <class T, class Library, class E>
struct kernel_for;

namespace detail {

template <class State>
void* make_state() {
    return new State;
}
template <class State>
void free_state(void* state) {
    delete static_cast<State*>(state);
}

} // namespace detail

} // namespace lockstep::host
