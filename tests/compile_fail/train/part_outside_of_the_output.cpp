// SPDX-License-Identifier: MIT
// A loss on a part of the output reads features that the output has: of 14 there is no 15th.
// error: loss_of<.*>::fed_with<.*>::breaks<
// error: loss_on<10, 15, (lockstep::)?(mse|mse_with)
// error: shape<14>
// error: part_lies_within_the_output
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/on.hpp>
#include <lockstep/model/loss/regression.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int part_end = 15;
#else
constexpr int part_end = 14;
#endif

using model = ls::parallel<ls::sequential<ls::shape<4>, ls::linear<14>>, ls::cpu_devices<1>>;

inline auto make_trainer(model& m) {
    return ls::trainer{m, ls::on<10, part_end>(ls::mse{}), ls::sgd{}, ls::batch_size<8>};
}
