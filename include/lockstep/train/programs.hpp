// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/program/build.hpp>

namespace lockstep {

/// The number of samples of a full batch, for which memory is planned. Shorter batches are welcome.
template <int Samples>
struct batch_size_of {
    static_assert(Samples > 0, "a batch has at least one sample");
};
template <int Samples>
inline constexpr batch_size_of<Samples> batch_size{};

namespace detail {

template <class Model, class Loss, class Backend>
struct training_source {
    static constexpr program build() { return training_program<Model, Loss, Backend>(); }
};
template <class Model, class Loss, class Backend>
struct evaluation_source {
    static constexpr program build() { return evaluation_program<Model, Loss, Backend>(); }
};

} // namespace detail

} // namespace lockstep
