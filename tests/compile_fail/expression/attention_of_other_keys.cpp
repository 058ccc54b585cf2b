// SPDX-License-Identifier: MIT
// Queries, keys and values of attention have one shape, and its heads divide the features.
// error: attention_takes_queries_keys_and_values_of_one_shape<2, (lockstep::)?shape<5, 8> ?, (lockstep::)?shape<5, 6> ?
// errors: 1
#include <lockstep/expression/attention.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int features = 6;
#else
constexpr int features = 8;
#endif

constexpr ls::leaf<struct q_tag, ls::shape<5, 8>, true> q;
constexpr ls::leaf<struct k_tag, ls::shape<5, features>, true> k;
inline auto const attended = ls::scaled_dot_product_attention<2>(q, k, q);
