// SPDX-License-Identifier: MIT
#include "dnn.hpp"
#include "runtime.hpp"

#include <lockstep/tensor/bf16.hpp>
#include <lockstep/tensor/half.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <set>

fake_dnn dnn_library;

/// A handle knows its device.
struct cudnnContext {
    int device;
    cudaStream_t stream;
};

namespace {

struct attribute {
    cudnnBackendAttributeType_t type;
    std::int64_t count;
    std::vector<std::byte> values;
};
struct descriptor {
    cudnnBackendDescriptorType_t type;
    bool final = false;
    std::map<cudnnBackendAttributeName_t, attribute> attributes{};
    /// Of an engine or its configuration: which, and what for.
    int engine = -1;
    descriptor* graph = nullptr;
};
std::set<void const*> alive;

std::size_t bytes_of(cudnnBackendAttributeType_t type) {
    switch (type) {
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR: return 8;
    case CUDNN_TYPE_FLOAT:
    case CUDNN_TYPE_DATA_TYPE:
    case CUDNN_TYPE_CONVOLUTION_MODE:
    case CUDNN_TYPE_HEUR_MODE:
    case CUDNN_TYPE_NUMERICAL_NOTE: return 4;
    default: return 0;
    }
}

/// Whether the attribute was set, as so many values of this type.
template <std::size_t Count, class V>
bool take(descriptor const& d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
          std::array<V, Count>& values) {
    auto const found = d.attributes.find(name);
    if (found == d.attributes.end() || found->second.type != type || found->second.count != Count) return false;
    std::memcpy(values.data(), found->second.values.data(), sizeof values);
    return true;
}
template <class V>
bool take(descriptor const& d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, V& value) {
    std::array<V, 1> values{};
    if (!take(d, name, type, values)) return false;
    value = values[0];
    return true;
}
/// One that is still there, and final.
bool take(descriptor const& d, cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type, descriptor*& other) {
    return take(d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, other) && alive.contains(other) && other->type == type &&
           other->final;
}

using four = std::array<std::int64_t, 4>;
using two = std::array<std::int64_t, 2>;

struct tensor {
    std::int64_t number, alignment;
    cudnnDataType_t type;
    four extents, steps;
};
std::optional<tensor> tensor_of(descriptor const& d) {
    tensor t{};
    bool const sound = d.attributes.size() == 5 && take(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, t.number) &&
                       take(d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, t.alignment) &&
                       take(d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, t.type) &&
                       take(d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, t.extents) &&
                       take(d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, t.steps) &&
                       t.alignment % (t.type == CUDNN_DATA_FLOAT ? 4 : 2) == 0;
    return sound ? std::optional(t) : std::nullopt;
}

struct windows {
    two stride, dilation, before, behind;
};
std::optional<windows> windows_of(descriptor const& d) {
    windows w{};
    cudnnDataType_t sum{};
    cudnnConvolutionMode_t mode{};
    std::int64_t axes = 0;
    bool const sound = d.attributes.size() == 7 &&
                       take(d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, sum) &&
                       take(d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, mode) &&
                       take(d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, axes) &&
                       take(d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, w.stride) &&
                       take(d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, w.dilation) &&
                       take(d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, w.before) &&
                       take(d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, w.behind) &&
                       sum == CUDNN_DATA_FLOAT && mode == CUDNN_CROSS_CORRELATION && axes == 2;
    return sound ? std::optional(w) : std::nullopt;
}

struct convolution {
    cudnnBackendDescriptorType_t type;
    tensor x, w, y;
    windows over;

    bool is_forward() const { return type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR; }
    bool is_of_weights() const { return type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR; }
    tensor const& result() const { return is_forward() ? y : is_of_weights() ? w : x; }
    tensor const& left() const { return is_forward() || is_of_weights() ? x : y; }
    tensor const& right() const { return is_of_weights() ? y : w; }

    bool fits() const {
        for (std::size_t axis = 0; axis < 2; ++axis) {
            std::int64_t const span = (w.extents[2 + axis] - 1) * over.dilation[axis] + 1;
            std::int64_t const room = x.extents[2 + axis] + over.before[axis] + over.behind[axis] - span;
            if (room < 0 || y.extents[2 + axis] != room / over.stride[axis] + 1) return false;
        }
        return x.extents[0] == y.extents[0] && w.extents[0] == y.extents[1] && x.extents[1] % w.extents[1] == 0 &&
               y.extents[1] % (x.extents[1] / w.extents[1]) == 0 && left().type == right().type;
    }
};
std::optional<convolution> convolution_of(descriptor const& d) {
    using names = std::array<cudnnBackendAttributeName_t, 6>;
    names const forward{CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    names const of_data{CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    names const of_weights{
        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
    convolution c{};
    c.type = d.type;
    names const& name = c.is_forward() ? forward : c.is_of_weights() ? of_weights : of_data;
    descriptor *x = nullptr, *w = nullptr, *y = nullptr, *over = nullptr;
    float one = 0, zero = 1;
    if (d.attributes.size() != 6 || !take(d, name[0], CUDNN_BACKEND_TENSOR_DESCRIPTOR, x) ||
        !take(d, name[1], CUDNN_BACKEND_TENSOR_DESCRIPTOR, w) || !take(d, name[2], CUDNN_BACKEND_TENSOR_DESCRIPTOR, y) ||
        !take(d, name[3], CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, over) || !take(d, name[4], CUDNN_TYPE_FLOAT, one) ||
        !take(d, name[5], CUDNN_TYPE_FLOAT, zero) || one != 1 || zero != 0)
        return std::nullopt;
    c.x = *tensor_of(*x);
    c.w = *tensor_of(*w);
    c.y = *tensor_of(*y);
    c.over = *windows_of(*over);
    return c.fits() ? std::optional(c) : std::nullopt;
}

std::optional<convolution> convolution_of_graph(descriptor const& d) {
    cudnnHandle_t handle = nullptr;
    descriptor* operation = nullptr;
    if (d.attributes.size() != 2 || !take(d, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle) ||
        handle->device != runtime.current ||
        !take(d, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, operation) || !alive.contains(operation) ||
        !operation->final)
        return std::nullopt;
    return convolution_of(*operation);
}

/// The configuration of a plan's engine, where all that it is made of is still there.
descriptor const* configuration_of(descriptor const& plan) {
    cudnnHandle_t handle = nullptr;
    descriptor* configuration = nullptr;
    bool const sound =
        plan.attributes.size() == 2 && take(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, handle) &&
        handle->device == runtime.current &&
        take(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, configuration) &&
        alive.contains(configuration->graph) && convolution_of_graph(*configuration->graph);
    return sound ? configuration : nullptr;
}

struct addresses {
    std::array<std::int64_t, 3> numbers;
    std::array<void*, 3> places;
    void* workspace;

    void* of(tensor const& t) const {
        for (std::size_t i = 0; i < 3; ++i)
            if (numbers[i] == t.number) return places[i];
        return nullptr;
    }
};
std::optional<addresses> addresses_of(descriptor const& d) {
    addresses a{};
    bool const sound = d.attributes.size() == 3 &&
                       take(d, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, a.numbers) &&
                       take(d, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, a.places) &&
                       take(d, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, a.workspace);
    return sound ? std::optional(a) : std::nullopt;
}

/// result += left * right, for each pair that meets.
template <class S, class R>
void convolve(convolution const& c, S const* left, S const* right, R* result) {
    tensor const &x = c.x, &w = c.w, &y = c.y;
    std::int64_t const group_in = w.extents[1], group_out = y.extents[1] / (x.extents[1] / group_in);
    auto const place = [](tensor const& t, std::int64_t a, std::int64_t b, std::int64_t row, std::int64_t column) {
        return a * t.steps[0] + b * t.steps[1] + row * t.steps[2] + column * t.steps[3];
    };
    four const& all = c.result().extents;
    std::int64_t const last = place(c.result(), all[0] - 1, all[1] - 1, all[2] - 1, all[3] - 1);
    std::vector<double> sums(static_cast<std::size_t>(last) + 1);
    for (std::int64_t n = 0; n < y.extents[0]; ++n)
        for (std::int64_t p = 0; p < y.extents[2]; ++p)
            for (std::int64_t q = 0; q < y.extents[3]; ++q)
                for (std::int64_t r = 0; r < w.extents[2]; ++r)
                    for (std::int64_t s = 0; s < w.extents[3]; ++s) {
                        std::int64_t const row = p * c.over.stride[0] - c.over.before[0] + r * c.over.dilation[0];
                        std::int64_t const column = q * c.over.stride[1] - c.over.before[1] + s * c.over.dilation[1];
                        if (row < 0 || row >= x.extents[2] || column < 0 || column >= x.extents[3]) continue;
                        for (std::int64_t k = 0; k < y.extents[1]; ++k)
                            for (std::int64_t i = 0; i < group_in; ++i) {
                                std::int64_t const in = k / group_out * group_in + i;
                                std::int64_t const at_x = place(x, n, in, row, column);
                                std::int64_t const at_w = place(w, k, i, r, s), at_y = place(y, n, k, p, q);
                                std::int64_t const at = c.is_forward() ? at_y : c.is_of_weights() ? at_w : at_x;
                                sums[static_cast<std::size_t>(at)] +=
                                    static_cast<double>(left[c.left().number == x.number ? at_x : at_y]) *
                                    static_cast<double>(right[c.right().number == w.number ? at_w : at_y]);
                            }
                    }
    for (std::size_t i = 0; i < sums.size(); ++i) result[i] = static_cast<float>(sums[i]);
}

descriptor* content(cudnnBackendDescriptor_t d) { return alive.contains(d) ? static_cast<descriptor*>(d) : nullptr; }

} // namespace

#define ENTER()                                                                                                        \
    if (runtime.fails(__func__)) return dnn_library.status

extern "C" {

char const* cudnnGetErrorString(cudnnStatus_t status) {
    return status == CUDNN_STATUS_INTERNAL_ERROR ? "CUDNN_STATUS_INTERNAL_ERROR" : "CUDNN_STATUS_OTHER";
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
    ENTER();
    ++runtime.alive["dnn"];
    *handle = new cudnnContext{runtime.current, nullptr};
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
    --runtime.alive["dnn"];
    delete handle;
    ENTER();
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
    ENTER();
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* to) {
    ENTER();
    ++runtime.alive["dnn descriptor"];
    *to = new descriptor{type};
    alive.insert(*to);
    return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t d) {
    --runtime.alive["dnn descriptor"];
    alive.erase(d);
    delete static_cast<descriptor*>(d);
    ENTER();
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t to, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t count, void const* values) {
    ENTER();
    descriptor* const d = content(to);
    if (d == nullptr || d->final || bytes_of(type) == 0 || count < 1) return CUDNN_STATUS_BAD_PARAM;
    auto const* const begin = static_cast<std::byte const*>(values);
    d->attributes[name] = {type, count, {begin, begin + static_cast<std::size_t>(count) * bytes_of(type)}};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t what) {
    ENTER();
    descriptor* const d = content(what);
    if (d == nullptr || d->final) return CUDNN_STATUS_BAD_PARAM;
    bool sound = false;
    cudnnStatus_t answer = CUDNN_STATUS_SUCCESS;
    switch (d->type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR: sound = tensor_of(*d).has_value(); break;
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR: sound = windows_of(*d).has_value(); break;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR: sound = convolution_of(*d).has_value(); break;
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR: sound = convolution_of_graph(*d).has_value(); break;
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR: {
        cudnnBackendHeurMode_t mode{};
        sound = d->attributes.size() == 2 &&
                take(*d, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, d->graph) &&
                take(*d, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode) && mode == CUDNN_HEUR_MODE_A;
        break;
    }
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR: {
        descriptor const* const configuration = configuration_of(*d);
        sound = configuration != nullptr;
        if (sound) answer = dnn_library.engines[static_cast<std::size_t>(configuration->engine)].answer;
        break;
    }
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR: sound = addresses_of(*d).has_value(); break;
    default: break;
    }
    if (!sound || runtime.capture_mode != cudaStreamCaptureModeRelaxed) return CUDNN_STATUS_BAD_PARAM;
    if (auto const other = dnn_library.answers.find(d->type); other != dnn_library.answers.end()) answer = other->second;
    d->final = answer == CUDNN_STATUS_SUCCESS;
    return answer;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const from, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t most, std::int64_t* count,
                                       void* values) {
    ENTER();
    descriptor* const d = content(from);
    if (d == nullptr) return CUDNN_STATUS_BAD_PARAM;
    // An engine's configuration is there as the heuristic has given it, and so is its engine.
    auto const give = [&](void* to, cudnnBackendDescriptorType_t expected, int engine, descriptor* graph) {
        descriptor* const other = content(to);
        if (other == nullptr || other->type != expected || other->final) return false;
        other->final = true;
        other->engine = engine;
        other->graph = graph;
        return true;
    };
    auto const engine_of = [&] { return dnn_library.engines[static_cast<std::size_t>(d->engine)]; };
    if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS && type == CUDNN_TYPE_BACKEND_DESCRIPTOR && d->final) {
        auto const c = *convolution_of_graph(*d->graph);
        bool const widens = c.left().type == c.result().type || dnn_library.widens;
        auto const there = static_cast<std::int64_t>(dnn_library.engines.size());
        // It speaks of more than it has.
        *count = most == 0 ? there + 2 : widens ? there : 0;
        if (most == 0) return CUDNN_STATUS_SUCCESS;
        if (most < *count) return CUDNN_STATUS_BAD_PARAM;
        for (std::int64_t i = 0; i < *count; ++i)
            if (!give(static_cast<void**>(values)[i], CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, static_cast<int>(i), d->graph))
                return CUDNN_STATUS_BAD_PARAM;
        return CUDNN_STATUS_SUCCESS;
    }
    if (name == CUDNN_ATTR_ENGINECFG_ENGINE && type == CUDNN_TYPE_BACKEND_DESCRIPTOR && d->final && most == 1) {
        *count = 1;
        return give(*static_cast<void**>(values), CUDNN_BACKEND_ENGINE_DESCRIPTOR, d->engine, d->graph)
                   ? CUDNN_STATUS_SUCCESS
                   : CUDNN_STATUS_BAD_PARAM;
    }
    if (name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE && type == CUDNN_TYPE_NUMERICAL_NOTE && d->final) {
        auto const notes = engine_of().notes;
        *count = static_cast<std::int64_t>(notes.size());
        for (std::size_t i = 0; i < notes.size() && static_cast<std::int64_t>(i) < most; ++i)
            static_cast<cudnnBackendNumericalNote_t*>(values)[i] = notes[i];
        return CUDNN_STATUS_SUCCESS;
    }
    if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE && type == CUDNN_TYPE_INT64 && d->final && most == 1) {
        *count = 1;
        *static_cast<std::int64_t*>(values) =
            dnn_library.engines[static_cast<std::size_t>(configuration_of(*d)->engine)].workspace_bytes;
        return CUDNN_STATUS_SUCCESS;
    }
    return CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t p, cudnnBackendDescriptor_t pack) {
    ENTER();
    descriptor* const plan = content(p);
    descriptor* const packed = content(pack);
    if (plan == nullptr || !plan->final || packed == nullptr || !packed->final) return CUDNN_STATUS_BAD_PARAM;
    descriptor const* const configuration = configuration_of(*plan);
    auto const places = addresses_of(*packed);
    if (configuration == nullptr || !places || handle->device != runtime.current || handle->stream == nullptr ||
        runtime.capture_mode != cudaStreamCaptureModeRelaxed)
        return CUDNN_STATUS_BAD_PARAM;
    auto const c = *convolution_of_graph(*configuration->graph);
    tensor const* const tensors[] = {&c.left(), &c.right(), &c.result()};
    bool aligned = reinterpret_cast<std::uintptr_t>(places->workspace) % 256 == 0;
    for (int i = 0; i < 3; ++i) {
        dnn_library.alignment[i] = tensors[i]->alignment;
        void const* const place = places->of(*tensors[i]);
        aligned = aligned && place != nullptr &&
                  reinterpret_cast<std::uintptr_t>(place) % static_cast<std::uintptr_t>(tensors[i]->alignment) == 0;
    }
    if (!aligned) return CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER;
    dnn_library.executed = configuration->engine;
    dnn_library.result_type = c.result().type;
    // All of it is the engine's.
    std::memset(places->workspace, 0xff,
                static_cast<std::size_t>(dnn_library.engines[static_cast<std::size_t>(configuration->engine)].workspace_bytes));
    auto const run = [&]<class S, class R>(S, R) {
        if (!dnn_library.computes) return CUDNN_STATUS_SUCCESS;
        convolve(c, static_cast<S const*>(places->of(c.left())), static_cast<S const*>(places->of(c.right())),
                 static_cast<R*>(places->of(c.result())));
        return CUDNN_STATUS_SUCCESS;
    };
    using lockstep::bf16, lockstep::half;
    bool const to_floats = c.result().type == CUDNN_DATA_FLOAT;
    if (!to_floats && c.result().type != c.left().type) return CUDNN_STATUS_NOT_SUPPORTED;
    switch (c.left().type) {
    case CUDNN_DATA_FLOAT: return run(float{}, float{});
    case CUDNN_DATA_BFLOAT16: return to_floats ? run(bf16{}, float{}) : run(bf16{}, bf16{});
    case CUDNN_DATA_HALF: return to_floats ? run(half{}, float{}) : run(half{}, half{});
    default: return CUDNN_STATUS_NOT_SUPPORTED;
    }
}

} // extern "C"
