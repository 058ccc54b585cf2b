// SPDX-License-Identifier: MIT
#pragma once

// lockstep and CUDA: link lockstep::cuda, or compile with nvcc and link cublasLt.

#include <lockstep/lockstep.hpp>

// device: kernels that a grid of groups of threads runs
#include <lockstep/device/grid/backend.hpp>

// device: streams, memory and graphs of CUDA's, cuBLASLt and cuDNN
#include <lockstep/device/cuda/blas.hpp>
#include <lockstep/device/cuda/blas_product.hpp>
#include <lockstep/device/cuda/check.hpp>
#include <lockstep/device/cuda/copy.hpp>
#include <lockstep/device/cuda/device.hpp>
#include <lockstep/device/cuda/dnn.hpp>
#include <lockstep/device/cuda/dnn_convolution.hpp>
#include <lockstep/device/cuda/event.hpp>
#include <lockstep/device/cuda/graph.hpp>
#include <lockstep/device/cuda/memory.hpp>
#include <lockstep/device/cuda/nccl.hpp>
#include <lockstep/device/cuda/products.hpp>
#include <lockstep/device/cuda/range.hpp>
#include <lockstep/device/cuda/relaxed_capture.hpp>
#include <lockstep/device/cuda/shared.hpp>
#include <lockstep/device/cuda/sort.hpp>
#include <lockstep/device/cuda/stream.hpp>

// parallel and train: the plan on devices that compute by themselves
#include <lockstep/parallel/cuda_available.hpp>
#include <lockstep/parallel/grid/parallel.hpp>
#include <lockstep/train/grid/step.hpp>

// What launches kernels is for nvcc alone: cuda<0> and cuda_devices<N>.
#if defined(__CUDACC__)
#include <lockstep/device/cuda/platform.cuh>
#include <lockstep/parallel/cuda_devices.cuh>
#endif
