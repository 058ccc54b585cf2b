// SPDX-License-Identifier: MIT
// A parameter has one group.
// error: a tag belongs to one parameter group
// errors: 1
#include <lockstep/layer/parameter.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/parameter_groups.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using tag = ls::bias;
#else
using tag = ls::weight;
#endif

inline ls::parameter_groups groups{ls::adamw{}, ls::group_of<ls::bias>(ls::adamw{}), ls::group_of<tag>(ls::adamw{})};
