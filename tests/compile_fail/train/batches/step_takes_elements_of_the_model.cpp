// SPDX-License-Identifier: MIT
// A step takes batches of the model's elements: bytes are made numbers by the loader, `map(to_float{})`.
// error: batch_of<.*>::fed_to_a_model_for<
// error: (shape<4>, unsigned char>|Element=uint8_t)
// error: (shape<4>, float>|InputElement=float)
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>
#include <lockstep/loader/transform/normalize.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

#include <cstdint>

namespace ls = lockstep;

using net = ls::sequential<ls::shape<4>, ls::linear<10>>;
using trainer = ls::trainer<ls::parallel<net, ls::cpu_devices<1>>, ls::cross_entropy, ls::sgd, 8>;
using bytes = ls::tensor_dataset<ls::shape<4>, ls::shape<>, std::int32_t, std::uint8_t>;

inline void train(trainer& t, bytes const& data) {
#ifdef EXPECT_COMPILE_ERROR
    auto batches = data | ls::batch<8>;
#else
    auto batches = data | ls::map(ls::to_float{}) | ls::batch<8>;
#endif
    for (auto const& batch : batches) t.step(batch);
}
