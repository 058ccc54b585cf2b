// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/pipeline.hpp>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace lockstep::testing {

/// Sample i is i, i + 0.5, i + 0.25, and its target is i modulo 10. It can be told to fail at a sample.
struct numbers {
    using sample_shape = shape<3>;

    std::int64_t count = 0;
    std::int64_t broken = -1;

    std::int64_t size() const { return count; }

    std::int32_t read(std::int64_t index, std::span<float> input) const {
        if (index == broken) throw std::runtime_error{"the disk is gone"};
        auto const value = static_cast<float>(index);
        input[0] = value;
        input[1] = value + 0.5F;
        input[2] = value + 0.25F;
        return static_cast<std::int32_t>(index % 10);
    }
};

/// All that an epoch delivers, batch by batch, to compare bit for bit.
struct epoch_content {
    std::vector<float> inputs;
    std::vector<std::int32_t> targets;
    std::vector<std::int64_t> firsts;

    friend bool operator==(epoch_content const&, epoch_content const&) = default;
};

inline epoch_content run_epoch(auto& loader) {
    epoch_content all;
    for (auto const& batch : loader) {
        auto const inputs = batch.inputs.elements();
        all.inputs.insert(all.inputs.end(), inputs.begin(), inputs.end());
        all.targets.insert(all.targets.end(), batch.targets.begin(), batch.targets.end());
        all.firsts.push_back(batch.first);
    }
    return all;
}

} // namespace lockstep::testing
