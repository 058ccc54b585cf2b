// SPDX-License-Identifier: MIT
#pragma once

// Elementwise expressions: how they are written, and the functions behind them with their gradients.
#include <lockstep/expression/function/arithmetic.hpp>
#include <lockstep/expression/function/selection.hpp>
#include <lockstep/expression/function/transcendental.hpp>
#include <lockstep/expression/operators.hpp>
