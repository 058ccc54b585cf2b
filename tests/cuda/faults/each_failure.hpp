// SPDX-License-Identifier: MIT
#pragma once

#include "runtime.hpp"

#include <lockstep/error.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

/// Calls use() once as it is, and then again and again so that each of its calls fails once, on device 1: that is one
/// error, which names the device and the call, and leaves nothing behind. Nobody is told of the failures of `silent`
/// calls, and of those that set back what was set, which are destructors'. Returns how many errors there were.
template <class Use>
int check_each_failure(std::set<std::string> const& silent, Use const& use) {
    use();
    auto const calls = runtime.calls;
    int failures = 0;
    for_each_call(calls, [&](std::string const& call, int after, int times) {
        runtime = {};
        runtime.failing = call;
        runtime.after = after;
        std::string text = "nothing was thrown";
        try {
            use();
        } catch (lockstep::error const& e) {
            text = e.what();
        }
        CAPTURE(text);
        // A device that stays is not set again.
        bool const sets_back = (call == "cudaSetDevice" && after % 2 == 0) ||
                               (call == "cudaThreadExchangeStreamCaptureMode" && after == times);
        if (silent.contains(call) || sets_back) {
            CHECK(text == "nothing was thrown");
        } else {
            CHECK(text.starts_with("cuda device 1: "));
            CHECK(text.find(": " + call + ": expected ") != std::string::npos);
            ++failures;
        }
        CHECK(runtime.all_alive() == 0);
        CHECK(runtime.last == cudaSuccess);
    });
    return failures;
}
