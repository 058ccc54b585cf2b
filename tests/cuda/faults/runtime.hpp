// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime_api.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

/// A runtime of the tests' own, which the program is linked with instead of CUDA's: two devices in host memory, where
/// work is done at once. It keeps what was called, counts what is alive, and fails where it is told to.
struct fake_runtime {
    int devices = 2;
    bool peers = true;
    bool pools = true;
    int driver_version = CUDART_VERSION;

    /// The call that does not succeed, from its `after`-th on, and its status.
    std::string failing;
    int after = 1;
    cudaError_t status = cudaErrorUnknown;
    /// What the update of a graph finds.
    cudaGraphExecUpdateResult update = cudaGraphExecUpdateSuccess;

    std::vector<std::string> calls;
    /// How many streams, events, pools, arenas, pinned memories, graphs and executable graphs there are.
    std::map<std::string, int> alive;
    int current = 0;
    cudaError_t last = cudaSuccess;
    std::set<cudaStream_t> capturing;
    std::set<int> enabled_peers;
    cudaStreamCaptureMode capture_mode = cudaStreamCaptureModeGlobal;

    /// Keeps the call, and says whether it is the one to fail.
    bool fails(char const* call);
    int count(std::string const& call) const;
    int all_alive() const;
};

extern fake_runtime runtime;

/// Calls test(call, after, times) for each time that each of these calls was made, `times` in all.
template <class Test>
void for_each_call(std::vector<std::string> const& calls, Test const& test) {
    for (std::string const& call : std::set<std::string>(calls.begin(), calls.end())) {
        auto const times = static_cast<int>(std::count(calls.begin(), calls.end(), call));
        for (int after = 1; after <= times; ++after) {
            CAPTURE(call);
            CAPTURE(after);
            test(call, after, times);
        }
    }
}
