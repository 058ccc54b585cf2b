// SPDX-License-Identifier: MIT
// cuDNN itself, told of an H100 where there is none: it takes the descriptors of our convolutions and has engines for them.
// From 9.8 on it plans for devices that are described; what needs a handle is answered here, and nothing is executed.
#define DOCTEST_CONFIG_IMPLEMENT
#include "../faults/runtime.hpp"

#include <lockstep/device/cuda/dnn_convolution.hpp>

#include <doctest/doctest.h>

#include <dlfcn.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <string>

// ctest counts this status as skipped.
constexpr int skipped = 77;

#if CUDNN_VERSION >= 90800

namespace ls = lockstep;
namespace gpu = lockstep::gpu;

namespace {

void* library = nullptr;
cudnnBackendDescriptor_t h100 = nullptr;

/// The library's own function, of a call that is defined here.
template <class Function>
Function* real(Function*, char const* name) {
    return reinterpret_cast<Function*>(dlsym(library, name));
}

/// How the library writes a device's properties down.
constexpr char const* properties = R"({
    "deviceName": "NVIDIA H100 80GB HBM3", "cudaDeviceId": 0, "deviceVer": 900, "driverVer": 13000,
    "multiProcessorCount": 132, "warpSize": 32, "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "maxCtasPerSM": 32,
    "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536,
    "maxRegistersPerSM": 65536, "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
    "reservedSharedMemoryPerBlock": 1024, "l2CacheSize": 52428800, "totalGlobalMem": 85000000000,
    "smClockRateKHz": 1980000, "memClockRateKHz": 2619000, "pciDeviceId": 0, "isTccDriver": 0, "supportCoopLaunch": 1})";

} // namespace

#define REAL(call) real(&call, #call)

extern "C" {

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
    *handle = reinterpret_cast<cudnnHandle_t>(&library);
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t) { return CUDNN_STATUS_SUCCESS; }
cudnnStatus_t cudnnSetStream(cudnnHandle_t, cudaStream_t) { return CUDNN_STATUS_SUCCESS; }
cudnnStatus_t cudnnBackendExecute(cudnnHandle_t, cudnnBackendDescriptor_t, cudnnBackendDescriptor_t) {
    return CUDNN_STATUS_SUCCESS;
}

char const* cudnnGetErrorString(cudnnStatus_t status) { return REAL(cudnnGetErrorString)(status); }
cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* to) {
    return REAL(cudnnBackendCreateDescriptor)(type, to);
}
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t d) { return REAL(cudnnBackendDestroyDescriptor)(d); }
cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t d) { return REAL(cudnnBackendFinalize)(d); }
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const d, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t most, std::int64_t* count, void* to) {
    return REAL(cudnnBackendGetAttribute)(d, name, type, most, count, to);
}
/// The device's properties take a handle's place.
cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t count, void const* values) {
    auto* const set = REAL(cudnnBackendSetAttribute);
    if (name == CUDNN_ATTR_OPERATIONGRAPH_HANDLE) return CUDNN_STATUS_SUCCESS;
    if (name == CUDNN_ATTR_EXECUTION_PLAN_HANDLE)
        return set(d, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &h100);
    if (name == CUDNN_ATTR_ENGINEHEUR_MODE) {
        cudnnStatus_t const status = set(d, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &h100);
        if (status != CUDNN_STATUS_SUCCESS) return status;
    }
    return set(d, name, type, count, values);
}

} // extern "C"

namespace {

/// Why the library cannot be asked; empty where it can.
std::string open_library() {
    library = dlopen(CUDNN_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return dlerror();
    std::string const text = properties;
    bool const described =
        cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &h100) == CUDNN_STATUS_SUCCESS &&
        REAL(cudnnBackendSetAttribute)(h100, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                                       static_cast<std::int64_t>(text.size()), text.data()) == CUDNN_STATUS_SUCCESS &&
        cudnnBackendFinalize(h100) == CUDNN_STATUS_SUCCESS;
    return described ? "" : "expected a cuDNN that takes a device's properties as 9.19 does, found another one";
}

using kind = ls::grid::convolution_kind;
using pair = ls::grid::dense_convolution::pair;

struct extents {
    std::int64_t samples, channels, height, width, out_channels;
    pair window, stride, padding, dilation;
    std::int64_t groups;
};

/// Of images behind others.
std::uint32_t alignment_of(ls::grid::dense_convolution::image const& i, ls::leaf_content format) {
    return std::min(ls::grid::largest_alignment, static_cast<std::uint32_t>(1 << std::countr_zero(static_cast<std::uint64_t>(
                                                     i.size() * (ls::is_rounded(format) ? 2 : 4)))));
}

ls::grid::dense_convolution describe(kind k, extents const& e, ls::leaf_content format) {
    auto const positions = [](std::int64_t in, std::int64_t window, std::int64_t stride, std::int64_t padding,
                              std::int64_t dilation) { return (in + 2 * padding - (window - 1) * dilation - 1) / stride + 1; };
    ls::grid::dense_convolution c;
    c.kind = k;
    c.samples = e.samples;
    c.operands = c.result = format;
    c.in = {e.channels, e.height, e.width};
    c.out = {e.out_channels,
             positions(e.height, e.window.height, e.stride.height, e.padding.height, e.dilation.height),
             positions(e.width, e.window.width, e.stride.width, e.padding.width, e.dilation.width)};
    c.groups = e.groups;
    c.window = e.window;
    c.stride = e.stride;
    c.padding = e.padding;
    c.dilation = e.dilation;
    if (k != kind::data_gradient) c.in.alignment = alignment_of(c.in, format);
    if (k != kind::forward) c.out.alignment = alignment_of(c.out, format);
    return c;
}

} // namespace

TEST_CASE("cuDNN has engines for convolutions, of floats with and without TF32, of bf16 and of half") {
    extents const all[] = {
        {64, 64, 32, 32, 64, {3, 3}, {1, 1}, {1, 1}, {1, 1}, 1},    // of a ResNet for small images
        {64, 128, 16, 16, 256, {3, 3}, {2, 2}, {1, 1}, {1, 1}, 1},
        {64, 512, 4, 4, 512, {3, 3}, {1, 1}, {1, 1}, {1, 1}, 1},
        {64, 64, 56, 56, 128, {1, 1}, {2, 2}, {0, 0}, {1, 1}, 1},
        {256, 3, 224, 224, 64, {7, 7}, {2, 2}, {3, 3}, {1, 1}, 1},  // of photographs
        {64, 256, 28, 28, 256, {3, 3}, {1, 1}, {1, 1}, {1, 1}, 32},
        {64, 33, 27, 25, 35, {3, 5}, {1, 2}, {2, 1}, {2, 1}, 1},    // of odd sizes
        {64, 3, 33, 35, 65, {5, 5}, {1, 1}, {2, 2}, {1, 1}, 1},
    };
    for (bool const tf32 : {false, true}) {
        gpu::allow_tf32(tf32);
        gpu::dnn_convolutions const device(0);
        for (extents const& each : all)
            for (kind const k : {kind::forward, kind::data_gradient, kind::weight_gradient})
                for (auto const format : {ls::leaf_content::number, ls::leaf_content::bf16, ls::leaf_content::half}) {
                    CAPTURE(each.channels);
                    CAPTURE(each.groups);
                    CAPTURE(static_cast<int>(k));
                    CAPTURE(static_cast<int>(format));
                    gpu::dnn_convolution convolution(device, describe(k, each, format));
                    CHECK(convolution.exists());
                    alignas(256) static std::byte memory[1024];
                    gpu::stream const s(0);
                    if (convolution.exists()) convolution.launch(s, memory, memory + 256, memory + 512, memory + 768);
                }
    }
    gpu::allow_tf32(false);
    CHECK(runtime.all_alive() == 0);
    // Which cuDNN has what decides whether gradients of weights are rounded, see library_operation.
    gpu::dnn_convolutions const device(0);
    int found = 0;
    for (extents const& each : all)
        for (auto const format : {ls::leaf_content::bf16, ls::leaf_content::half}) {
            ls::grid::dense_convolution gradient = describe(kind::weight_gradient, each, format);
            gradient.result = ls::leaf_content::number;
            found += gpu::dnn_convolution(device, gradient).exists();
        }
    std::printf("of %d gradients of weights of bf16 and half, cuDNN has %d as floats\n", 2 * static_cast<int>(std::size(all)), found);
}

int main(int argc, char** argv) {
    std::string const reason = open_library();
    if (!reason.empty()) {
        std::printf("skipped: %s\n", reason.c_str());
        return skipped;
    }
    return doctest::Context(argc, argv).run();
}

#else

int main() {
    std::printf("skipped: expected cuDNN 9.8 or later, found an older one\n");
    return skipped;
}

#endif
