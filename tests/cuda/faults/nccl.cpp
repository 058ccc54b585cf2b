// SPDX-License-Identifier: MIT
// Communicators against an NCCL of the tests' own: ranks in one process, whose sums are made when a group ends, which works
// in the background for as many looks as it is told to, and fails where it is told to.
#include <lockstep/device/cuda/nccl.hpp>

#include "runtime.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

struct ncclComm {
    int device = 0, rank = 0, ranks = 0;
    /// Looks at its state that find it at work.
    int busy = 0;
    ncclResult_t state = ncclSuccess;
    bool is_finalized = false;
};

namespace {

struct reduction {
    ncclComm* comm;
    void const* from;
    void* to;
    std::size_t count;
    ncclDataType_t type;
    cudaStream_t stream;
};

struct fake_nccl {
    /// The call that does not succeed, from its `after`-th on, and its result.
    std::string failing;
    int after = 1;
    ncclResult_t result = ncclSystemError;
    /// Looks that find work under way, and what they find in the end.
    int busy = 2;
    std::optional<ncclResult_t> found_in_the_end;

    std::vector<std::string> calls;
    std::set<ncclComm*> alive;
    int aborted = 0, destroyed = 0;
    int depth = 0;
    std::vector<reduction> group;
    std::vector<cudaStream_t> streams;

    long count(std::string const& call) const { return std::count(calls.begin(), calls.end(), call); }
};
fake_nccl nccl;

ncclResult_t enter(char const* call) {
    nccl.calls.emplace_back(call);
    return nccl.failing == call && nccl.count(call) >= nccl.after ? nccl.result : ncclSuccess;
}
void begin_work(ncclComm* comm) {
    comm->busy = nccl.busy;
    comm->state = nccl.found_in_the_end.value_or(ncclSuccess);
}
template <class T>
void add_up(std::vector<reduction> const& all) {
    for (std::size_t i = 0; i < all.front().count; ++i) {
        T sum = 0;
        for (reduction const& each : all) sum += static_cast<T const*>(each.from)[i];
        for (reduction const& each : all) static_cast<T*>(each.to)[i] = sum;
    }
}

} // namespace

extern "C" {

char const* ncclGetErrorString(ncclResult_t result) { return result == ncclSystemError ? "system error" : "some error"; }
char const* ncclGetLastError(ncclComm_t) { return "no route"; }
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
    std::memcpy(id->internal, "an id", 6);
    return enter(__func__);
}
ncclResult_t ncclGroupStart() {
    ncclResult_t const result = enter(__func__);
    nccl.depth += result == ncclSuccess;
    return result;
}
ncclResult_t ncclGroupEnd() {
    --nccl.depth;
    auto const all = std::exchange(nccl.group, {});
    ncclResult_t const result = enter(__func__);
    if (result != ncclSuccess) return result;
    if (!all.empty() && all.front().type == ncclFloat32) add_up<float>(all);
    if (!all.empty() && all.front().type == ncclFloat64) add_up<double>(all);
    for (ncclComm* each : nccl.alive)
        if (each->busy > 0) return ncclInProgress;
    return ncclSuccess;
}
ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank, ncclConfig_t* config) {
    ncclResult_t const result = enter(__func__);
    if (result != ncclSuccess) return result;
    if (std::string(id.internal) != "an id" || config->blocking != 0 || nccl.depth != 1) return ncclInvalidArgument;
    *comm = *nccl.alive.insert(new ncclComm{runtime.current, rank, ranks}).first;
    begin_work(*comm);
    return ncclInProgress;
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* found) {
    ncclResult_t const result = enter(__func__);
    if (result != ncclSuccess) return result;
    *found = comm->busy > 0 ? ncclInProgress : comm->state;
    if (comm->busy > 0) --comm->busy;
    return ncclSuccess;
}
ncclResult_t ncclAllReduce(void const* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t op, ncclComm_t comm,
                           cudaStream_t stream) {
    ncclResult_t const result = enter(__func__);
    if (result != ncclSuccess) return result;
    // Work that follows one whose launch is still under way would not be in its order.
    if (op != ncclSum || nccl.depth != 1 || comm->busy > 0) return ncclInvalidUsage;
    nccl.group.push_back({comm, from, to, count, type, stream});
    nccl.streams.push_back(stream);
    begin_work(comm);
    return ncclInProgress;
}
ncclResult_t ncclCommFinalize(ncclComm_t comm) {
    ncclResult_t const result = enter(__func__);
    if (result != ncclSuccess) return result;
    comm->is_finalized = true;
    begin_work(comm);
    return ncclInProgress;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
    nccl.destroyed += comm->is_finalized && comm->busy == 0;
    nccl.alive.erase(comm);
    delete comm;
    return enter(__func__);
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
    ++nccl.aborted;
    nccl.alive.erase(comm);
    delete comm;
    return enter(__func__);
}

} // extern "C"

namespace {

namespace gpu = lockstep::gpu;

struct fresh_nccl {
    fresh_nccl() {
        runtime = {};
        nccl = {};
    }
};

constexpr std::array devices{0, 1};

/// Makes them, adds up twice, waits, ends them.
void use_everything() {
    gpu::stream const first(0), second(1);
    gpu::event const done(0);
    std::array<gpu::stream const*, 2> const order{&first, &second};
    gpu::communicators all(devices);
    std::array<float, 3> a{1, 2, 3}, b{10, 20, 30};
    std::array<float*, 2> const floats{a.data(), b.data()};
    all.all_reduce<float>(order, floats, 3);
    CHECK(a == std::array<float, 3>{11, 22, 33});
    CHECK(b == a);
    std::array<double, 1> c{0.5}, d{0.25};
    std::array<double*, 2> const doubles{c.data(), d.data()};
    all.all_reduce<double>(order, doubles, 1);
    CHECK(c[0] == 0.75);
    CHECK(d[0] == 0.75);
    CHECK(nccl.streams == std::vector{first.handle(), second.handle(), first.handle(), second.handle()});
    all.synchronize(first);
    all.synchronize(done);
}

std::string error_of(std::function<void()> const& work) {
    try {
        work();
    } catch (lockstep::error const& e) {
        return e.what();
    }
    return "nothing was thrown";
}

void expect_nothing_left() {
    CHECK(nccl.alive.empty());
    CHECK(nccl.depth == 0);
    CHECK(runtime.all_alive() == 0);
    CHECK(runtime.current == 0);
}

} // namespace

TEST_CASE_FIXTURE(fresh_nccl, "communicators add up, and end when nothing is under way any more") {
    use_everything();
    CHECK(nccl.destroyed == 2);
    CHECK(nccl.aborted == 0);
    expect_nothing_left();
}

TEST_CASE_FIXTURE(fresh_nccl, "communicators of one of several processes know their ranks and devices") {
    ncclUniqueId const id = gpu::communicators::make_id();
    gpu::communicators const all(devices, id, 4, 8);
    std::set<std::array<int, 3>> found;
    for (ncclComm const* each : nccl.alive) found.insert({each->rank, each->device, each->ranks});
    CHECK(found == std::set<std::array<int, 3>>{{4, 0, 8}, {5, 1, 8}});
    CHECK(nccl.count("ncclGetUniqueId") == 1);
}

TEST_CASE_FIXTURE(fresh_nccl, "every call of NCCL's may fail, each time, and leaves nothing behind") {
    use_everything();
    auto const calls = nccl.calls;
    int failures = 0;
    for_each_call(calls, [&](std::string const& call, int after, int) {
        runtime = {};
        nccl = {};
        nccl.failing = call;
        nccl.after = after;
        std::string const text = error_of(use_everything);
        // What ends them has nobody to tell.
        if (text != "nothing was thrown") {
            CHECK(text.starts_with("cuda"));
            CHECK(text.ends_with(": " + call + ": expected ncclSuccess, found system error; no route"));
            ++failures;
        } else CHECK(nccl.streams.size() == 4);
        expect_nothing_left();
    });
    CHECK(failures > 10);
}

TEST_CASE_FIXTURE(fresh_nccl, "what fails in the background is found by whoever waits, and ends all of them") {
    gpu::stream const s(1);
    std::string text;
    {
        gpu::communicators all(devices);
        for (ncclComm* each : nccl.alive)
            if (each->device == 1) each->state = ncclRemoteError;
        // The stream never comes to its end, as another process has left.
        runtime.failing = "cudaStreamQuery";
        runtime.status = cudaErrorNotReady;
        try {
            all.synchronize(s);
            FAIL("expected an nccl_error");
        } catch (lockstep::nccl_error const& e) {
            CHECK(e.result() == ncclRemoteError);
            CHECK(e.device() == 1);
            CHECK(std::string(e.what()) ==
                  "cuda device 1: stream: ncclCommGetAsyncError: expected ncclSuccess, found some error; no route");
        }
        CHECK(nccl.aborted == 2);
        std::array<gpu::stream const*, 2> const order{&s, &s};
        float value = 0;
        std::array<float*, 2> const places{&value, &value};
        CHECK(error_of([&] { all.all_reduce<float>(order, places, 1); }) ==
              "cuda device 0: all-reduce: expected communicators, found that an error has ended them");
        runtime.failing.clear();
        CHECK_NOTHROW(all.synchronize(s));
    }
    CHECK(nccl.aborted == 2);
    CHECK(nccl.destroyed == 0);
    CHECK(nccl.alive.empty());
}

TEST_CASE_FIXTURE(fresh_nccl, "nothing is waited for longer than the limit") {
    constexpr std::chrono::milliseconds limit(20);
    nccl.busy = 1 << 30;
    try {
        gpu::communicators const all(devices, limit);
        FAIL("expected an nccl_error");
    } catch (lockstep::nccl_error const& e) {
        CHECK(e.result() == ncclInProgress);
        CHECK(std::string(e.what()) == "cuda device 0: communicators: expected an end within 20 ms, found none");
    }
    CHECK(nccl.aborted == 2);

    nccl = {};
    gpu::event const never(1);
    {
        gpu::communicators all(devices, limit);
        runtime.failing = "cudaEventQuery";
        runtime.status = cudaErrorNotReady;
        CHECK(error_of([&] { all.synchronize(never); }) == "cuda device 1: event: expected an end within 20 ms, found none");
        CHECK(nccl.aborted == 2);
    }
    CHECK(nccl.destroyed == 0);

    // Other processes that do not end theirs.
    nccl = {};
    {
        gpu::communicators const all(devices, limit);
        nccl.busy = 1 << 30;
    }
    CHECK(nccl.aborted == 2);
    CHECK(nccl.alive.empty());
}

TEST_CASE_FIXTURE(fresh_nccl, "while an error is on its way nobody waits for other processes") {
    CHECK_THROWS_AS(
        [] {
            gpu::communicators const all(devices);
            throw lockstep::error("something else");
        }(),
        lockstep::error);
    CHECK(nccl.count("ncclCommFinalize") == 0);
    CHECK(nccl.aborted == 2);
}
