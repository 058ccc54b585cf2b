// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

#include <lockstep/layer/conv2d.hpp>
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
    {"conv2d_1x1", layer<sequential<shape<5, 8, 9>, ls::conv2d<7, 1>>>},
    {"max_pool2d", layer<sequential<shape<3, 8, 8>, ls::max_pool2d<2>>>},
    {"max_pool2d_overlapping", layer<sequential<shape<2, 8, 8>, ls::max_pool2d<3, ls::stride<2>, ls::padding<1>>>>},
};

} // namespace

tests::case_table tests::convolution_cases() { return cases; }
