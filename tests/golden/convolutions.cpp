// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

#include <lockstep/layer/adaptive_avg_pool2d.hpp>
#include <lockstep/layer/avg_pool2d.hpp>
#include <lockstep/layer/conv1d.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/conv_transpose2d.hpp>
#include <lockstep/layer/max_pool2d.hpp>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

using image = shape<3, 8, 9>;

constexpr reference_case cases[] = {
    {"conv2d", layer<sequential<image, ls::conv2d<4, 3>>>},
    {"conv2d_padded", layer<sequential<shape<2, 8, 9>, ls::conv2d<5, 5, ls::padding<2>>>>},
    {"conv2d_strided", layer<sequential<image, ls::conv2d<4, 3, ls::stride<2>, ls::padding<1>>>>},
    {"conv2d_rectangular", layer<sequential<shape<2, 8, 9>, ls::conv2d<3, 3, ls::window_width<5>, ls::stride<2, 1>,
                                                                       ls::padding<1, 2>>>>},
    {"conv2d_dilated", layer<sequential<shape<2, 8, 9>, ls::conv2d<3, 3, ls::dilation<2>>>>},
    {"conv2d_grouped", layer<sequential<shape<4, 8, 9>, ls::conv2d<6, 3, ls::groups<2>, ls::padding<1>>>>},
    {"conv2d_1x1", layer<sequential<shape<5, 8, 9>, ls::conv2d<7, 1>>>},
    {"conv1d", layer<sequential<shape<3, 10>, ls::conv1d<4, 3, ls::padding<1>>>>},
    {"conv_transpose2d",
     layer<sequential<shape<3, 5, 5>, ls::conv_transpose2d<2, 4, ls::stride<2>, ls::padding<1>>>>},
    {"max_pool2d", layer<sequential<shape<3, 8, 8>, ls::max_pool2d<2>>>},
    {"max_pool2d_overlapping", layer<sequential<shape<2, 8, 8>, ls::max_pool2d<3, ls::stride<2>, ls::padding<1>>>>},
    {"avg_pool2d", layer<sequential<shape<3, 6, 8>, ls::avg_pool2d<2>>>},
    {"adaptive_avg_pool2d", layer<sequential<shape<3, 5, 7>, ls::adaptive_avg_pool2d<1>>>},
};

added_cases const added(cases);

} // namespace
