// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/parallel/process_group.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lockstep::detail {

/// Throws usage_error, in every process, where the processes don't have the same number: "parallel: the seed: expected the
/// same in all processes, found 1 in process 0 and 2 in process 1".
template <class Group>
void expect_equal(Group& group, std::string const& what, std::uint64_t value) {
    std::vector<std::uint64_t> all(static_cast<std::size_t>(group.size()));
    group.all_gather(std::as_bytes(std::span(&value, 1)), std::as_writable_bytes(std::span(all)));
    for (std::size_t rank = 1; rank < all.size(); ++rank) {
        if (all[rank] == all[0]) continue;
        std::string const text = what + ": expected the same in all processes, found " + std::to_string(all[0]) +
                                 " in process 0 and " + std::to_string(all[rank]) + " in process " + std::to_string(rank);
        // Who waits for this process already learns why.
        group.fail(text);
        throw usage_error(text);
    }
}

} // namespace lockstep::detail
