// SPDX-License-Identifier: MIT
#include <lockstep/parallel/first_available.hpp>
#include <lockstep/parallel/reduce.hpp>
#include <lockstep/parallel/team.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace ls = lockstep;

TEST_CASE("team: every replica works once a round, the caller is replica 0") {
    for (int replicas : {1, 2, 5}) {
        CAPTURE(replicas);
        ls::team team(replicas);
        std::vector<std::atomic<int>> calls(static_cast<std::size_t>(replicas));
        std::thread::id first;
        for (int round = 0; round < 300; ++round)
            team.run([&](int r) {
                ++calls[static_cast<std::size_t>(r)];
                if (r == 0) first = std::this_thread::get_id();
            });
        for (auto const& count : calls) CHECK(count == 300);
        CHECK(first == std::this_thread::get_id());
    }
}

TEST_CASE("team: synchronize keeps all before it apart from all behind it") {
    constexpr int replicas = 3;
    ls::team team(replicas);
    std::array<int, replicas> value{};
    bool all_seen = true;
    for (int round = 1; round <= 500; ++round)
        team.run([&](int r) {
            value[static_cast<std::size_t>(r)] = round;
            team.synchronize();
            for (int other : value)
                if (other != round) all_seen = false;
            team.synchronize();
        });
    CHECK(all_seen);
}

TEST_CASE("team: an exception of any replica reaches the caller, and the team goes on") {
    ls::team team(3);
    for (int failing = 0; failing < 3; ++failing) {
        CHECK_THROWS_WITH_AS(team.run([&](int r) {
            if (r == failing) throw std::runtime_error("replica " + std::to_string(r));
        }),
                             ("replica " + std::to_string(failing)).c_str(), std::runtime_error);
        std::atomic<int> calls = 0;
        team.run([&](int) { ++calls; });
        CHECK(calls == 3);
    }
}

TEST_CASE("team: denormal numbers are zero in a run, and only there") {
    float volatile smallest = std::numeric_limits<float>::min();
    float volatile half = 0.5f;
    ls::team team(2);
    std::array<float, 2> product{1.0f, 1.0f};
    team.run([&](int r) { product[static_cast<std::size_t>(r)] = smallest * half; });
    CHECK(product[0] == product[1]);
#if defined(__SSE2__) || defined(__aarch64__)
    CHECK(product[0] == 0.0f);
#endif
    CHECK(smallest * half > 0.0f);
}

TEST_CASE("reduction: a balanced tree over the shards, the same for every owner") {
    // Numbers that tell one order of additions from another.
    std::array<std::vector<float>, 4> shards;
    for (std::size_t s = 0; s < 4; ++s) shards[s].assign(64, s % 2 == 0 ? 1e8f : 1.0f);
    for (int i = 0; i < 64; ++i) shards[2][static_cast<std::size_t>(i)] = -1e8f;
    std::array<float const*, 4> const gradients{shards[0].data(), shards[1].data(), shards[2].data(), shards[3].data()};
    std::vector<float> whole(64), parts(64);
    auto const keep = [](float, float mean) { return mean; };
    ls::reduce_and_update<4>(gradients, whole.data(), std::array<float*, 0>{}, ls::bucket_slice{0, 64}, 2.0f, keep);
    for (ls::bucket_slice part : {ls::bucket_slice{48, 64}, ls::bucket_slice{0, 16}, ls::bucket_slice{16, 48}})
        ls::reduce_and_update<4>(gradients, parts.data(), std::array<float*, 0>{}, part, 2.0f, keep);
    float const expected = ((1e8f + 1.0f) + (-1e8f + 1.0f)) / 2.0f;
    for (float value : whole) CHECK(value == expected);
    CHECK(whole == parts);
    CHECK(ls::sum_over_shards<5>([](int s) { return std::string(1, static_cast<char>('a' + s)); }) == "abcde");
}

TEST_CASE("first_available: the first list that the machine has") {
    int chosen = 0;
    ls::first_available<ls::cpu_devices<256>, ls::cpu_devices<1>>([&](auto devices) { chosen = devices.replicas; });
    CHECK((chosen == 1 || std::thread::hardware_concurrency() >= 256));
    if (std::thread::hardware_concurrency() >= 256) return;
    CHECK_THROWS_AS(ls::first_available<ls::cpu_devices<256>>([](auto) {}), ls::usage_error);
    std::string reason;
    CHECK_FALSE(ls::is_available(ls::cpu_devices<256>{}, reason));
    CHECK(reason.find("expected 256 cores, found ") != std::string::npos);
}
