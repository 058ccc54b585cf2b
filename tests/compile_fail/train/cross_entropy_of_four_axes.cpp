// SPDX-License-Identifier: MIT
// A cross entropy takes one score for each class: [classes], [positions, classes] or [classes, height, width].
// error: loss_of<.*>::fed_with<.*>::breaks<
// error: cross_entropy
// error: shape<2, 3, 4, 5>
// error: takes_one_score_per_class
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/reshaped.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using scores = ls::reshaped<2, 3, 4, 5>;
#else
using scores = ls::reshaped<6, 4, 5>;
#endif

using model = ls::parallel<ls::sequential<ls::shape<7>, ls::linear<120>, scores>, ls::cpu_devices<1>>;

inline auto make_trainer(model& m) { return ls::trainer{m, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<8>}; }
