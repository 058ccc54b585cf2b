// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep {

/// The rules that a plan may break; `where` of a plan_fault counts what the rule is about.
enum class plan_rule : std::uint8_t {
    none,
    parameter_is_in_one_bucket,              ///< a parameter
    bucket_is_complete_after_its_last_use,   ///< a bucket
    slices_cover_their_bucket,               ///< a bucket
    gradient_is_computed_once,               ///< a parameter
    value_is_written_once,                   ///< an operation that writes it again
    value_is_read_after_its_write,           ///< an operation that reads it
    value_lies_in_the_arena,                 ///< a buffer
    live_values_lie_apart,                   ///< a buffer
    value_is_overwritten_by_its_last_reader, ///< an operation that writes in place
    state_has_a_merge_rule,                  ///< a parameter
    operations_run_in_order,                 ///< an operation that is left out, or comes at the wrong time
    event_happens_once,                      ///< an event
    exchange_happens_once,                   ///< an exchange
    schedules_come_to_an_end,                ///< a command that waits for ever
    gradient_is_reduced_after_its_write,     ///< a bucket
    mean_counts_all_samples,                 ///< a bucket whose mean is computed before they are counted
    norm_is_of_all_gradients,                ///< a bucket that is missing, or is updated too early
    bucket_is_reduced_once,                  ///< a bucket
    bucket_is_reduced_before_its_update,     ///< a bucket
    parameter_is_updated_after_its_reads,    ///< a bucket
    bucket_is_updated_once,                  ///< a bucket
    state_is_merged_after_its_reads,         ///< a replica
    state_is_merged_once,                    ///< a replica
    collective_reads_after_writes,           ///< a collective operation
    collective_ends_before_next_write,       ///< a collective operation
    exchange_sends_what_is_there,            ///< an exchange
    exchange_is_read_after_its_end,          ///< an exchange
    exchanges_have_one_order,                ///< a process whose order is another one
    step_ends_after_its_updates              ///< a replica
};

struct plan_fault {
    plan_rule rule = plan_rule::none;
    int where = -1;

    constexpr explicit operator bool() const { return rule != plan_rule::none; }
    friend constexpr bool operator==(plan_fault const&, plan_fault const&) = default;
};

} // namespace lockstep
