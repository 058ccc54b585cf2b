// SPDX-License-Identifier: MIT
#include "runtime.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

fake_runtime runtime;

bool fake_runtime::fails(char const* call) {
    calls.emplace_back(call);
    return failing == call && count(call) >= after;
}
int fake_runtime::count(std::string const& call) const {
    return static_cast<int>(std::count(calls.begin(), calls.end(), call));
}
int fake_runtime::all_alive() const {
    int sum = 0;
    for (auto const& [kind, number] : alive) sum += number;
    return sum;
}

namespace {

cudaError_t keep(cudaError_t status) {
    if (status != cudaSuccess) runtime.last = status;
    return status;
}

cudaError_t enter(char const* call) { return keep(runtime.fails(call) ? runtime.status : cudaSuccess); }

template <class Handle>
cudaError_t make(cudaError_t status, char const* kind, Handle* handle) {
    if (status != cudaSuccess) return status;
    ++runtime.alive[kind];
    *handle = reinterpret_cast<Handle>(std::malloc(1));
    return cudaSuccess;
}
/// Destroys also where it then reports an error, as CUDA does with what earlier work has met.
template <class Handle>
cudaError_t destroy(cudaError_t status, char const* kind, Handle handle) {
    --runtime.alive[kind];
    std::free(handle);
    return status;
}
cudaError_t allocate(cudaError_t status, char const* kind, void** memory, std::size_t bytes) {
    if (status != cudaSuccess) return status;
    ++runtime.alive[kind];
    *memory = std::malloc(bytes);
    return cudaSuccess;
}
cudaError_t expect_device(cudaError_t status, int device) {
    if (status != cudaSuccess) return status;
    return keep(device >= 0 && device < runtime.devices ? cudaSuccess : cudaErrorInvalidDevice);
}

} // namespace

#define ENTER()                                                                                                        \
    cudaError_t const status = enter(__func__);                                                                        \
    if (status != cudaSuccess) return status

extern "C" {

char const* cudaGetErrorName(cudaError_t status) {
    switch (status) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    default: return "cudaErrorUnknown";
    }
}
char const* cudaGetErrorString(cudaError_t status) {
    switch (status) {
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    default: return "unknown error";
    }
}
cudaError_t cudaGetLastError() { return std::exchange(runtime.last, cudaSuccess); }

cudaError_t cudaGetDeviceCount(int* count) {
    ENTER();
    *count = runtime.devices;
    return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
    ENTER();
    *version = runtime.driver_version;
    return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
    ENTER();
    *version = CUDART_VERSION;
    return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
    ENTER();
    *device = runtime.current;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
    cudaError_t const status = expect_device(enter(__func__), device);
    if (status == cudaSuccess) runtime.current = device;
    return status;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
    ENTER();
    *value = runtime.pools;
    return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* can, int, int peer) {
    ENTER();
    *can = runtime.peers;
    return expect_device(cudaSuccess, peer);
}
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned) {
    ENTER();
    return keep(runtime.enabled_peers.insert(peer).second ? cudaSuccess : cudaErrorPeerAccessAlreadyEnabled);
}
cudaError_t cudaDeviceDisablePeerAccess(int peer) {
    ENTER();
    return keep(runtime.enabled_peers.erase(peer) ? cudaSuccess : cudaErrorPeerAccessNotEnabled);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned flags) {
    cudaError_t const status = enter(__func__);
    return make(flags == cudaStreamNonBlocking ? status : keep(cudaErrorInvalidValue), "stream", s);
}
cudaError_t cudaStreamDestroy(cudaStream_t s) { return destroy(enter(__func__), "stream", s); }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return enter(__func__); }
cudaError_t cudaStreamQuery(cudaStream_t) { return enter(__func__); }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return enter(__func__); }
cudaError_t cudaStreamIsCapturing(cudaStream_t s, cudaStreamCaptureStatus* capturing) {
    ENTER();
    *capturing = runtime.capturing.contains(s) ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}
cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode) {
    ENTER();
    runtime.capturing.insert(s);
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t* graph) {
    runtime.capturing.erase(s);
    return make(enter(__func__), "graph", graph);
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
    ENTER();
    std::swap(*mode, runtime.capture_mode);
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned) { return make(enter(__func__), "event", e); }
cudaError_t cudaEventDestroy(cudaEvent_t e) { return destroy(enter(__func__), "event", e); }
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return enter(__func__); }
cudaError_t cudaEventQuery(cudaEvent_t) { return enter(__func__); }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return enter(__func__); }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
    ENTER();
    *milliseconds = 1500;
    return cudaSuccess;
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, cudaMemPoolProps const*) {
    return make(enter(__func__), "pool", pool);
}
cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) { return destroy(enter(__func__), "pool", pool); }
cudaError_t cudaMemPoolSetAccess(cudaMemPool_t, cudaMemAccessDesc const*, std::size_t) { return enter(__func__); }
cudaError_t cudaMallocFromPoolAsync(void** memory, std::size_t bytes, cudaMemPool_t, cudaStream_t) {
    return allocate(enter(__func__), "arena", memory, bytes);
}
cudaError_t cudaFreeAsync(void* memory, cudaStream_t) { return destroy(enter(__func__), "arena", memory); }
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* all) {
    ENTER();
    *free = 100;
    *all = 1000;
    return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned flags) {
    cudaError_t const status = enter(__func__);
    return allocate(flags == cudaHostAllocPortable ? status : keep(cudaErrorInvalidValue), "pinned", memory, bytes);
}
cudaError_t cudaFreeHost(void* memory) { return destroy(enter(__func__), "pinned", memory); }
cudaError_t cudaMemcpyAsync(void* to, void const* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
    ENTER();
    std::memcpy(to, from, bytes);
    return cudaSuccess;
}
cudaError_t cudaMemcpyPeerAsync(void* to, int, void const* from, int, std::size_t bytes, cudaStream_t) {
    ENTER();
    std::memcpy(to, from, bytes);
    return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t) {
    ENTER();
    std::memset(memory, value, bytes);
    return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t, cudaGraphNode_t*, std::size_t* count) {
    ENTER();
    *count = 3;
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return destroy(enter(__func__), "graph", graph); }
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t, unsigned long long) {
    return make(enter(__func__), "executable", executable);
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
    return destroy(enter(__func__), "executable", executable);
}
cudaError_t cudaGraphExecUpdate(cudaGraphExec_t, cudaGraph_t, cudaGraphExecUpdateResultInfo* info) {
    ENTER();
    info->result = runtime.update;
    return keep(runtime.update == cudaGraphExecUpdateSuccess ? cudaSuccess : cudaErrorGraphExecUpdateFailure);
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t) { return enter(__func__); }

} // extern "C"
