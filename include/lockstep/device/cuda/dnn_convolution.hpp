// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/blas.hpp>
#include <lockstep/device/cuda/dnn.hpp>
#include <lockstep/device/cuda/relaxed_capture.hpp>
#include <lockstep/device/cuda/shared.hpp>
#include <lockstep/device/cuda/stream.hpp>
#include <lockstep/device/grid/dense_convolution.hpp>

#if LOCKSTEP_WITH_CUDNN

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lockstep::gpu {

/// Bytes that a convolution may use beside its operands and its result. Where images have few channels cuDNN copies them to
/// more, of 256 photographs of 224 x 224 pixels to 196 MiB.
inline constexpr std::int64_t dnn_workspace_bytes = std::int64_t{256} << 20;

/// What the convolutions of a replica have in common.
struct dnn_convolutions {
    std::shared_ptr<dnn const> cudnn;
    bool tf32;

    explicit dnn_convolutions(int device) : cudnn(shared<dnn>(device)), tf32(is_tf32_allowed()) {}
};

/// One convolution as cuDNN computes it: an operation graph of one operation, and for it the first of the engines that
/// cuDNN's heuristic proposes which computes a sum of products, as our own kernels do, in the same order each time.
class dnn_convolution {
public:
    /// Throws cudnn_error where a call fails. That no engine does it is none: exists() says it.
    dnn_convolution(dnn_convolutions const& all, grid::dense_convolution const& c)
        : library_(all.cudnn), name_(name_of(c)), tf32_(all.tf32) {
        std::lock_guard const lock(library_->mutex());
        device_guard const guard(library_->device(), name_);
        relaxed_capture const relaxed(library_->device(), name_);
        describe(c);
    }
    // Descriptors know its name by its place.
    dnn_convolution(dnn_convolution const&) = delete;
    dnn_convolution& operator=(dnn_convolution const&) = delete;

    bool exists() const { return plan_.has_value(); }

    /// In the order of a stream of the device, which may be captured. Weights lie as [out channels][window height][window
    /// width][in channels / groups], at a multiple of 256 bytes; `workspace`: of dnn_workspace_bytes, at another one. No
    /// memory of the device is allocated.
    void launch(stream const& s, void const* left, void const* right, void* result, void* workspace) const {
        std::lock_guard const lock(library_->mutex());
        device_guard const guard(s.device(), name_);
        relaxed_capture const relaxed(s.device(), name_);
        void const* const places[] = {left, right, result};
        dnn_descriptor addresses = make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
        addresses.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, std::span<std::int64_t const>(numbers));
        addresses.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, std::span<void const* const>(places));
        addresses.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace);
        // What it points at was said before: nothing that cuDNN may lack.
        if (!addresses.finalize()) check(CUDNN_STATUS_NOT_SUPPORTED, "cudnnBackendFinalize", s.device(), name_);
        check(cudnnSetStream(library_->handle(), s.handle()), "cudnnSetStream", s.device(), name_);
        check(cudnnBackendExecute(library_->handle(), plan_->get(), addresses.get()), "cudnnBackendExecute",
              s.device(), name_);
    }

private:
    using kind = grid::convolution_kind;

    /// By which cuDNN knows operands and the result.
    static constexpr std::int64_t left_number = 1, right_number = 2, result_number = 3;
    static constexpr std::int64_t numbers[] = {left_number, right_number, result_number};

    /// What differs from kind to kind.
    struct names {
        cudnnBackendDescriptorType_t operation;
        cudnnBackendAttributeName_t convolution, in, weights, out, alpha, beta;
    };
    static names names_of(kind k) {
        if (k == kind::forward)
            return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
        if (k == kind::data_gradient)
            return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
        return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
    }

    struct element_type {
        cudnnDataType_t type;
        char const* name;
    };
    static element_type type_of(leaf_content format) {
        switch (format) {
        case leaf_content::bf16: return {CUDNN_DATA_BFLOAT16, "bf16 "};
        case leaf_content::half: return {CUDNN_DATA_HALF, "half "};
        default: return {CUDNN_DATA_FLOAT, "float "};
        }
    }
    static std::string name_of(grid::dense_convolution const& c) {
        auto const text = [](std::int64_t a, std::int64_t b, std::int64_t height, std::int64_t width) {
            return "[" + std::to_string(a) + ", " + std::to_string(b) + ", " + std::to_string(height) + ", " +
                   std::to_string(width) + "]";
        };
        return std::string(c.kind == kind::forward         ? "convolution of "
                           : c.kind == kind::data_gradient ? "data gradient of a convolution of "
                                                           : "weight gradient of a convolution of ") +
               type_of(c.operands).name + text(c.samples, c.in.channels, c.in.height, c.in.width) + " by " +
               text(c.out.channels, c.group_in(), c.window.height, c.window.width);
    }

    dnn_descriptor make(cudnnBackendDescriptorType_t type) const { return {type, library_->device(), name_}; }
    /// Descriptors stay, as those that are made of them may need them.
    dnn_descriptor& keep(dnn_descriptor made) {
        return *parts_.emplace_back(std::make_unique<dnn_descriptor>(std::move(made)));
    }

    /// Of [outer][height][width][channels] in memory, which cuDNN counts as outer, channels, height and width.
    dnn_descriptor& tensor(std::int64_t number, leaf_content format, std::int64_t outer, std::int64_t channels, std::int64_t height,
                           std::int64_t width, std::int64_t alignment) {
        dnn_descriptor& t = keep(make(CUDNN_BACKEND_TENSOR_DESCRIPTOR));
        std::int64_t const extents[] = {outer, channels, height, width};
        std::int64_t const steps[] = {height * width * channels, 1, width * channels, channels};
        t.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, number);
        t.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type_of(format).type);
        t.set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::span<std::int64_t const>(extents));
        t.set(CUDNN_ATTR_TENSOR_STRIDES, std::span<std::int64_t const>(steps));
        t.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, alignment);
        return t;
    }

    void describe(grid::dense_convolution const& c) {
        names const name = names_of(c.kind);
        bool const x_is_result = c.kind == kind::data_gradient, y_is_result = c.kind == kind::forward,
                   w_is_result = c.kind == kind::weight_gradient;
        auto const format = [&](bool is_result) { return is_result ? c.result : c.operands; };
        dnn_descriptor& x = tensor(x_is_result ? result_number : left_number, format(x_is_result), c.samples,
                                   c.in.channels, c.in.height, c.in.width, c.in.alignment);
        dnn_descriptor& w = tensor(w_is_result ? result_number : right_number, format(w_is_result), c.out.channels,
                                   c.group_in(), c.window.height, c.window.width, 256);
        dnn_descriptor& y = tensor(y_is_result   ? result_number
                                   : x_is_result ? left_number
                                                 : right_number,
                                   format(y_is_result), c.samples, c.out.channels, c.out.height, c.out.width,
                                   c.out.alignment);
        dnn_descriptor& windows = keep(make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR));
        auto const set_pair = [&](cudnnBackendAttributeName_t which, grid::dense_convolution::pair value) {
            std::int64_t const both[] = {value.height, value.width};
            windows.set(which, std::span<std::int64_t const>(both));
        };
        windows.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
        windows.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
        windows.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2});
        set_pair(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, c.stride);
        set_pair(CUDNN_ATTR_CONVOLUTION_DILATIONS, c.dilation);
        set_pair(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, c.padding);
        set_pair(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, c.padding);

        if (!x.finalize() || !w.finalize() || !y.finalize() || !windows.finalize()) return;
        dnn_descriptor& operation = keep(make(name.operation));
        operation.set(name.convolution, windows);
        operation.set(name.in, x);
        operation.set(name.weights, w);
        operation.set(name.out, y);
        operation.set(name.alpha, 1.0f);
        operation.set(name.beta, 0.0f);
        if (!operation.finalize()) return;
        dnn_descriptor& graph = keep(make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR));
        graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, library_->handle());
        graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation);
        if (graph.finalize()) choose(graph, is_rounded(c.operands));
    }

    /// The heuristic's proposals come in the order of the time that they are expected to take.
    void choose(dnn_descriptor const& graph, bool are_rounded) {
        dnn_descriptor& heuristic = keep(make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR));
        heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
        heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_HEUR_MODE_A);
        if (!heuristic.finalize()) return;
        for (dnn_descriptor& proposal :
             heuristic.descriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR)) {
            if (!computes_as_we_do(proposal, are_rounded)) continue;
            dnn_descriptor plan = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
            plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, library_->handle());
            plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, proposal);
            if (!plan.finalize()) continue;
            if (plan.value<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE) > dnn_workspace_bytes) continue;
            keep(std::move(proposal));
            plan_.emplace(std::move(plan));
            return;
        }
    }

    /// Sums of products, as floats and in the same order each time, of factors that are rounded only where that is allowed:
    /// tensor cores round floats to TF32, and multiply bf16 as it is. Transformations by Winograd's or Fourier's way err
    /// more than a sum does.
    bool computes_as_we_do(dnn_descriptor const& proposal, bool are_rounded) const {
        dnn_descriptor const engine = proposal.descriptor(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
        auto const notes = engine.values<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE);
        return std::ranges::all_of(notes, [&](cudnnBackendNumericalNote_t note) {
            if (note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE) return are_rounded || tf32_;
            return note == CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP;
        });
    }

    std::shared_ptr<dnn const> library_;
    std::string name_;
    bool tf32_;
    std::vector<std::unique_ptr<dnn_descriptor>> parts_;
    std::optional<dnn_descriptor> plan_;
};

} // namespace lockstep::gpu

#endif // LOCKSTEP_WITH_CUDNN
