// SPDX-License-Identifier: MIT
// Every parameter is trained or frozen: behind the first linear layer comes a comparison, which no gradient passes.
// error: not_reached_by<.*>::parameter_at<.*>::of_layer<
// error: cross_entropy
// error: parameter_at<1, 0>|Place=<1, 0>
// error: identity_of<lockstep::linear<3> ?>
// error: identity_of<lockstep::weight>
// errors: 1
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/sequential.hpp>
#include <lockstep/parallel/parallel.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

struct signs {
    constexpr auto operator()(auto x) const { return less(x, ls::number<0.0>); }
};

#ifdef EXPECT_COMPILE_ERROR
using front = ls::chain<ls::linear<3>, signs>;
#else
using front = ls::frozen<ls::chain<ls::linear<3>, signs>>;
#endif

using model = ls::parallel<ls::sequential<ls::shape<4>, ls::relu, front, ls::linear<3>>, ls::cpu_devices<1>>;

inline auto make_trainer(model& m) { return ls::trainer{m, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<8>}; }
