// SPDX-License-Identifier: MIT
// Losses that are added take the same targets: a class is no list of numbers.
// error: loss_of<.*>::fed_with<.*>::breaks<
// error: loss_sum<
// error: losses_of_a_sum_take_the_same_targets<
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/softmax.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/loss/regression.hpp>
#include <lockstep/model/loss/sum.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using other = ls::mse;
#else
using other = ls::nll;
#endif

using model = ls::parallel<ls::sequential<ls::shape<4>, ls::linear<3>>, ls::cpu_devices<1>>;

inline auto make_trainer(model& m) {
    return ls::trainer{m, ls::cross_entropy{} + ls::number<0.5> * other{}, ls::sgd{}, ls::batch_size<8>};
}
