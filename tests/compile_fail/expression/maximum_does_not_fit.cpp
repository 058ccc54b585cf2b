// SPDX-License-Identifier: MIT
// maximum and minimum broadcast as operators do.
// error: shapes_do_not_broadcast<(lockstep::)?shape<8, 24, 24>, (lockstep::)?shape<6, 1, 1>
// errors: 1
#include <lockstep/expression/elementwise.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int channels = 6;
#else
constexpr int channels = 8;
#endif

struct image_tag {};
struct bias_tag {};
constexpr ls::leaf<image_tag, ls::shape<8, 24, 24>, true> image;
constexpr ls::leaf<bias_tag, ls::shape<channels, 1, 1>, false> bias;
inline auto const larger = maximum(image, bias);
