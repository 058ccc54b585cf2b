// SPDX-License-Identifier: MIT
// x[..., K] w[K, N]: the last extent of the left operand is the first of the right one.
// error: inner_extents_differ<(lockstep::)?shape<32, 784>, (lockstep::)?shape<512, 10>
// errors: 1
#include <lockstep/expression/matmul.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int features = 512;
#else
constexpr int features = 784;
#endif

struct x_tag {};
struct w_tag {};
constexpr ls::leaf<x_tag, ls::shape<32, 784>, true> x;
constexpr ls::leaf<w_tag, ls::shape<features, 10>, false> w;
inline auto const product = matmul(x, w);
