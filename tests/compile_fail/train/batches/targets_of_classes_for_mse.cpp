// SPDX-License-Identifier: MIT
// A loss over numbers takes targets that are numbers.
// error: targets_of<.*>::expected<.*>::found<
// error: mse
// error: float
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/regression.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

#include <cstdint>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using target = std::int32_t;
#else
using target = float;
#endif

using input = ls::shape<4>;
using trainer =
    ls::trainer<ls::parallel<ls::sequential<input, ls::linear<3>>, ls::cpu_devices<1>>, ls::mse, ls::sgd, 8>;

inline double train(trainer& t, ls::batch_view<float, input, ls::shape<3>, target> const& batch) {
    return t.step(batch);
}
