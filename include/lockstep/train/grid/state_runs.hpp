// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/platform.hpp>
#include <lockstep/plan/plan.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lockstep::grid {

/// States that lie next to each other and whose observations are put together alike: one call of a platform's collective,
/// whose time is its latency where a model has many small states. What lies between two of them, as nothing does but the
/// space up to the next line, goes along.
struct state_run {
    std::int64_t begin = 0, end = 0;
    combination how = combination::sum;
};

template <std::size_t Most>
struct list_of_state_runs {
    std::array<state_run, Most> runs{};
    std::size_t count = 0;

    constexpr std::span<state_run const> all() const { return std::span(runs).first(count); }
};

/// All of those that the program of a training observes. Plan is its static_plan.
template <class Plan>
inline constexpr auto state_runs = [] {
    constexpr plan p = Plan::value;
    list_of_state_runs<p.parameters.size()> list;
    for (std::size_t i = 0; i < p.parameters.size(); ++i) {
        if (!p.parameters[i].observed) continue;
        local_parameter const& declared = p.parameters[i].declared;
        auto const how = declared.merge.how == merge_kind::maximum ? combination::maximum : combination::sum;
        std::int64_t const begin = p.parameter_offsets[i], end = begin + declared.shape.size();
        state_run* const last = list.count > 0 ? &list.runs[list.count - 1] : nullptr;
        if (last != nullptr && last->how == how && begin == align_up(last->end, slice_alignment)) last->end = end;
        else list.runs[list.count++] = {begin, end, how};
    }
    return list;
}();

} // namespace lockstep::grid
