// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/replica.hpp>

#include <cstdint>
#include <vector>

namespace tests {

/// A replica on a host, and what it has computed as values.
class host_passes : public lockstep::replica {
public:
    using lockstep::replica::replica;

    /// The first elements of one of the plan's results.
    template <class T>
    std::vector<T> values(int buffer, std::int64_t count) const {
        T const* const first = result<T>(buffer);
        return std::vector<T>(first, first + count);
    }
};

} // namespace tests
