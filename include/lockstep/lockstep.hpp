// SPDX-License-Identifier: MIT
#pragma once

// Everything, in the order in which it is built: each stage uses only those above it.

#include <lockstep/error.hpp>
#include <lockstep/version.hpp>

#include <lockstep/shape/shape.hpp>

#include <lockstep/tensor/element.hpp>
#include <lockstep/tensor/memory.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/fashion_mnist.hpp>
#include <lockstep/loader/idx.hpp>
#include <lockstep/loader/idx_dataset.hpp>

#include <lockstep/train/atomic_file.hpp>
#include <lockstep/train/progress.hpp>
#include <lockstep/train/safetensors.hpp>
