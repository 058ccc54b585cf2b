// SPDX-License-Identifier: MIT
// A loss with class weights has one for each class.
// error: loss_of<.*>::fed_with<.*>::breaks<
// error: shape<3>
// error: has_one_weight_per_class
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using loss = ls::cross_entropy_with<ls::class_weights<1.0, 2.0>>;
#else
using loss = ls::cross_entropy_with<ls::class_weights<1.0, 2.0, 0.5>>;
#endif

using model = ls::parallel<ls::sequential<ls::shape<4>, ls::linear<3>>, ls::cpu_devices<1>>;

inline auto make_trainer(model& m) { return ls::trainer{m, loss{}, ls::sgd{}, ls::batch_size<8>}; }
