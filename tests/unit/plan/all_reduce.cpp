// SPDX-License-Identifier: MIT
#include <measured_all_reduces.hpp>

#include <lockstep/plan/all_reduce.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace ls = lockstep;

TEST_CASE("all-reduces take as long as was measured") {
    std::vector<scaling::measured_all_reduce> const all =
        scaling::read_all_reduces(std::string(LOCKSTEP_SOURCE_DIR) + "/tests/unit/plan/all_reduce_tables.csv");
    REQUIRE(all.size() == 66);
    std::vector<double> errors;
    for (scaling::measured_all_reduce const& m : all) {
        CAPTURE(m.system);
        CAPTURE(m.bytes);
        CAPTURE(m.microseconds);
        double const error = scaling::error_of(m);
        CHECK(std::abs(error) <= 0.35);
        errors.push_back(std::abs(error));
    }
    // 0.10 is what is asked; half of it is what the model has, so that a change that makes it worse is noticed.
    CHECK(scaling::median(errors) <= 0.05);
}

TEST_CASE("one node of H100 comes near what NCCL's maintainers name: 480 GB/s of bus bandwidth, in a ring 370") {
    constexpr std::int64_t bytes = std::int64_t{8} << 30;
    auto const bus_bandwidth = [&](ls::topology const& t, int devices) {
        return static_cast<double>(bytes) / ls::all_reduce_microseconds(t, devices, bytes) / 1e3 * 2.0 *
               (devices - 1) / devices;
    };
    CHECK(bus_bandwidth(ls::h100_nvlink, 8) == doctest::Approx(480).epsilon(0.01));
    CHECK(bus_bandwidth(ls::h100_nvlink, 2) == doctest::Approx(370).epsilon(0.01));
    ls::topology ring = ls::h100_nvlink;
    ring.switch_rate = 0.0;
    CHECK(bus_bandwidth(ring, 8) == doctest::Approx(370).epsilon(0.01));
}

TEST_CASE("an all-reduce of more bytes or over more nodes is never faster") {
    for (ls::topology const* t : {&ls::h100_nvlink, &ls::h200_roce, &ls::v100_nvlink, &ls::rtx4090_pcie}) {
        CAPTURE(t->name);
        for (std::int64_t bytes = 8; bytes <= std::int64_t{1} << 33; bytes *= 2) {
            CAPTURE(bytes);
            double before = 0.0;
            for (int devices = 8; devices <= 4096; devices *= 2) {
                double const here = ls::all_reduce_microseconds(*t, devices, bytes);
                CHECK(here >= before);
                CHECK(ls::all_reduce_microseconds(*t, devices, 2 * bytes) > here);
                before = here;
            }
        }
    }
}

TEST_CASE("one device and no bytes cost nothing; small messages only latency, NCCL's") {
    static_assert(ls::all_reduce_microseconds(ls::h100_nvlink, 1, 1 << 30) == 0.0);
    static_assert(ls::all_reduce_microseconds(ls::h100_nvlink, 64, 0) == 0.0);
    // 6.8 for the launch, 14 hops of 0.6 in a node, 2 of 5 between two nodes.
    double const inside = 6.8 + 14 * 0.6;
    CHECK(ls::all_reduce_microseconds(ls::h100_nvlink, 16, 8) == doctest::Approx(inside + 2 * 5).epsilon(0.001));
    // A node that is not full counts as one.
    CHECK(ls::all_reduce_microseconds(ls::h100_nvlink, 17, 8) == doctest::Approx(inside + 4 * 5).epsilon(0.001));
}

TEST_CASE("devices that a topology has not are an error that names both") {
    CHECK_THROWS_WITH_AS(static_cast<void>(ls::all_reduce_microseconds(ls::cpu_host, 257, 8)),
                         "all_reduce: CPU threads: expected 1 to 256 devices, found 257", ls::usage_error);
    CHECK_THROWS_AS(static_cast<void>(ls::all_reduce_microseconds(ls::h100_nvlink, 0, 8)), ls::usage_error);
    CHECK_THROWS_AS(static_cast<void>(ls::all_reduce_microseconds(ls::h100_nvlink, -8, 8)), ls::usage_error);
}
