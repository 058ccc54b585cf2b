// SPDX-License-Identifier: MIT
// A batch's targets have the shape that the loss takes: for each of 5 positions one class.
// error: targets_of<.*>::expected<.*>::found<
// error: shape<5>
// error: shape<6>
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int targets = 6;
#else
constexpr int targets = 5;
#endif

using input = ls::shape<5, 4>;
using trainer = ls::trainer<ls::parallel<ls::sequential<input, ls::linear<3>>, ls::cpu_devices<1>>,
                            ls::cross_entropy, ls::sgd, 8>;

inline double train(trainer& t, ls::batch_view<float, input, ls::shape<targets>> const& batch) { return t.step(batch); }
