// SPDX-License-Identifier: MIT
#include <lockstep/plan/all_reduce.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace ls = lockstep;

/// The systems of the published tables.
struct measured_system {
    char const* name;
    ls::topology const& topology;
    int devices;
};
std::array const systems{measured_system{"2n16 H100 IB #309", ls::h100_nvlink, 16},
                         measured_system{"4n32 H100 IB #309", ls::h100_nvlink, 32},
                         measured_system{"8n64 H100", ls::h100_nvlink, 64},
                         measured_system{"2n16 H200 RoCE", ls::h200_roce, 16},
                         measured_system{"8x4090 PCIe4 noP2P", ls::rtx4090_pcie, 8}};

struct measurement {
    std::string system;
    std::int64_t bytes = 0;
    double microseconds = 0.0;
};

std::vector<measurement> measurements() {
    std::ifstream file(std::string(LOCKSTEP_SOURCE_DIR) + "/tests/unit/plan/all_reduce_tables.csv");
    std::vector<measurement> all;
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
        std::size_t const quote = line.find('"', 1), comma = line.find(',', quote + 2);
        all.push_back({line.substr(1, quote - 1), std::stoll(line.substr(quote + 2)), std::stod(line.substr(comma + 1))});
    }
    return all;
}

} // namespace

TEST_CASE("all-reduces take as long as was measured") {
    std::vector<measurement> const all = measurements();
    REQUIRE(all.size() == 66);
    std::vector<double> errors;
    for (measurement const& m : all) {
        auto const* system = std::ranges::find(systems, m.system, &measured_system::name);
        REQUIRE(system != systems.end());
        double const modelled = ls::all_reduce_microseconds(system->topology, system->devices, m.bytes);
        double const error = modelled / m.microseconds - 1.0;
        CAPTURE(m.system);
        CAPTURE(m.bytes);
        CAPTURE(m.microseconds);
        CAPTURE(modelled);
        CHECK(std::abs(error) <= 0.35);
        errors.push_back(std::abs(error));
    }
    std::ranges::sort(errors);
    CHECK(errors[errors.size() / 2] <= 0.10);
    // Today's: what a change makes worse is noticed before it is wrong.
    CHECK(errors[errors.size() / 2] <= 0.05);
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
    CHECK(ls::all_reduce_microseconds(ls::h100_nvlink, 16, 8) == doctest::Approx(6.8 + 14 * 0.6 + 2 * 5).epsilon(0.001));
    // A node that is not full counts as one.
    CHECK(ls::all_reduce_microseconds(ls::h100_nvlink, 17, 8) == doctest::Approx(6.8 + 14 * 0.6 + 4 * 5).epsilon(0.001));
}

TEST_CASE("devices that a topology has not are an error that names both") {
    CHECK_THROWS_WITH_AS(static_cast<void>(ls::all_reduce_microseconds(ls::cpu_host, 257, 8)),
                         "all_reduce: CPU threads: expected 1 to 256 devices, found 257", ls::usage_error);
    CHECK_THROWS_AS(static_cast<void>(ls::all_reduce_microseconds(ls::h100_nvlink, 0, 8)), ls::usage_error);
    CHECK_THROWS_AS(static_cast<void>(ls::all_reduce_microseconds(ls::h100_nvlink, -8, 8)), ls::usage_error);
}
