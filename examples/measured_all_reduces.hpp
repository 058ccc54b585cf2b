// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/plan/all_reduce.hpp>
#include <lockstep/plan/topology.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

// Published measurements of all-reduces, and what the cost model says of them.
namespace scaling {

namespace ls = lockstep;

/// The systems of the measurements: two, four and eight nodes of H100, two of H200, one of RTX 4090.
struct measured_system {
    char const* name;
    ls::topology const& topology;
    int devices;
};
inline std::array const measured_systems{measured_system{"2n16 H100 IB #309", ls::h100_nvlink, 16},
                                         measured_system{"4n32 H100 IB #309", ls::h100_nvlink, 32},
                                         measured_system{"8n64 H100", ls::h100_nvlink, 64},
                                         measured_system{"2n16 H200 RoCE", ls::h200_roce, 16},
                                         measured_system{"8x4090 PCIe4 noP2P", ls::rtx4090_pcie, 8}};

struct measured_all_reduce {
    std::string system;
    std::int64_t bytes = 0;
    double microseconds = 0.0;
};

/// Lines of "system",bytes,microseconds below a heading. Throws data_error.
inline std::vector<measured_all_reduce> read_all_reduces(std::string const& path) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line)) throw ls::data_error("cannot read " + path);
    std::vector<measured_all_reduce> all;
    while (std::getline(file, line)) {
        measured_all_reduce m;
        char system[64];
        long long bytes = 0;
        if (std::sscanf(line.c_str(), "\"%63[^\"]\",%lld,%lf", system, &bytes, &m.microseconds) != 3)
            throw ls::data_error(path + ": expected \"system\",bytes,microseconds, found " + line);
        m.system = system;
        m.bytes = bytes;
        all.push_back(m);
    }
    return all;
}

/// Modelled over measured microseconds, less 1.
inline double error_of(measured_all_reduce const& m) {
    auto const system = std::ranges::find(measured_systems, m.system, &measured_system::name);
    if (system == measured_systems.end()) throw ls::data_error("no topology for the system \"" + m.system + '"');
    return ls::all_reduce_microseconds(system->topology, system->devices, m.bytes) / m.microseconds - 1.0;
}

inline double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

} // namespace scaling
