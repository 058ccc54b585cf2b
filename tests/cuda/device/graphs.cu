// SPDX-License-Identifier: MIT
#include "kernel.cuh"

#include <lockstep/device/cuda/graph.hpp>

#include <doctest/doctest.h>

#include <stdexcept>

namespace gpu = lockstep::gpu;

namespace {

/// An element of the memory, when all work is done.
int first_of(gpu::stream const& s, gpu::device_view memory) {
    int value = 0;
    gpu::copy(s, std::as_writable_bytes(std::span(&value, 1)), memory.part(0, sizeof value));
    s.synchronize();
    return value;
}

struct memory_on_a_stream {
    gpu::stream stream{0};
    gpu::memory_pool pool{0};
    gpu::arena memory{pool, stream, 4096}, other{pool, stream, 4096};

    memory_on_a_stream() {
        gpu::clear(stream, memory.view());
        gpu::clear(stream, other.view());
    }
};

} // namespace

TEST_CASE_FIXTURE(memory_on_a_stream, "a graph does nothing when it is captured, and all of it at every launch") {
    gpu::graph const step(stream, [&] {
        launch_add(stream, memory.view(), 1);
        launch_add(stream, memory.view(), 2);
    });
    CHECK(step.operations() == 2);
    CHECK(first_of(stream, memory.view()) == 0);
    for (int i = 0; i < 5; ++i) step.launch(stream);
    CHECK(first_of(stream, memory.view()) == 15);
    gpu::stream const another(0);
    step.launch(another);
    CHECK(first_of(another, memory.view()) == 18);
}

TEST_CASE_FIXTURE(memory_on_a_stream, "a second stream joins a capture by events") {
    gpu::stream const second(0);
    gpu::event const begun(0), ended(0);
    gpu::graph const step(stream, [&] {
        stream.record(begun);
        second.wait(begun);
        CHECK(second.is_capturing());
        launch_add(stream, memory.view(), 1);
        launch_add(second, other.view(), 2);
        second.record(ended);
        stream.wait(ended);
        launch_add(stream, memory.view(), 3);
    });
    CHECK_FALSE(second.is_capturing());
    CHECK(step.operations() == 3);
    step.launch(stream);
    CHECK(first_of(stream, memory.view()) == 4);
    CHECK(first_of(stream, other.view()) == 2);
}

TEST_CASE_FIXTURE(memory_on_a_stream, "an update takes other addresses and amounts, and refuses other operations") {
    gpu::graph step(stream, [&] { launch_add(stream, memory.view(), 1); });
    step.update(stream, [&] { launch_add(stream, other.view(), 7); });
    step.launch(stream);
    CHECK(first_of(stream, memory.view()) == 0);
    CHECK(first_of(stream, other.view()) == 7);
    CHECK_THROWS_WITH_AS(step.update(stream,
                                     [&] {
                                         launch_add(stream, memory.view(), 1);
                                         launch_add(stream, memory.view(), 1);
                                     }),
                         doctest::Contains("expected the same operations, found another order of operations"),
                         lockstep::usage_error);
    step.launch(stream);
    CHECK(first_of(stream, other.view()) == 14);
}

TEST_CASE_FIXTURE(memory_on_a_stream, "an exception ends the capture of all streams that joined") {
    gpu::stream const second(0);
    gpu::event const begun(0);
    auto const fails = [&] {
        stream.record(begun);
        second.wait(begun);
        launch_add(second, other.view(), 2);
        throw std::runtime_error("out of paper");
    };
    CHECK_THROWS_WITH(gpu::graph(stream, fails), "out of paper");
    CHECK_FALSE(stream.is_capturing());
    CHECK_FALSE(second.is_capturing());
    launch_add(stream, memory.view(), 1);
    launch_add(second, other.view(), 1);
    second.synchronize();
    CHECK(first_of(stream, memory.view()) == 1);
}

TEST_CASE_FIXTURE(memory_on_a_stream, "what cannot be captured is an error, and the stream goes on") {
    // To wait is not work that could be captured.
    CHECK_THROWS_AS(gpu::graph(stream, [&] { stream.synchronize(); }), lockstep::cuda_error);
    CHECK_FALSE(stream.is_capturing());
    // Nor may what is caught inside pass unseen.
    CHECK_THROWS_AS(gpu::graph(stream,
                                [&] {
                                    try {
                                        stream.synchronize();
                                    } catch (lockstep::cuda_error const&) {
                                    }
                                }),
                    lockstep::cuda_error);
    CHECK_FALSE(stream.is_capturing());
    // A stream that joined, and was not waited for.
    gpu::stream const second(0);
    gpu::event const begun(0);
    CHECK_THROWS_AS(gpu::graph(stream,
                                [&] {
                                    stream.record(begun);
                                    second.wait(begun);
                                    launch_add(second, other.view(), 1);
                                }),
                    lockstep::cuda_error);
    CHECK_FALSE(second.is_capturing());
    CHECK_THROWS_AS(gpu::graph(stream, [&] { gpu::arena const a(pool, stream, 8); }), lockstep::usage_error);
    launch_add(stream, memory.view(), 1);
    CHECK(first_of(stream, memory.view()) == 1);
}

TEST_CASE_FIXTURE(memory_on_a_stream, "an empty graph") {
    gpu::graph const nothing(stream, [] {});
    CHECK(nothing.operations() == 0);
    nothing.launch(stream);
    CHECK_NOTHROW(stream.synchronize());
}
