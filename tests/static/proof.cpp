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
    static constexpr ls::program build() {
        return ls::training_program<Model, ls::cross_entropy, ls::planning_only<float>>();
    }
};
template <class Model, ls::plan_settings Settings>
constexpr ls::plan const& plan_with = ls::static_plan<training<Model>, Settings>::value;

constexpr ls::plan_settings two{.replicas = 2, .shards = 4, .batch = 16, .buckets = ls::bucket_bytes<64>};
constexpr ls::plan_settings normed{
    .replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<64>, .needs_norm = true};
constexpr ls::plan_settings apart{
    .replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<64>, .across_processes = true};
constexpr ls::plan_settings owners{.replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<64>,
                                   .across_processes = true, .sharded_optimizer = true};
constexpr ls::plan_settings normed_owners{.replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<64>,
                                          .needs_norm = true, .across_processes = true, .sharded_optimizer = true};

static_assert(ls::proven<ls::static_plan<training<net<>>, two>>);
static_assert(ls::proven<ls::static_plan<training<net<>>, normed>>);
static_assert(ls::proven<ls::static_plan<training<net<>>, apart>>);
static_assert(ls::proven<ls::static_plan<training<net<>>, owners>>);
static_assert(ls::proven<ls::static_plan<training<net<>>, normed_owners>>);
static_assert(ls::proven<ls::static_plan<training<net<ls::synchronized>>, two>>);
static_assert(ls::proven<ls::static_plan<training<net<ls::synchronized>>, apart>>);
static_assert(ls::proven<ls::static_plan<training<net<ls::synchronized>>, normed_owners>>);

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
          compute(p.steps.compute.begin(), p.steps.compute.end()), update(p.steps.update.begin(), p.steps.update.end()),
          rest(p) {}

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
/// Whether a change breaks this rule, there.
template <class Change>
constexpr bool breaks(plan_rule rule, int where, ls::plan const& p, Change change) {
    return after(p, change) == ls::plan_fault{rule, where};
}

constexpr ls::plan const& sound = plan_with<net<>, two>;
static_assert(!after(sound, [](auto&) {}));
static_assert(sound.buckets.size() > 2);
/// So small that all of it can be broken within a compiler's limits.
using plain = ls::sequential<ls::shape<6>, ls::linear<4>, ls::tanh, ls::linear<4>>;
constexpr ls::plan const& tiny = plan_with<plain, normed>;

using commands = std::vector<ls::command>;
/// The place of the first command of a kind, for an index if that is not -1.
constexpr int find(commands const& all, ls::command_kind kind, int index = -1) {
    int at = 0;
    while (all[at].kind != kind || (index >= 0 && all[at].index != index)) ++at;
    return at;
}
constexpr int find(std::span<ls::command const> all, ls::command_kind kind, int index = -1) {
    return find(commands(all.begin(), all.end()), kind, index);
}
constexpr void remove(commands& all, int at) {
    for (std::size_t i = at; i + 1 < all.size(); ++i) all[i] = all[i + 1];
    all.pop_back();
}
constexpr void insert(commands& all, int at, ls::command c) {
    all.push_back(c);
    for (int i = static_cast<int>(all.size()) - 1; i > at; --i) all[i] = all[i - 1];
    all[at] = c;
}

// ---- parameters and buckets ----

// In none, in one that it does not fit in, not at the beginning of a cache line.
static_assert(breaks(plan_rule::parameter_is_in_one_bucket, 0, sound,
                     [](auto& p) { p.offsets[0] = p.rest.trained_elements; }));
static_assert(breaks(plan_rule::parameter_is_in_one_bucket, 0, sound, [](auto& p) { p.offsets[0] = p.offsets[1]; }));
static_assert(breaks(plan_rule::parameter_is_in_one_bucket, 0, sound, [](auto& p) { p.offsets[0] += 1; }));
// Over another one, in the middle of it; a state among what is trained.
constexpr ls::plan const& in_one_bucket =
    plan_with<net<>, ls::plan_settings{.replicas = 2, .shards = 2, .batch = 16}>;
static_assert(in_one_bucket.buckets.size() == 1);
static_assert(breaks(plan_rule::parameter_is_in_one_bucket, 1, in_one_bucket,
                     [](auto& p) { p.offsets[1] = p.offsets[0] + ls::slice_alignment; }));
constexpr int observed_parameter = [] {
    int i = 0;
    while (!sound.parameters[i].observed) ++i;
    return i;
}();
static_assert(breaks(plan_rule::parameter_is_in_one_bucket, observed_parameter, sound,
                     [](auto& p) { p.offsets[observed_parameter] = 0; }));
// A bucket that ends too early, leaves a gap, has other parameters than it says.
static_assert(breaks(plan_rule::slices_cover_their_bucket, static_cast<int>(sound.buckets.size()), sound,
                     [](auto& p) { p.rest.trained_elements += ls::slice_alignment; }));
static_assert(breaks(plan_rule::slices_cover_their_bucket, 4, sound,
                     [](auto& p) { p.buckets[4].end = p.buckets[4].begin; }));
static_assert(breaks(plan_rule::slices_cover_their_bucket, 1, sound,
                     [](auto& p) { p.buckets[1].begin += ls::slice_alignment; }));
static_assert(breaks(plan_rule::slices_cover_their_bucket, 0, sound, [](auto& p) { p.buckets[0].end += 8; }));
static_assert(breaks(plan_rule::slices_cover_their_bucket, 2, sound, [](auto& p) { ++p.buckets[2].parameters; }));
// A bucket that is complete one operation too early.
constexpr bool is_noticed_too_early(int bucket) {
    return breaks(plan_rule::bucket_is_complete_after_its_last_use, bucket, sound, [=](auto& p) {
        p.buckets[bucket].ready_after = p.buckets[bucket].complete_after() - 1;
        p.buckets[bucket].last_read = -1;
    });
}
static_assert(is_noticed_too_early(0) && is_noticed_too_early(1) && is_noticed_too_early(2));

// ---- values ----

static_assert(breaks(plan_rule::value_is_written_once, 1, sound,
                     [](auto& p) { p.operations[1].result = p.operations[0].result; }));
// Over what comes from outside.
static_assert(breaks(plan_rule::value_is_written_once, 3, sound,
                     [](auto& p) { p.operations[3].result = p.operations[0].operands[0]; }));
static_assert(breaks(plan_rule::value_is_read_after_its_write, 0, sound,
                     [](auto& p) { std::swap(p.operations[0], p.operations[1]); }));
constexpr bool every_exchange_of_neighbours_is_found() {
    int found = 0, tried = 0;
    for (std::size_t i = 0; i + 1 < tiny.operations.size(); ++i) {
        if (!tiny.operations[i + 1].reads(tiny.operations[i].result)) continue;
        ++tried;
        plan_rule const rule = after(tiny, [i](auto& p) { std::swap(p.operations[i], p.operations[i + 1]); }).rule;
        // Of a gradient, its bucket is used too late.
        found += rule == plan_rule::value_is_read_after_its_write ||
                 rule == plan_rule::bucket_is_complete_after_its_last_use;
    }
    return tried > 3 && found == tried;
}
static_assert(every_exchange_of_neighbours_is_found());
// A parameter's gradient that is nobody's result, and one that is a value.
constexpr int last_gradient = sound.buffers[sound.operations.back().result].parameter;
static_assert(breaks(plan_rule::gradient_is_computed_once, last_gradient, sound,
                     [](auto& p) { p.operations.pop_back(); }));

/// Every pair of values that one operation reads, laid over each other.
constexpr bool every_overlap_is_found() {
    int found = 0, tried = 0;
    auto const in_arena = [](int b) { return tiny.buffers[b].kind == ls::buffer_kind::value; };
    for (ls::operation const& op : tiny.operations)
        for (int a = 0; a < op.operand_count; ++a)
            for (int b = 0; b < a; ++b) {
                if (!in_arena(op.operands[a]) || !in_arena(op.operands[b])) continue;
                int const first = tiny.buffers[op.operands[a]].storage, second = tiny.buffers[op.operands[b]].storage;
                if (first == second) continue;
                ++tried;
                plan_rule const rule =
                    after(tiny, [=](auto& p) { p.placements[first].offset = p.placements[second].offset; }).rule;
                // Or a value that lies in place of the first does not lie there any more.
                found += rule == plan_rule::live_values_lie_apart || rule == plan_rule::value_lies_in_the_arena;
            }
    return tried > 2 && found == tried;
}
static_assert(every_overlap_is_found());
/// A value that has its place for itself.
constexpr int alone = sound.operations[2].result;
static_assert(breaks(plan_rule::value_lies_in_the_arena, alone, sound,
                     [](auto& p) { p.placements[alone].offset = p.rest.arena_bytes; }));
static_assert(breaks(plan_rule::value_lies_in_the_arena, alone, sound,
                     [](auto& p) { p.placements[alone].offset += 4; }));
static_assert(breaks(plan_rule::value_lies_in_the_arena, alone, sound,
                     [](auto& p) { p.placements[alone].offset = -64; }));

/// An operation that writes in place of what it reads.
constexpr int in_place = [] {
    int i = 0;
    auto const is_in_place = [](ls::operation const& op) {
        return sound.buffers[op.result].kind == ls::buffer_kind::value && sound.buffers[op.result].storage != op.result;
    };
    while (!is_in_place(sound.operations[i])) ++i;
    return i;
}();
static_assert(in_place > 0 && sound.operations[in_place - 1].has_tail);
// It is not elementwise; what it writes over is read again.
static_assert(breaks(plan_rule::value_is_overwritten_by_its_last_reader, in_place, sound,
                     [](auto& p) { p.operations[in_place].facts.elementwise = false; }));
static_assert(breaks(plan_rule::value_is_overwritten_by_its_last_reader, in_place, sound, [](auto& p) {
    ls::operation& later = p.operations[in_place + 1];
    later.operands[later.operand_count++] = p.operations[in_place - 1].result;
}));
/// A tail in place of what the operation that carries it still reads for other rows: 1 = f(0), 2 = product of 1, whose
/// tail is 3 = 2 + 1.
constexpr ls::plan_fault tail_over_an_operand(int storage) {
    std::vector<ls::buffer> buffers(4);
    std::vector<ls::operation> operations(3);
    for (int i = 0; i < 4; ++i) {
        buffers[i].shape = {1, {16}};
        buffers[i].kind = i == 0 ? ls::buffer_kind::input : ls::buffer_kind::value;
        buffers[i].storage = i == 3 ? storage : i;
    }
    for (int i = 0; i < 3; ++i) {
        operations[i].result = i + 1;
        operations[i].operands[0] = i;
        operations[i].operand_count = 1;
    }
    operations[1].has_tail = true;
    operations[2].operands[1] = 1;
    operations[2].operand_count = 2;
    operations[2].facts.elementwise = true;
    operations[2].facts.aligned = {true, true};
    std::vector<ls::placement> placements(4);
    placements[2].offset = 64;
    placements[3].offset = placements[storage].offset;
    ls::plan p;
    p.buffers = buffers;
    p.operations = operations;
    p.placements = placements;
    p.arena_bytes = 128;
    return ls::find_arena_fault(p);
}
static_assert(!tail_over_an_operand(2));
static_assert(tail_over_an_operand(1) == ls::plan_fault{plan_rule::value_is_overwritten_by_its_last_reader, 2});

// ---- states ----

static_assert(breaks(plan_rule::state_has_a_merge_rule, observed_parameter, sound, [](auto& p) {
    p.parameters[observed_parameter].declared.merge.how = static_cast<ls::merge_kind>(9);
}));

// ---- passes ----

using ls::command_kind;
constexpr int last_bucket = static_cast<int>(sound.buckets.size()) - 1;

// Operations that are left out, run again, or cut off from their tail.
static_assert(breaks(plan_rule::operations_run_in_order, 0, sound,
                     [](auto& p) { remove(p.compute, find(p.compute, command_kind::run)); }));
static_assert(breaks(plan_rule::operations_run_in_order, 0, sound, [](auto& p) {
    int const run = find(p.compute, command_kind::run);
    insert(p.compute, run, p.compute[run]);
}));
static_assert(breaks(plan_rule::operations_run_in_order, 1, sound, [](auto& p) {
    int const run = find(p.compute, command_kind::run);
    insert(p.compute, run, p.compute[run]);
    p.compute[run].last = p.compute[run + 1].first = 1;
}));
static_assert(breaks(plan_rule::operations_run_in_order, static_cast<int>(sound.operations.size()) - 1, sound,
                     [](auto& p) { --p.compute[static_cast<int>(p.compute.size()) - 3].last; }));
// Losses that are kept too early, or not at all.
static_assert(breaks(plan_rule::operations_run_in_order, 0, sound, [](auto& p) {
    int const kept = find(p.compute, command_kind::keep_results);
    std::swap(p.compute[kept], p.compute[kept - 1]);
}));
static_assert(breaks(plan_rule::operations_run_in_order, sound.forward_count, sound,
                     [](auto& p) { remove(p.compute, find(p.compute, command_kind::keep_results)); }));
// Two shards in one memory.
static_assert(breaks(plan_rule::operations_run_in_order, 0, sound, [](auto& p) {
    int const begin = find(p.compute, command_kind::begin);
    p.compute[begin].last_shard = 2;
}));
static_assert(breaks(plan_rule::operations_run_in_order, sound.forward_count, sound, [](auto& p) {
    int second = find(p.compute, command_kind::begin) + 1;
    while (p.compute[second].kind != command_kind::begin) ++second;
    std::swap(p.compute[second], p.compute[second - 1]);
}));

// ---- events ----

constexpr int event_of(int bucket) {
    return sound.steps.update[find(sound.steps.update, command_kind::reduce_and_update, bucket) - 1].index;
}
// Somebody does not arrive, or arrives twice, or at what there is not.
static_assert(breaks(plan_rule::event_happens_once, event_of(1), sound,
                     [](auto& p) { remove(p.compute, find(p.compute, command_kind::arrive, event_of(1))); }));
static_assert(breaks(plan_rule::event_happens_once, event_of(2), sound, [](auto& p) {
    insert(p.compute, find(p.compute, command_kind::arrive, event_of(2)), {command_kind::arrive, false, event_of(2)});
}));
static_assert(breaks(plan_rule::event_happens_once, 99, sound,
                     [](auto& p) { p.update[find(p.update, command_kind::wait)].index = 99; }));
// A pass that waits for updates before its end: the same thread carries them out.
static_assert(breaks(plan_rule::schedules_come_to_an_end, static_cast<int>(sound.steps.compute.size()) - 2, sound,
                     [](auto& p) { std::swap(p.compute.back(), p.compute[static_cast<int>(p.compute.size()) - 2]); }));

/// Whether a rule is broken where replica 1 has another update stream than replica 0.
template <class Change>
constexpr ls::plan_fault replica_differs(ls::plan const& p, Change change) {
    commands other(p.steps.update.begin(), p.steps.update.end());
    change(other);
    ls::step_schedule_view changed = p.steps;
    changed.update = other;
    std::vector<ls::step_schedule_view> const schedules{p.steps, changed};
    return ls::find_schedule_fault(p, schedules);
}
constexpr ls::plan const& with_norm = plan_with<net<>, normed>;
static_assert(!replica_differs(with_norm, [](auto&) {}));
// It waits at the second meeting before it arrives at the first.
constexpr int measure = find(with_norm.steps.update, command_kind::measure);
static_assert(replica_differs(with_norm, [](auto& update) { std::swap(update[measure - 2], update[measure + 2]); }) ==
              ls::plan_fault{plan_rule::schedules_come_to_an_end, measure - 1});

// ---- buckets ----

// Nobody waits: what is not there is read, what is still read is overwritten.
static_assert(breaks(plan_rule::gradient_is_reduced_after_its_write, last_bucket, with_norm,
                     [](auto& p) { remove(p.update, find(p.update, command_kind::reduce, last_bucket) - 1); }));
static_assert(breaks(plan_rule::parameter_is_updated_after_its_reads, last_bucket, sound, [](auto& p) {
    remove(p.update, find(p.update, command_kind::reduce_and_update, last_bucket) - 1);
}));
// An arrival in front of the operations that it is for.
static_assert(breaks(plan_rule::parameter_is_updated_after_its_reads, last_bucket, sound, [](auto& p) {
    int const at = static_cast<int>(p.compute.size()) - 2;
    std::swap(p.compute[at], p.compute[at - 1]);
}));
// A mean before all losses are kept, by which it is divided.
static_assert(breaks(plan_rule::mean_counts_all_samples, 0, sound, [](auto& p) {
    int last = static_cast<int>(p.compute.size()) - 1;
    while (p.compute[last].kind != command_kind::keep_results) --last;
    ls::command const kept = p.compute[last];
    remove(p.compute, last);
    insert(p.compute, static_cast<int>(p.compute.size()) - 1, kept);
}));
// Left out, or done twice.
static_assert(breaks(plan_rule::bucket_is_updated_once, 0, sound,
                     [](auto& p) { remove(p.update, find(p.update, command_kind::reduce_and_update)); }));
static_assert(breaks(plan_rule::bucket_is_updated_once, 0, sound, [](auto& p) {
    p.update[find(p.update, command_kind::reduce_and_update, 1)].index = 0;
}));
static_assert(breaks(plan_rule::bucket_is_reduced_once, 1, with_norm, [](auto& p) {
    int const at = find(p.update, command_kind::reduce, 1);
    insert(p.update, at, p.update[at]);
}));
static_assert(breaks(plan_rule::bucket_is_updated_once, 99, sound,
                     [](auto& p) { p.update[find(p.update, command_kind::reduce_and_update)].index = 99; }));
// The norm of what is not all reduced, or before all parts of it are there.
static_assert(breaks(plan_rule::norm_is_of_all_gradients, 0, with_norm,
                     [](auto& p) { remove(p.update, measure - 1); }));
static_assert(breaks(plan_rule::norm_is_of_all_gradients, 0, with_norm,
                     [](auto& p) { remove(p.update, measure + 2); }));
static_assert(breaks(plan_rule::norm_is_of_all_gradients, 2, with_norm,
                     [](auto& p) { remove(p.update, find(p.update, command_kind::reduce, 2)); }));
// Where the norm is needed nothing is updated in one pass.
static_assert(breaks(plan_rule::bucket_is_reduced_before_its_update, 1, with_norm, [](auto& p) {
    p.update[find(p.update, command_kind::reduce, 1)].kind = command_kind::reduce_and_update;
}));

// ---- states ----

static_assert(breaks(plan_rule::state_is_merged_after_its_reads, 0, sound,
                     [](auto& p) { remove(p.update, find(p.update, command_kind::merge) - 1); }));
static_assert(breaks(plan_rule::state_is_merged_once, 0, sound,
                     [](auto& p) { remove(p.update, find(p.update, command_kind::merge)); }));
static_assert(breaks(plan_rule::state_is_merged_once, 1, sound, [](auto& p) {
    int const at = find(p.update, command_kind::merge);
    insert(p.update, at, p.update[at]);
}));

// ---- the end of a step ----

static_assert(breaks(plan_rule::step_ends_after_its_updates, 0, sound, [](auto& p) { p.compute.pop_back(); }));
static_assert(breaks(plan_rule::step_ends_after_its_updates, 0, sound, [](auto& p) {
    std::swap(p.update.back(), p.update[static_cast<int>(p.update.size()) - 2]);
}));
// No schedule at all.
static_assert(breaks(plan_rule::operations_run_in_order, 0, sound, [](auto& p) {
    p.compute.clear();
    p.update.clear();
}));

// ---- collective operations ----

constexpr ls::plan const& meeting = plan_with<net<ls::synchronized>, two>;
constexpr int first_collective = meeting.steps.compute[find(meeting.steps.compute, command_kind::sum_shards)].index;
// arrive, wait, sum, arrive, wait: without the first wait, without the second.
static_assert(breaks(plan_rule::collective_reads_after_writes, first_collective, meeting,
                     [](auto& p) { remove(p.compute, find(p.compute, command_kind::sum_shards) - 1); }));
static_assert(breaks(plan_rule::collective_ends_before_next_write, first_collective, meeting,
                     [](auto& p) { remove(p.compute, find(p.compute, command_kind::sum_shards) + 2); }));
// Another operation than the one whose turn it is; one that each shard runs for itself.
static_assert(breaks(plan_rule::operations_run_in_order, first_collective, meeting, [](auto& p) {
    int const first = find(p.compute, command_kind::sum_shards);
    int second = first + 1;
    while (p.compute[second].kind != command_kind::sum_shards) ++second;
    std::swap(p.compute[first].index, p.compute[second].index);
}));
static_assert(breaks(plan_rule::operations_run_in_order, first_collective, meeting, [](auto& p) {
    ls::command& sum = p.compute[find(p.compute, command_kind::sum_shards)];
    sum = {command_kind::run, false, -1, first_collective, first_collective + 1, 0, 2};
}));

// ---- exchanges between processes ----

template <ls::plan const& Plan>
constexpr int exchange_number(ls::exchange_kind kind, int index = -1) {
    int at = 0;
    while (Plan.steps.exchanges[at].kind != kind || (index >= 0 && Plan.steps.exchanges[at].index != index)) ++at;
    return at;
}
constexpr ls::plan const& many = plan_with<net<>, apart>;
constexpr ls::plan const& sharded = plan_with<net<>, owners>;
constexpr int results = exchange_number<many>(ls::exchange_kind::results);
constexpr int states = exchange_number<many>(ls::exchange_kind::states);
constexpr int scatter = exchange_number<many>(ls::exchange_kind::scatter, 0);
constexpr int gather = exchange_number<many>(ls::exchange_kind::gather, 0);
constexpr int publish = exchange_number<sharded>(ls::exchange_kind::publish, 0);

// Sent before it is there: losses, sums of states, of this process' gradients, means, new parameters.
constexpr bool is_sent_too_early(ls::plan const& p, int exchange) {
    return breaks(plan_rule::exchange_sends_what_is_there, exchange, p,
                  [=](auto& c) { remove(c.update, find(c.update, command_kind::start, exchange) - 1); });
}
static_assert(is_sent_too_early(many, results) && is_sent_too_early(many, states) && is_sent_too_early(many, scatter) &&
              is_sent_too_early(many, gather) && is_sent_too_early(sharded, publish));
static_assert(breaks(plan_rule::state_is_merged_after_its_reads, 0, many,
                     [](auto& p) { insert(p.update, 0, p.update[find(p.update, command_kind::pack)]); }));
// Read before it has come.
constexpr bool is_read_too_early(ls::plan const& p, command_kind reader, int exchange) {
    return breaks(plan_rule::exchange_is_read_after_its_end, exchange, p,
                  [=](auto& c) { remove(c.update, find(c.update, reader) - 1); });
}
static_assert(is_read_too_early(many, command_kind::merge, states));
static_assert(is_read_too_early(many, command_kind::combine, scatter));
static_assert(is_read_too_early(many, command_kind::update, gather));
// Without the number of all samples there is no mean.
static_assert(breaks(plan_rule::exchange_is_read_after_its_end, results, plan_with<plain, apart>, [](auto& p) {
    int const ended = find(p.update, command_kind::finish, results);
    ls::command const finish = p.update[ended];
    remove(p.update, ended);
    insert(p.update, static_cast<int>(p.update.size()) - 1, finish);
}));
// Waited for before it is sent; never sent, twice, never waited for; what there is not.
static_assert(breaks(plan_rule::exchange_is_read_after_its_end, results, many, [](auto& p) {
    std::swap(p.update[find(p.update, command_kind::start, results)],
              p.update[find(p.update, command_kind::finish, results)]);
}));
static_assert(breaks(plan_rule::exchange_happens_once, scatter, many,
                     [](auto& p) { remove(p.update, find(p.update, command_kind::start, scatter)); }));
static_assert(breaks(plan_rule::exchange_happens_once, scatter, many, [](auto& p) {
    int const at = find(p.update, command_kind::start, scatter);
    insert(p.update, at, p.update[at]);
}));
static_assert(breaks(plan_rule::exchange_happens_once, publish, sharded,
                     [](auto& p) { remove(p.update, find(p.update, command_kind::finish, publish)); }));
static_assert(breaks(plan_rule::exchange_happens_once, 99, many,
                     [](auto& p) { p.update[find(p.update, command_kind::start)].index = 99; }));
// All replicas start what the leader alone should.
static_assert(breaks(plan_rule::exchange_happens_once, gather, many,
                     [](auto& p) { p.update[find(p.update, command_kind::start, gather)].leader_only = false; }));
// An owner's update before the sum over all processes.
static_assert(breaks(plan_rule::bucket_is_reduced_before_its_update, 0, sharded, [](auto& p) {
    std::swap(p.update[find(p.update, command_kind::combine, 0)], p.update[find(p.update, command_kind::update, 0)]);
}));

// The leader adds the shards of its process before they are there; others take the sum before it has come.
constexpr ls::plan const& meeting_apart = plan_with<net<ls::synchronized>, apart>;
constexpr int sums = exchange_number<meeting_apart>(ls::exchange_kind::collective);
constexpr int summed_apart = meeting_apart.steps.exchanges[sums].index;
static_assert(breaks(plan_rule::collective_reads_after_writes, summed_apart, meeting_apart, [](auto& p) {
    int at = find(p.compute, command_kind::pack, sums);
    while (p.compute[at].kind != command_kind::wait) --at;
    remove(p.compute, at);
}));
static_assert(breaks(plan_rule::exchange_is_read_after_its_end, sums, meeting_apart,
                     [](auto& p) { remove(p.compute, find(p.compute, command_kind::sum_shards) - 1); }));

// ---- processes ----

/// What is found where process 1 has another schedule than process 0.
template <class Change>
constexpr ls::plan_fault process_differs(Change change) {
    commands other(many.steps.update.begin(), many.steps.update.end());
    std::vector<ls::exchange> exchanges(many.steps.exchanges.begin(), many.steps.exchanges.end());
    change(other, exchanges);
    ls::step_schedule_view changed = many.steps;
    changed.update = other;
    changed.exchanges = exchanges;
    std::vector<ls::step_schedule_view> const processes{many.steps, changed};
    return ls::find_process_fault(processes);
}
constexpr ls::plan_fault another_order{plan_rule::exchanges_have_one_order, 1};
static_assert(!process_differs([](auto&, auto&) {}));
// More replicas wait for other events, and exchange the same.
constexpr ls::plan_settings four_replicas{
    .replicas = 4, .shards = 4, .batch = 16, .buckets = ls::bucket_bytes<64>, .across_processes = true};
static_assert(!ls::find_process_fault(std::vector{many.steps, plan_with<net<>, four_replicas>.steps}));
static_assert(process_differs([](auto& update, auto&) {
                  std::swap(update[find(update, command_kind::start, scatter)],
                            update[find(update, command_kind::start, gather)]);
              }) == another_order);
static_assert(process_differs([](auto& update, auto&) { remove(update, find(update, command_kind::start, gather)); }) ==
              another_order);
static_assert(process_differs([](auto&, auto& exchanges) { std::swap(exchanges[scatter], exchanges[gather]); }) ==
              another_order);

} // namespace
