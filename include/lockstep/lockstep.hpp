// SPDX-License-Identifier: MIT
#pragma once

// Everything, in the order in which it is built: each stage uses only those above it.

#include <lockstep/error.hpp>
#include <lockstep/version.hpp>

// shape: extents of one sample, and the rules they follow
#include <lockstep/shape/averaging.hpp>
#include <lockstep/shape/broadcast.hpp>
#include <lockstep/shape/convolution.hpp>
#include <lockstep/shape/shape.hpp>

// tensor: elements and memory
#include <lockstep/tensor/element.hpp>
#include <lockstep/tensor/memory.hpp>
#include <lockstep/tensor/tensor.hpp>

// expression: what is computed, as types, and its gradient
#include <lockstep/expression/convolution.hpp>
#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/expression.hpp>
#include <lockstep/expression/gradient.hpp>
#include <lockstep/expression/matmul.hpp>
#include <lockstep/expression/philox.hpp>
#include <lockstep/expression/pooling.hpp>
#include <lockstep/expression/reduce.hpp>
#include <lockstep/expression/reshape.hpp>
#include <lockstep/expression/seed.hpp>

// layer: a forward expression and its parameters
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/adaptive_avg_pool2d.hpp>
#include <lockstep/layer/avg_pool2d.hpp>
#include <lockstep/layer/conv1d.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/conv_transpose2d.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/layer/layer.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/layer/pool1d.hpp>

// model: layers composed, and losses
#include <lockstep/model/loss.hpp>
#include <lockstep/model/sequential.hpp>

// program: a model, its loss and their gradient as a list of operations
#include <lockstep/program/build.hpp>
#include <lockstep/program/program.hpp>

// plan: memory, shards and buckets, decided before anything runs
#include <lockstep/plan/plan.hpp>
#include <lockstep/plan/print.hpp>

// device and parallel: who computes, and together
#include <lockstep/device/host/backend.hpp>
#include <lockstep/device/host/denormals.hpp>
#include <lockstep/device/host/portable.hpp>
#include <lockstep/parallel/devices.hpp>
#include <lockstep/parallel/first_available.hpp>
#include <lockstep/parallel/parallel.hpp>
#include <lockstep/parallel/policy.hpp>

// loader: batches from files and memory
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/fashion_mnist.hpp>
#include <lockstep/loader/idx.hpp>
#include <lockstep/loader/idx_dataset.hpp>
#include <lockstep/loader/loader.hpp>
#include <lockstep/loader/permutation.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/sampler.hpp>

// train: optimizers, the trainer, files and pictures
#include <lockstep/train/atomic_file.hpp>
#include <lockstep/train/checkpoint.hpp>
#include <lockstep/train/curve.hpp>
#include <lockstep/train/progress.hpp>
#include <lockstep/train/safetensors.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>
