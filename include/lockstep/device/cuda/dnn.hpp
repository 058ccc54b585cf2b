// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/device.hpp>

#if LOCKSTEP_WITH_CUDNN

#include <cudnn_graph.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace lockstep {

/// A call to cuDNN did not succeed. The text names the device, the operation, the call, and the status that was found.
class cudnn_error : public error {
public:
    cudnn_error(cudnnStatus_t status, int device, std::string const& text)
        : error(text), status_(status), device_(device) {}

    cudnnStatus_t status() const { return status_; }
    int device() const { return device_; }

private:
    cudnnStatus_t status_;
    int device_;
};

namespace gpu {

/// Throws cudnn_error where a call did not succeed: "cuda device 0: convolution of bf16 [64, 64, 32, 32] by [128, 64, 3, 3]:
/// cudnnBackendExecute: expected CUDNN_STATUS_SUCCESS, found CUDNN_STATUS_EXECUTION_FAILED".
inline void check(cudnnStatus_t status, std::string_view call, int device, std::string_view operation) {
    if (status == CUDNN_STATUS_SUCCESS) [[likely]] return;
    throw cudnn_error(status, device,
                      detail::name_of(device, operation) + ": " + std::string(call) +
                          ": expected CUDNN_STATUS_SUCCESS, found " + cudnnGetErrorString(status));
}

/// cuDNN on a device. A handle has one stream and is for one thread at a time, who holds its mutex meanwhile.
class dnn {
public:
    /// Throws cuda_error where there is no such device, cudnn_error where cuDNN does not work there.
    explicit dnn(int device) : device_(device) {
        device_guard const guard(device, "cuDNN");
        cudnnHandle_t handle = nullptr;
        check(cudnnCreate(&handle), "cudnnCreate", device, "cuDNN");
        handle_.reset(handle);
    }

    int device() const { return device_; }
    cudnnHandle_t handle() const { return handle_.get(); }
    std::mutex& mutex() const { return mutex_; }

private:
    struct destroy {
        void operator()(cudnnHandle_t handle) const { static_cast<void>(cudnnDestroy(handle)); }
    };
    int device_;
    std::unique_ptr<std::remove_pointer_t<cudnnHandle_t>, destroy> handle_;
    mutable std::mutex mutex_;
};

/// One of the descriptors of which cuDNN's operations are made: attributes that are set, and then final. Those that one
/// was told of have to be there as long as it is.
class dnn_descriptor {
public:
    /// `operation` is what errors name.
    dnn_descriptor(cudnnBackendDescriptorType_t type, int device, std::string_view operation)
        : device_(device), operation_(operation) {
        cudnnBackendDescriptor_t made = nullptr;
        ask(cudnnBackendCreateDescriptor(type, &made), "cudnnBackendCreateDescriptor");
        made_.reset(made);
    }

    cudnnBackendDescriptor_t get() const { return made_.get(); }

    template <class V>
    void set(cudnnBackendAttributeName_t name, std::span<V const> values) {
        put(name, type_of<V>, static_cast<std::int64_t>(values.size()), values.data());
    }
    template <class V>
    void set(cudnnBackendAttributeName_t name, V const& value) {
        set(name, std::span<V const>(&value, 1));
    }
    void set(cudnnBackendAttributeName_t name, dnn_descriptor const& other) {
        cudnnBackendDescriptor_t const value = other.get();
        put(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value);
    }

    /// Whether cuDNN has what the attributes ask for. Any other failure is one.
    bool finalize() {
        cudnnStatus_t const status = cudnnBackendFinalize(get());
        if (CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_NOT_SUPPORTED) return false;
        ask(status, "cudnnBackendFinalize");
        return true;
    }

    template <class V>
    V value(cudnnBackendAttributeName_t name) const {
        V value{};
        get_some(name, type_of<V>, 1, &value);
        return value;
    }
    template <class V>
    std::vector<V> values(cudnnBackendAttributeName_t name) const {
        std::vector<V> all(static_cast<std::size_t>(get_some(name, type_of<V>, 0, nullptr)));
        all.resize(static_cast<std::size_t>(get_some(name, type_of<V>, static_cast<std::int64_t>(all.size()), all.data())));
        return all;
    }
    /// A descriptor of this type.
    dnn_descriptor descriptor(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type) const {
        dnn_descriptor made(type, device_, operation_);
        cudnnBackendDescriptor_t to = made.get();
        get_some(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &to);
        return made;
    }
    std::vector<dnn_descriptor> descriptors(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type) const {
        std::int64_t const most = get_some(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, nullptr);
        std::vector<dnn_descriptor> made;
        std::vector<cudnnBackendDescriptor_t> to;
        for (std::int64_t i = 0; i < most; ++i) to.push_back(made.emplace_back(type, device_, operation_).get());
        // Fewer than it spoke of, where some turn out not to be supported.
        std::int64_t const count = get_some(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, most, to.data());
        while (static_cast<std::int64_t>(made.size()) > count) made.pop_back();
        return made;
    }

private:
    struct destroy {
        void operator()(cudnnBackendDescriptor_t made) const { static_cast<void>(cudnnBackendDestroyDescriptor(made)); }
    };
    template <class V>
    static constexpr cudnnBackendAttributeType_t type_of = [] {
        if constexpr (std::is_same_v<V, std::int64_t>) return CUDNN_TYPE_INT64;
        else if constexpr (std::is_same_v<V, float>) return CUDNN_TYPE_FLOAT;
        else if constexpr (std::is_same_v<V, cudnnHandle_t>) return CUDNN_TYPE_HANDLE;
        else if constexpr (std::is_same_v<V, cudnnDataType_t>) return CUDNN_TYPE_DATA_TYPE;
        else if constexpr (std::is_same_v<V, cudnnConvolutionMode_t>) return CUDNN_TYPE_CONVOLUTION_MODE;
        else if constexpr (std::is_same_v<V, cudnnBackendHeurMode_t>) return CUDNN_TYPE_HEUR_MODE;
        else if constexpr (std::is_same_v<V, cudnnBackendNumericalNote_t>) return CUDNN_TYPE_NUMERICAL_NOTE;
        else {
            static_assert(std::is_same_v<V, void*> || std::is_same_v<V, void const*>);
            return CUDNN_TYPE_VOID_PTR;
        }
    }();

    void put(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count, void const* values) {
        ask(cudnnBackendSetAttribute(get(), name, type, count, values), "cudnnBackendSetAttribute");
    }
    /// Up to `most` of them; how many there are.
    std::int64_t get_some(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t most,
                          void* to) const {
        std::int64_t count = 0;
        ask(cudnnBackendGetAttribute(get(), name, type, most, &count, to), "cudnnBackendGetAttribute");
        return count;
    }
    void ask(cudnnStatus_t status, char const* call) const { check(status, call, device_, operation_); }

    int device_;
    std::string_view operation_;
    std::unique_ptr<void, destroy> made_;
};

} // namespace gpu
} // namespace lockstep

#endif // LOCKSTEP_WITH_CUDNN
