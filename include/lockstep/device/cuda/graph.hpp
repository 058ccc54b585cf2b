// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/stream.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace lockstep::gpu {

namespace detail {

struct destroy_graph {
    void operator()(cudaGraph_t handle) const { discard(cudaGraphDestroy(handle)); }
};
struct destroy_executable {
    void operator()(cudaGraphExec_t handle) const { discard(cudaGraphExecDestroy(handle)); }
};
using graph_handle = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, destroy_graph>;

/// A stream in capture mode, which it leaves at the end of the scope, whatever has happened there.
class capture_scope {
public:
    explicit capture_scope(stream const& s) : stream_(s) {
        // To begin again would spoil the capture that is under way.
        if (s.is_capturing())
            throw usage_error(name_of(s.device(), "capture") +
                              ": expected a stream that is not captured, found one that is");
        // Other threads, a loader's for one, may allocate meanwhile.
        check(cudaStreamBeginCapture(s.handle(), cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture",
              s.device(), "capture");
    }
    capture_scope(capture_scope const&) = delete;
    capture_scope& operator=(capture_scope const&) = delete;
    ~capture_scope() {
        if (open_) static_cast<void>(end());
    }

    graph_handle finish() {
        auto [graph, status] = end();
        check(status, "cudaStreamEndCapture", stream_.device(), "capture");
        return std::move(graph);
    }

private:
    std::pair<graph_handle, cudaError_t> end() {
        open_ = false;
        cudaGraph_t handle = nullptr;
        cudaError_t const status = cudaStreamEndCapture(stream_.handle(), &handle);
        discard(status);
        return {graph_handle(handle), status};
    }

    stream const& stream_;
    bool open_ = true;
};

/// What work() puts into the stream, and into those that wait for its events and are waited for by it in the end.
template <class Work>
graph_handle captured(stream const& s, Work&& work) {
    capture_scope scope(s);
    std::forward<Work>(work)();
    return scope.finish();
}

inline char const* text_of(cudaGraphExecUpdateResult result) {
    switch (result) {
    case cudaGraphExecUpdateErrorTopologyChanged: return "another order of operations";
    case cudaGraphExecUpdateErrorNodeTypeChanged: return "an operation of another kind";
    case cudaGraphExecUpdateErrorFunctionChanged:
    case cudaGraphExecUpdateErrorUnsupportedFunctionChange: return "another kernel";
    case cudaGraphExecUpdateErrorParametersChanged: return "parameters that cannot be replaced";
    case cudaGraphExecUpdateErrorAttributesChanged: return "other attributes of an operation";
    case cudaGraphExecUpdateErrorNotSupported: return "an operation that cannot be replaced";
    default: return "an operation that CUDA refuses";
    }
}

} // namespace detail

/// A stream's work as one unit, which is launched at once as often as one likes. Memory that it was captured with stays
/// where it is as long as it is launched. What was moved from can only be assigned to or destroyed.
class graph {
public:
    /// Captures what work() puts into the stream, and into streams that wait for its events, which it must wait for in
    /// the end. Nothing of it is done. An exception of work's passes through; no stream is left in capture mode. Throws
    /// usage_error for a stream that is captured already, cuda_error where something cannot be captured.
    template <class Work>
    graph(stream const& s, Work&& work) : device_(s.device()) {
        detail::graph_handle const captured = detail::captured(s, std::forward<Work>(work));
        check(cudaGraphGetNodes(captured.get(), nullptr, &operations_), "cudaGraphGetNodes", device_, "graph");
        cudaGraphExec_t handle = nullptr;
        check(cudaGraphInstantiate(&handle, captured.get(), 0), "cudaGraphInstantiate", device_,
              "graph of " + std::to_string(operations_) + " operations");
        handle_.reset(handle);
    }

    /// How many kernels, copies and events of other graphs it has.
    std::size_t operations() const { return operations_; }

    /// Puts the whole of it into a stream of its device.
    void launch(stream const& s) const {
        expect_device_of(s);
        check(cudaGraphLaunch(handle_.get(), s.handle()), "cudaGraphLaunch", device_, "graph");
    }

    /// Captures work() anew and takes its parameters, as other addresses, for all later launches; cheaper than another
    /// graph. Throws usage_error where it is not the same operations in the same order; the graph is then as it was.
    template <class Work>
    void update(stream const& s, Work&& work) {
        expect_device_of(s);
        detail::graph_handle const captured = detail::captured(s, std::forward<Work>(work));
        cudaGraphExecUpdateResultInfo info{};
        cudaError_t const status = cudaGraphExecUpdate(handle_.get(), captured.get(), &info);
        if (status == cudaErrorGraphExecUpdateFailure) {
            detail::discard(status);
            throw usage_error(detail::name_of(device_, "update of a graph of ") + std::to_string(operations_) +
                              " operations: expected the same operations, found " + detail::text_of(info.result));
        }
        check(status, "cudaGraphExecUpdate", device_, "update of a graph");
    }

private:
    void expect_device_of(stream const& s) const {
        if (s.device() != device_)
            throw usage_error(detail::name_of(device_, "graph") +
                              ": expected a stream of this device, found one of device " + std::to_string(s.device()));
    }

    int device_;
    std::size_t operations_ = 0;
    std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, detail::destroy_executable> handle_;
};

} // namespace lockstep::gpu
