// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/elementwise.hpp>
#include <lockstep/device/grid/gather.hpp>
#include <lockstep/device/grid/movement.hpp>
#include <lockstep/device/grid/normalize.hpp>
#include <lockstep/device/grid/reduce.hpp>
#include <lockstep/device/grid/rows.hpp>
