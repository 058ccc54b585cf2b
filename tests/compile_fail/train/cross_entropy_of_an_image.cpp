// SPDX-License-Identifier: MIT
// A cross entropy takes one score for each class: an image as the model's output needs a flatten, or a linear.
// error: loss_of<.*>::fed_with<.*>::breaks<
// error: cross_entropy
// error: shape<10, 24, 24>
// error: takes_one_score_per_class
// errors: 1
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using net = ls::sequential<ls::shape<1, 28, 28>, ls::conv2d<10, 5>>;
#else
using net = ls::sequential<ls::shape<1, 28, 28>, ls::conv2d<10, 5>, ls::flatten>;
#endif

using model = ls::parallel<net, ls::cpu_devices<1>>;

inline auto make_trainer(model& m) { return ls::trainer{m, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<8>}; }
