// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/fault.hpp>
#include <lockstep/plan/memory_proof.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/plan/schedule_proof.hpp>

namespace lockstep {

/// What is wrong with a plan, and with which of its operations, parameters, buckets, buffers or commands.
///
/// A plan is held to be sound by six rules, each checked on the plan as it stands, not on how it was made:
///  - every parameter that is trained lies in exactly one bucket, which is complete when its gradient is there and
///    nobody reads it any more, and the owners' slices are the bucket;
///  - every value is written once, by an operation before those that read it;
///  - no two values that are needed at the same time overlap in the arena;
///  - everything that is observed but not trained says how shards are merged;
///  - the passes run every operation for every shard once, in order;
///  - the replicas' schedules come to an end, with every write before the reads that it is for, and every read before
///    the next write, by the order of a stream or behind an event. Every bucket is reduced and updated once, after the
///    last of its uses in all replicas, and its mean counts all samples; whatever is sent is there before.
/// That processes agree on what they send each other, find_process_fault tells of their schedules.
constexpr plan_fault find_fault(plan const& p) {
    if (plan_fault const f = find_bucket_fault(p)) return f;
    if (plan_fault const f = find_order_fault(p)) return f;
    if (plan_fault const f = find_arena_fault(p)) return f;
    if (plan_fault const f = find_state_fault(p)) return f;
    return find_schedule_fault(p);
}

/// What the compiler prints for a plan that breaks a rule.
template <plan_rule Rule, int Where>
struct a_plan_breaks {
    static_assert(Rule == plan_rule::none, "the plan is not sound: the type above names the rule and the operation, "
                                           "parameter, bucket, buffer or command that breaks it");
    static constexpr bool is_sound = Rule == plan_rule::none;
};

/// Static_asserts that a plan, a static_plan's value, is sound.
template <class Plan>
constexpr bool proven = [] {
    constexpr plan_fault fault = find_fault(Plan::value);
    return a_plan_breaks<fault.rule, fault.where>::is_sound;
}();

} // namespace lockstep
