// SPDX-License-Identifier: MIT
// A step takes batches of the shape that the model was declared for.
// error: batch_of<.*>::fed_to_a_model_for<
// error: shape<1, 14, 14>
// error: shape<1, 28, 28>
// errors: 1
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int side = 14;
#else
constexpr int side = 28;
#endif

using net = ls::sequential<ls::shape<1, 28, 28>, ls::flatten, ls::linear<10>>;
using trainer = ls::trainer<ls::parallel<net, ls::cpu_devices<1>>, ls::cross_entropy, ls::sgd, 8>;

inline double train(trainer& t, ls::batch_view<float, ls::shape<1, side, side>> const& batch) {
    return t.step(batch);
}
