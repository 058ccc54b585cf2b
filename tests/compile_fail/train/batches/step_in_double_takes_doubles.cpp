// SPDX-License-Identifier: MIT
// A model that computes in double takes no batches of floats; that their targets are floats too is no second error.
// error: batch_of<.*>::fed_to_a_model_for<
// error: (shape<4>, float>|shape<4>, Element=float)
// error: (shape<4>, double>|InputElement=double)
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/regression.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using batch = ls::batch_view<float, ls::shape<4>, ls::shape<2>, float>;
#else
using batch = ls::batch_view<double, ls::shape<4>, ls::shape<2>, double>;
#endif

using net = ls::sequential<ls::shape<4>, ls::linear<2>>;
using trainer = ls::trainer<ls::parallel<net, ls::cpu_devices<1>, ls::element<double>>, ls::mse, ls::sgd, 8>;

inline double train(trainer& t, batch const& samples) { return t.step(samples); }
