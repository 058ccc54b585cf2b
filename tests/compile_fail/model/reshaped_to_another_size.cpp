// SPDX-License-Identifier: MIT
// A layer that reshapes keeps every element.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: reshaped<3, 8, 8>
// error: shape<190>
// error: keeps_the_number_of_elements<(lockstep::)?shape<3, 8, 8> ?, (lockstep::)?shape<190> ?>
// errors: 1
#include <lockstep/layer/reshaped.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::shape<190>, ls::reshaped<3, 8, 8>>;
#else
using model = ls::sequential<ls::shape<192>, ls::reshaped<3, 8, 8>>;
#endif

using output = model::output_shape;
