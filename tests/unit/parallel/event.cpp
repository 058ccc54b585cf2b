// SPDX-License-Identifier: MIT
#include <lockstep/parallel/affinity.hpp>
#include <lockstep/parallel/event.hpp>
#include <lockstep/parallel/team.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace ls = lockstep;

TEST_CASE("an event has happened when all have arrived, in each round anew") {
    static constexpr std::array arrivals{2, 1};
    ls::detail::event_counters<2> events{arrivals};
    for (int round = 0; round < 5; ++round) {
        events.begin_round();
        CHECK_FALSE(events.has_happened(0));
        events.arrive(0);
        CHECK_FALSE(events.has_happened(0));
        CHECK_FALSE(events.has_happened(1));
        events.arrive(0);
        CHECK(events.has_happened(0));
        CHECK(events.wait(0) == 0);
        events.arrive(1);
        CHECK(events.has_happened(1));
    }
}

TEST_CASE("who waits for an event sees what was written before it, looking or asleep") {
    static constexpr std::array arrivals{3};
    ls::detail::event_counters<1> events{arrivals};
    std::array<int, 3> written{};
    for (int round = 1; round <= 200; ++round) {
        events.begin_round();
        std::atomic<bool> about_to_wait{false};
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < 3; ++t)
            threads.emplace_back([&, t] {
                // Now and then so late that the others fall asleep, also where the machine has other things to do.
                if (round % 50 == 0 && t == 0) {
                    while (!about_to_wait) std::this_thread::yield();
                    std::this_thread::sleep_for(std::chrono::milliseconds(50));
                }
                written[t] = round;
                events.arrive(0);
            });
        about_to_wait = true;
        auto const waited = events.wait(0);
        CHECK(waited >= 0);
        if (round % 50 == 0) CHECK(waited > 1'000'000);
        CHECK(written == std::array{round, round, round});
        for (std::thread& thread : threads) thread.join();
    }
}

#if defined(__linux__)

TEST_CASE("replicas other than the caller's thread stay on cores of their own, where there are enough") {
    ls::detail::allowed_cores const cores;
    REQUIRE(cores.count() >= 1);
    auto const cores_of_this_thread = [] {
        cpu_set_t set;
        CPU_ZERO(&set);
        sched_getaffinity(0, sizeof set, &set);
        return CPU_COUNT(&set);
    };
    int const before = cores_of_this_thread();
    int const replicas = cores.count() > 1 ? 2 : 1;
    for (bool const pinned : {true, false}) {
        ls::team team(replicas, pinned ? 0 : -1);
        std::array<int, 2> found{};
        team.run([&](int r) { found[static_cast<std::size_t>(r)] = cores_of_this_thread(); });
        CHECK(found[0] == before);
        if (replicas == 2) CHECK(found[1] == (pinned ? 1 : before));
    }
    // More replicas than cores: nobody is pinned.
    ls::team crowded(cores.count() + 1);
    std::vector<int> found(static_cast<std::size_t>(cores.count()) + 1);
    crowded.run([&](int r) { found[static_cast<std::size_t>(r)] = cores_of_this_thread(); });
    for (int const each : found) CHECK(each == before);
    CHECK(cores_of_this_thread() == before);
}

#endif
