// SPDX-License-Identifier: MIT
// What a loss demands of its output, it demands of a part: 3 classes there have 3 weights.
// error: loss_of<.*>::fed_with<.*>::breaks<
// error: loss_on<0, 3,
// error: shape<5>
// error: has_one_weight_per_class
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/loss/sum.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using weights = ls::class_weights<1.0, 2.0, 3.0, 4.0, 5.0>;
#else
using weights = ls::class_weights<1.0, 2.0, 3.0>;
#endif

using model = ls::parallel<ls::sequential<ls::shape<4>, ls::linear<5>>, ls::cpu_devices<1>>;

inline auto make_trainer(model& m) {
    constexpr auto loss = ls::cross_entropy{} + ls::on<0, 3>(ls::cross_entropy_with<weights>{});
    return ls::trainer{m, loss, ls::sgd{}, ls::batch_size<8>};
}
