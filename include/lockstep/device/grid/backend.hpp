// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/attention.hpp>
#include <lockstep/device/grid/attention_gradient.hpp>
#include <lockstep/device/grid/averaging.hpp>
#include <lockstep/device/grid/batched_matmul.hpp>
#include <lockstep/device/grid/convolution.hpp>
#include <lockstep/device/grid/dense_product.hpp>
#include <lockstep/device/grid/elementwise.hpp>
#include <lockstep/device/grid/library_convolution.hpp>
#include <lockstep/device/grid/matmul.hpp>
#include <lockstep/device/grid/gather.hpp>
#include <lockstep/device/grid/movement.hpp>
#include <lockstep/device/grid/normalize.hpp>
#include <lockstep/device/grid/pooling.hpp>
#include <lockstep/device/grid/reduce.hpp>
#include <lockstep/device/grid/rows.hpp>
#include <lockstep/device/grid/sorted_scatter.hpp>
