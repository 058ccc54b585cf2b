// SPDX-License-Identifier: MIT
#pragma once

#include <cudnn_graph.h>

#include <cstdint>
#include <map>
#include <vector>

/// A cuDNN of the tests' own, which convolves in host memory what descriptors say. It fails where `runtime` is told to,
/// with this status.
struct fake_dnn {
    cudnnStatus_t status = CUDNN_STATUS_INTERNAL_ERROR;

    struct engine {
        std::vector<cudnnBackendNumericalNote_t> notes;
        std::int64_t workspace_bytes = 1000;
        /// What its plan is answered when it is finalized.
        cudnnStatus_t answer = CUDNN_STATUS_SUCCESS;
    };
    /// What the heuristic proposes, the best one first.
    std::vector<engine> engines{{}};
    /// Whether they compute floats of bf16.
    bool widens = true;
    /// Whether it does more than to look at what it is told.
    bool computes = true;
    /// What descriptors of a type are answered.
    std::map<cudnnBackendDescriptorType_t, cudnnStatus_t> answers;

    /// What was executed: the engine's place in `engines`, and the alignment of operands and of the result.
    int executed = -1;
    std::int64_t alignment[3] = {};
    cudnnDataType_t result_type{};
};

extern fake_dnn dnn_library;
