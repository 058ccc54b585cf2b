// SPDX-License-Identifier: MIT
#pragma once

// Everything, in the order in which it is built: each stage uses only those above it.

#include <lockstep/error.hpp>
#include <lockstep/version.hpp>

// shape: extents of one sample, and the rules they follow
#include <lockstep/shape/averaging.hpp>
#include <lockstep/shape/broadcast.hpp>
#include <lockstep/shape/convolution.hpp>
#include <lockstep/shape/memory_order.hpp>
#include <lockstep/shape/shape.hpp>

// tensor: elements and memory
#include <lockstep/tensor/bytes.hpp>
#include <lockstep/tensor/element.hpp>
#include <lockstep/tensor/memory.hpp>
#include <lockstep/tensor/tensor.hpp>

// expression: what is computed, as types, and its gradient
#include <lockstep/expression/attention.hpp>
#include <lockstep/expression/batched_matmul.hpp>
#include <lockstep/expression/convolution.hpp>
#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/expression.hpp>
#include <lockstep/expression/gather.hpp>
#include <lockstep/expression/gradient.hpp>
#include <lockstep/expression/matmul.hpp>
#include <lockstep/expression/movement.hpp>
#include <lockstep/expression/normalize.hpp>
#include <lockstep/expression/philox.hpp>
#include <lockstep/expression/pooling.hpp>
#include <lockstep/expression/reduce.hpp>
#include <lockstep/expression/rows.hpp>
#include <lockstep/expression/seed.hpp>
#include <lockstep/expression/shards.hpp>

// layer: a forward expression and its parameters
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/adaptive_avg_pool2d.hpp>
#include <lockstep/layer/avg_pool2d.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv1d.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/conv_transpose2d.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/embedding.hpp>
#include <lockstep/layer/fan_initializer.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/group_norm.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/layer/layer.hpp>
#include <lockstep/layer/layer_norm.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/layer/multihead_attention.hpp>
#include <lockstep/layer/orthogonal.hpp>
#include <lockstep/layer/parameter.hpp>
#include <lockstep/layer/pool1d.hpp>
#include <lockstep/layer/reshaped.hpp>
#include <lockstep/layer/rule.hpp>
#include <lockstep/layer/softmax.hpp>

// model: layers composed, and losses
#include <lockstep/model/composition.hpp>
#include <lockstep/model/loss.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/loss/on.hpp>
#include <lockstep/model/loss/regression.hpp>
#include <lockstep/model/loss/sum.hpp>
#include <lockstep/model/sequential.hpp>

// program: a model, its loss and their gradient as a list of operations
#include <lockstep/program/build.hpp>
#include <lockstep/program/planning_only.hpp>
#include <lockstep/program/program.hpp>
#include <lockstep/program/reach.hpp>

// plan: memory, shards, buckets and streams, decided before anything runs; and what a step is expected to take
#include <lockstep/plan/all_reduce.hpp>
#include <lockstep/plan/bucket_bounds.hpp>
#include <lockstep/plan/bucket_policy.hpp>
#include <lockstep/plan/expected_step.hpp>
#include <lockstep/plan/hash.hpp>
#include <lockstep/plan/json.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/plan/print.hpp>
#include <lockstep/plan/proof.hpp>
#include <lockstep/plan/simulate.hpp>
#include <lockstep/plan/svg.hpp>
#include <lockstep/plan/topology.hpp>

// device and parallel: who computes, and together
#include <lockstep/device/host/backend.hpp>
#include <lockstep/device/host/denormals.hpp>
#include <lockstep/device/host/evaluate.hpp>
#include <lockstep/device/host/portable.hpp>
#include <lockstep/parallel/devices.hpp>
#include <lockstep/parallel/first_available.hpp>
#include <lockstep/parallel/parallel.hpp>
#include <lockstep/parallel/policy.hpp>
#include <lockstep/parallel/process_group.hpp>
#include <lockstep/parallel/timeline.hpp>

// loader: batches from files and memory
#include <lockstep/loader/batch_machine.hpp>
#include <lockstep/loader/by_class.hpp>
#include <lockstep/loader/cached.hpp>
#include <lockstep/loader/cifar.hpp>
#include <lockstep/loader/collate.hpp>
#include <lockstep/loader/concat.hpp>
#include <lockstep/loader/csv_dataset.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/dataset_stage.hpp>
#include <lockstep/loader/distributed.hpp>
#include <lockstep/loader/draw.hpp>
#include <lockstep/loader/epoch_of.hpp>
#include <lockstep/loader/fashion_mnist.hpp>
#include <lockstep/loader/idx.hpp>
#include <lockstep/loader/idx_dataset.hpp>
#include <lockstep/loader/image_folder.hpp>
#include <lockstep/loader/last_batch.hpp>
#include <lockstep/loader/loader.hpp>
#include <lockstep/loader/npy.hpp>
#include <lockstep/loader/npy_dataset.hpp>
#include <lockstep/loader/npz.hpp>
#include <lockstep/loader/permutation.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/pixel_dataset.hpp>
#include <lockstep/loader/position.hpp>
#include <lockstep/loader/sample_error.hpp>
#include <lockstep/loader/sampler.hpp>
#include <lockstep/loader/skip_bad.hpp>
#include <lockstep/loader/split.hpp>
#include <lockstep/loader/stages.hpp>
#include <lockstep/loader/subset.hpp>
#include <lockstep/loader/tensor_dataset.hpp>
#include <lockstep/loader/token_dataset.hpp>
#include <lockstep/loader/transform/color_jitter.hpp>
#include <lockstep/loader/transform/cutout.hpp>
#include <lockstep/loader/transform/horizontal_flip.hpp>
#include <lockstep/loader/transform/mapped.hpp>
#include <lockstep/loader/transform/normalize.hpp>
#include <lockstep/loader/transform/one_hot.hpp>
#include <lockstep/loader/transform/random_affine.hpp>
#include <lockstep/loader/transform/random_crop.hpp>
#include <lockstep/loader/transform/transform.hpp>
#include <lockstep/loader/weighted.hpp>

// train: optimizers, the trainer, files and pictures
#include <lockstep/train/adagrad.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/atomic_file.hpp>
#include <lockstep/train/averaged.hpp>
#include <lockstep/train/checkpoint.hpp>
#include <lockstep/train/clip.hpp>
#include <lockstep/train/curve.hpp>
#include <lockstep/train/lion.hpp>
#include <lockstep/train/optimizer.hpp>
#include <lockstep/train/options.hpp>
#include <lockstep/train/parameter_groups.hpp>
#include <lockstep/train/plan_of.hpp>
#include <lockstep/train/progress.hpp>
#include <lockstep/train/rmsprop.hpp>
#include <lockstep/train/safetensors.hpp>
#include <lockstep/train/schedule.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>
