// SPDX-License-Identifier: MIT
// An evaluation takes a loader of the shape that the model was declared for.
// error: batch_of<.*>::fed_to_a_model_for<
// error: shape<1, 13, 13>
// error: shape<1, 28, 28>
// errors: 1
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int side = 13;
#else
constexpr int side = 28;
#endif

using net = ls::sequential<ls::shape<1, 28, 28>, ls::flatten, ls::linear<10>>;
using trainer = ls::trainer<ls::parallel<net, ls::cpu_devices<1>>, ls::cross_entropy, ls::sgd, 8>;

inline double accuracy(trainer& t, ls::tensor_dataset<ls::shape<1, side, side>> const& data) {
    auto batches = data | ls::batch<8>;
    return t.evaluate(batches).accuracy;
}
