// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/plan/settings.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace lockstep::detail {

/// What a process does next with the others.
enum class joint_call : std::int64_t { step, forward, reduce, update, evaluate, average };

constexpr char const* name_of(joint_call call) {
    switch (call) {
    case joint_call::step: return "takes step";
    case joint_call::forward: return "calls forward for step";
    case joint_call::reduce: return "calls reduce for step";
    case joint_call::update: return "calls update for step";
    case joint_call::evaluate: return "evaluates after step";
    default: return "exchanges averages after step";
    }
}

/// What the processes tell each other before they do something together.
struct step_header {
    joint_call call = joint_call::step;
    std::int64_t step = 0;
    /// Batches whose gradients are waiting for an update.
    std::int64_t accumulated = 0;
    /// Samples of the whole batch; the first of this process, and how many it has.
    std::int64_t whole = 0, first = 0, count = 0;
    double learning_rate = 0.0;
    std::int64_t unused = 0;
};
static_assert(sizeof(step_header) == 64);

inline std::string text_of(step_header const& header) {
    std::string text = std::string(name_of(header.call)) + " " + std::to_string(header.step);
    if (header.whole > 0) text += " of " + std::to_string(header.whole) + " samples";
    if (header.accumulated > 0) text += " with " + std::to_string(header.accumulated) + " batches accumulated";
    std::array<char, 32> rate;
    auto const end = std::to_chars(rate.data(), rate.data() + rate.size(), header.learning_rate).ptr;
    text.append(" at a learning rate of ").append(rate.data(), end);
    return text;
}

/// Throws usage_error where not all processes, whose headers these are, are about to do the same, each with its part of a
/// batch. `rank`: of this one.
inline void compare_headers(std::span<step_header const> all, int rank) {
    step_header const& own = all[static_cast<std::size_t>(rank)];
    int const size = static_cast<int>(all.size());
    for (int r = 0; r < size; ++r) {
        step_header const& other = all[static_cast<std::size_t>(r)];
        sample_range const part = shard_of(own.whole, r, size);
        if (other.call != own.call || other.step != own.step || other.accumulated != own.accumulated ||
            other.whole != own.whole || other.learning_rate != own.learning_rate)
            throw usage_error("trainer: processes are not in step: process " + std::to_string(r) + " " + text_of(other) +
                              ", process " + std::to_string(rank) + " " + text_of(own));
        if (own.whole > 0 && (other.first != part.first || other.count != part.count))
            throw usage_error("trainer: of a batch of " + std::to_string(own.whole) + " samples, process " + std::to_string(r) +
                              " is to take " + std::to_string(part.count) + " from " + std::to_string(part.first) +
                              " on, found " + std::to_string(other.count) + " from " + std::to_string(other.first) +
                              " on; see distributed");
    }
}

} // namespace lockstep::detail
