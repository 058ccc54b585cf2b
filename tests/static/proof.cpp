// SPDX-License-Identifier: MIT
// Plans are proved sound at compile time; each rule is broken here on purpose, and found out by its name and place.
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/sequential.hpp>
#include <lockstep/plan/proof.hpp>
#include <lockstep/program/build.hpp>
#include <lockstep/program/planning_only.hpp>

#include <vector>

namespace {

namespace ls = lockstep;
using ls::plan_rule;

template <class... Norm>
using net = ls::sequential<ls::shape<6>, ls::linear<8>, ls::batch_norm<Norm...>, ls::tanh, ls::linear<4>>;
template <class Model>
struct training {
    static constexpr ls::program build() { return ls::training_program<Model, ls::cross_entropy, ls::planning_only<float>>(); }
};
template <class Model, ls::plan_settings Settings>
constexpr ls::plan const& plan_with = ls::static_plan<training<Model>, Settings>::value;

constexpr ls::plan_settings two{.replicas = 2, .shards = 4, .batch = 16, .buckets = ls::bucket_bytes<64>};
constexpr ls::plan_settings normed{.replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<64>, .needs_norm = true};
constexpr ls::plan_settings apart{.replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<64>, .across_processes = true};
constexpr ls::plan_settings owners{.replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<64>, .needs_norm = true,
                                   .across_processes = true, .sharded_optimizer = true};

static_assert(ls::proven<ls::static_plan<training<net<>>, two>>);
static_assert(ls::proven<ls::static_plan<training<net<>>, normed>>);
static_assert(ls::proven<ls::static_plan<training<net<>>, apart>>);
static_assert(ls::proven<ls::static_plan<training<net<>>, owners>>);
static_assert(ls::proven<ls::static_plan<training<net<ls::synchronized>>, two>>);
static_assert(ls::proven<ls::static_plan<training<net<ls::synchronized>>, owners>>);

/// A plan whose parts can be changed.
struct changed_plan {
    std::vector<ls::buffer> buffers;
    std::vector<ls::placement> placements;
    std::vector<ls::operation> operations;
    std::vector<ls::program_parameter> parameters;
    std::vector<std::int64_t> offsets;
    std::vector<ls::bucket> buckets;
    std::vector<ls::command> compute, update;
    ls::plan rest;

    constexpr explicit changed_plan(ls::plan const& p)
        : buffers(p.buffers.begin(), p.buffers.end()), placements(p.placements.begin(), p.placements.end()),
          operations(p.operations.begin(), p.operations.end()), parameters(p.parameters.begin(), p.parameters.end()),
          offsets(p.parameter_offsets.begin(), p.parameter_offsets.end()), buckets(p.buckets.begin(), p.buckets.end()),
          compute(p.steps.compute.begin(), p.steps.compute.end()), update(p.steps.update.begin(), p.steps.update.end()), rest(p) {}

    constexpr ls::plan_fault fault() const {
        ls::plan p = rest;
        p.buffers = buffers;
        p.placements = placements;
        p.operations = operations;
        p.parameters = parameters;
        p.parameter_offsets = offsets;
        p.buckets = buckets;
        p.steps.compute = compute;
        p.steps.update = update;
        return ls::find_fault(p);
    }
};
template <class Change>
constexpr ls::plan_fault after(ls::plan const& p, Change change) {
    changed_plan changed(p);
    change(changed);
    return changed.fault();
}
constexpr ls::plan const& sound = plan_with<net<>, two>;
/// So small that all of it can be broken within a compiler's limits.
constexpr ls::plan const& tiny = plan_with<ls::sequential<ls::shape<6>, ls::linear<4>, ls::tanh, ls::linear<4>>, normed>;
static_assert(!after(sound, [](auto&) {}));

/// The place of the first command of a kind, for an index if that is not -1.
constexpr int find(std::vector<ls::command> const& commands, ls::command_kind kind, int index = -1) {
    int at = 0;
    while (commands[at].kind != kind || (index >= 0 && commands[at].index != index)) ++at;
    return at;
}
constexpr void remove(std::vector<ls::command>& commands, int at) {
    for (std::size_t i = at; i + 1 < commands.size(); ++i) commands[i] = commands[i + 1];
    commands.pop_back();
}

// ---- parameters and buckets ----

// In two buckets, in none, over another one.
static_assert(after(sound, [](auto& p) { p.offsets[0] = p.offsets[1]; }).rule == plan_rule::parameter_is_in_one_bucket);
static_assert(after(sound, [](auto& p) { p.offsets[0] = p.rest.trained_elements; }) ==
              ls::plan_fault{plan_rule::parameter_is_in_one_bucket, 0});
static_assert(after(sound, [](auto& p) { p.offsets[0] += 1; }).rule == plan_rule::parameter_is_in_one_bucket);
static_assert(after(sound, [](auto& p) { ++p.buckets[0].parameters; }).rule == plan_rule::parameter_is_in_one_bucket);
// A bucket that ends too early, or leaves a gap.
static_assert(after(sound, [](auto& p) { p.buckets.back().end -= 16; }).rule == plan_rule::slices_cover_their_bucket);
static_assert(after(sound, [](auto& p) { p.buckets[1].begin += 16; }) == ls::plan_fault{plan_rule::slices_cover_their_bucket, 1});
// A bucket that is complete one operation too early.
static_assert(after(sound, [](auto& p) {
                  p.buckets[0].ready_after = p.buckets[0].complete_after() - 1;
                  p.buckets[0].last_read = -1;
              }).rule == plan_rule::bucket_is_complete_after_its_last_use);

// ---- values ----

static_assert(after(sound, [](auto& p) { p.operations[1].result = p.operations[0].result; }) ==
              ls::plan_fault{plan_rule::value_is_written_once, 1});
constexpr bool every_exchange_of_neighbours_is_found() {
    int found = 0, tried = 0;
    for (std::size_t i = 0; i + 1 < tiny.operations.size(); ++i) {
        ls::operation const& first = tiny.operations[i];
        if (!tiny.operations[i + 1].reads(first.result)) continue;
        ++tried;
        plan_rule const rule = after(tiny, [i](auto& p) { std::swap(p.operations[i], p.operations[i + 1]); }).rule;
        found += rule != plan_rule::none;
    }
    return tried > 3 && found == tried;
}
static_assert(every_exchange_of_neighbours_is_found());
static_assert(after(sound, [](auto& p) { std::swap(p.operations[0], p.operations[1]); }).rule ==
              plan_rule::value_is_read_after_its_write);

/// Every pair of values that one primitive reads, laid over each other.
constexpr bool every_overlap_is_found() {
    int found = 0, tried = 0;
    for (ls::operation const& op : tiny.operations)
        for (int a = 0; a < op.operand_count; ++a)
            for (int b = 0; b < a; ++b) {
                int const first = tiny.buffers[op.operands[a]].storage, second = tiny.buffers[op.operands[b]].storage;
                if (first == second || first < 0 || second < 0) continue;
                if (tiny.buffers[first].kind != ls::buffer_kind::value || tiny.buffers[second].kind != ls::buffer_kind::value) continue;
                ++tried;
                found += after(tiny, [=](auto& p) { p.placements[first].offset = p.placements[second].offset; }).rule != plan_rule::none;
            }
    return tried > 2 && found == tried;
}
static_assert(every_overlap_is_found());
static_assert(after(sound, [](auto& p) {
                  for (std::size_t b = 0; b < p.buffers.size(); ++b)
                      if (p.buffers[b].kind == ls::buffer_kind::value) p.placements[b].offset += p.rest.arena_bytes;
              }).rule == plan_rule::value_lies_in_the_arena);
static_assert(after(sound, [](auto& p) {
                  for (std::size_t b = 0; b < p.buffers.size(); ++b)
                      if (p.buffers[b].kind == ls::buffer_kind::value && p.placements[b].offset == 0) p.placements[b].offset = 4;
              }).rule == plan_rule::value_lies_in_the_arena);
// In place, though the operand is read again.
constexpr ls::plan_fault in_place_too_early() {
    for (std::size_t i = 0; i < sound.operations.size(); ++i) {
        ls::operation const& op = sound.operations[i];
        if (sound.buffers[op.result].kind != ls::buffer_kind::value || sound.buffers[op.result].storage == op.result) continue;
        return after(sound, [i](auto& p) { p.operations[i].facts.elementwise = false; });
    }
    return {};
}
static_assert(in_place_too_early().rule == plan_rule::value_is_overwritten_by_its_last_reader);

// ---- states ----

constexpr int observed_parameter = [] {
    int i = 0;
    while (!sound.parameters[i].observed) ++i;
    return i;
}();
static_assert(after(sound, [](auto& p) { p.parameters[observed_parameter].declared.merge.how = static_cast<ls::merge_kind>(9); }) ==
              ls::plan_fault{plan_rule::state_has_a_merge_rule, observed_parameter});

// ---- the schedule ----

constexpr int last_bucket = static_cast<int>(sound.buckets.size()) - 1;
// Nobody arrives: others wait for ever. Nobody waits: what is not there is read.
static_assert(after(sound, [](auto& p) { remove(p.compute, find(p.compute, ls::command_kind::arrive)); }).rule ==
              plan_rule::schedules_come_to_an_end);
static_assert(after(sound, [](auto& p) { remove(p.update, find(p.update, ls::command_kind::reduce_and_update, last_bucket) - 1); }) ==
              ls::plan_fault{plan_rule::parameter_is_updated_after_its_reads, last_bucket});
static_assert(after(sound, [](auto& p) { remove(p.update, find(p.update, ls::command_kind::merge) - 1); }).rule ==
              plan_rule::state_is_merged_after_its_reads);
// An arrival in front of the operations that it is for.
static_assert(after(sound, [](auto& p) {
                  int const at = static_cast<int>(p.compute.size()) - 2;
                  std::swap(p.compute[at], p.compute[at - 1]);
              }) == ls::plan_fault{plan_rule::parameter_is_updated_after_its_reads, last_bucket});
static_assert(after(sound, [](auto& p) { remove(p.update, find(p.update, ls::command_kind::reduce_and_update)); }).rule ==
              plan_rule::bucket_is_updated_once);
static_assert(after(sound, [](auto& p) { p.update[find(p.update, ls::command_kind::reduce_and_update, 1)].index = 0; }).rule ==
              plan_rule::bucket_is_updated_once);
// The passes' end does not wait for the updates.
static_assert(after(sound, [](auto& p) { p.compute.pop_back(); }).rule == plan_rule::step_ends_after_its_updates);
// Where all gradients are reduced first.
static_assert(after(plan_with<net<>, normed>, [](auto& p) {
                  remove(p.update, find(p.update, ls::command_kind::reduce, last_bucket) - 1);
              }) == ls::plan_fault{plan_rule::gradient_is_reduced_after_its_write, last_bucket});

// One replica with another order of events waits for ever.
constexpr ls::plan_fault one_replica_differs() {
    ls::plan const& p = plan_with<net<>, normed>;
    std::vector<ls::command> other(p.steps.update.begin(), p.steps.update.end());
    int const measure = find(other, ls::command_kind::measure);
    // It waits at the second meeting before it arrives at the first.
    std::swap(other[measure - 2], other[measure + 2]);
    ls::step_schedule_view changed = p.steps;
    changed.update = other;
    std::vector<ls::step_schedule_view> const schedules{p.steps, changed};
    return ls::find_schedule_fault(p, schedules);
}
static_assert(one_replica_differs().rule == plan_rule::schedules_come_to_an_end);

// ---- collective operations ----

constexpr ls::plan const& meeting = plan_with<net<ls::synchronized>, two>;
constexpr int first_collective = meeting.steps.compute[find({meeting.steps.compute.begin(), meeting.steps.compute.end()},
                                                            ls::command_kind::sum_shards)].index;
// arrive, wait, sum, arrive, wait: without the first wait, without the second.
static_assert(after(meeting, [](auto& p) { remove(p.compute, find(p.compute, ls::command_kind::sum_shards) - 1); }) ==
              ls::plan_fault{plan_rule::collective_reads_after_writes, first_collective});
static_assert(after(meeting, [](auto& p) { remove(p.compute, find(p.compute, ls::command_kind::sum_shards) + 2); }) ==
              ls::plan_fault{plan_rule::collective_ends_before_next_write, first_collective});
constexpr ls::plan_fault collectives_in_another_order() {
    std::vector<ls::command> other(meeting.steps.compute.begin(), meeting.steps.compute.end());
    int const first = find(other, ls::command_kind::sum_shards);
    int second = first + 1;
    while (other[second].kind != ls::command_kind::sum_shards) ++second;
    std::swap(other[first].index, other[second].index);
    ls::step_schedule_view changed = meeting.steps;
    changed.compute = other;
    std::vector<ls::step_schedule_view> const schedules{meeting.steps, changed};
    return ls::find_schedule_fault(meeting, schedules);
}
static_assert(collectives_in_another_order() == ls::plan_fault{plan_rule::collectives_have_one_order, 1});

// ---- exchanges between processes ----

constexpr ls::plan const& many = plan_with<net<>, apart>;
constexpr int exchange_number(ls::exchange_kind kind, int index) {
    int at = 0;
    while (many.steps.exchanges[at].kind != kind || many.steps.exchanges[at].index != index) ++at;
    return at;
}
constexpr int scatter = exchange_number(ls::exchange_kind::scatter, 0), gather = exchange_number(ls::exchange_kind::gather, 0);
// Sent before all replicas have added, read before it has come, waited for before it was sent.
static_assert(after(many, [](auto& p) { remove(p.update, find(p.update, ls::command_kind::start, scatter) - 1); }) ==
              ls::plan_fault{plan_rule::exchange_sends_what_is_there, scatter});
static_assert(after(many, [](auto& p) { remove(p.update, find(p.update, ls::command_kind::combine) - 1); }) ==
              ls::plan_fault{plan_rule::exchange_is_read_after_its_end, scatter});
static_assert(after(many, [](auto& p) { remove(p.update, find(p.update, ls::command_kind::update) - 1); }) ==
              ls::plan_fault{plan_rule::exchange_is_read_after_its_end, gather});
static_assert(after(many, [](auto& p) { remove(p.update, find(p.update, ls::command_kind::start, scatter)); }) ==
              ls::plan_fault{plan_rule::exchange_is_read_after_its_end, scatter});

} // namespace
