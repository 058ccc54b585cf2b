// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/fault.hpp>
#include <lockstep/plan/plan.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace lockstep {

/// The slices of all owners are their bucket, and the buckets are all that is trained. Every parameter that is trained
/// lies in exactly one bucket, apart from all others, and every state behind the buckets; a bucket is complete when its
/// last gradient is there and its parameters have been read for the last time.
constexpr plan_fault find_bucket_fault(plan const& p) {
    int const buckets = static_cast<int>(p.buckets.size()), parameters = static_cast<int>(p.parameters.size());
    std::int64_t end = 0;
    for (int b = 0; b < buckets; ++b) {
        bucket const& each = p.buckets[b];
        if (each.begin != end || each.end <= each.begin) return {plan_rule::slices_cover_their_bucket, b};
        end = each.end;
        std::int64_t covered = each.begin;
        for (int owner = 0; owner < p.settings.replicas; ++owner) {
            bucket_slice const own = slice_of(each, owner, p.settings.replicas);
            if (own.begin != covered) return {plan_rule::slices_cover_their_bucket, b};
            covered = own.end;
        }
        if (covered != each.end) return {plan_rule::slices_cover_their_bucket, b};
    }
    if (end != p.trained_elements) return {plan_rule::slices_cover_their_bucket, buckets};

    // For each parameter its bucket; states lie in none.
    std::vector<int> home(p.parameters.size(), -1), order, found(p.buckets.size(), 0);
    for (int i = 0; i < parameters; ++i) {
        std::int64_t const first = p.parameter_offsets[i], last = first + p.parameters[i].declared.shape.size();
        order.push_back(i);
        if (!p.parameters[i].declared.is_trained()) {
            if (first < p.trained_elements || last > p.parameter_elements)
                return {plan_rule::parameter_is_in_one_bucket, i};
            continue;
        }
        for (int b = 0; b < buckets; ++b)
            if (first >= p.buckets[b].begin && last <= p.buckets[b].end) home[i] = b;
        if (home[i] < 0 || first % slice_alignment != 0) return {plan_rule::parameter_is_in_one_bucket, i};
        ++found[home[i]];
    }
    for (int b = 0; b < buckets; ++b)
        if (found[b] != p.buckets[b].parameters) return {plan_rule::slices_cover_their_bucket, b};
    auto const begin_of = [&](int i) { return p.parameter_offsets[i]; };
    std::sort(order.begin(), order.end(), [&](int a, int b) { return begin_of(a) < begin_of(b); });
    for (int k = 1; k < parameters; ++k)
        if (begin_of(order[k - 1]) + p.parameters[order[k - 1]].declared.shape.size() > begin_of(order[k]))
            return {plan_rule::parameter_is_in_one_bucket, order[k]};

    std::vector<int> computed(p.parameters.size(), 0);
    for (std::size_t i = 0; i < p.operations.size(); ++i) {
        operation const& op = p.operations[i];
        auto const bucket_used = [&](int index) {
            int const parameter = p.buffers[index].parameter;
            return parameter < 0 ? -1 : home[parameter];
        };
        // An operation and its tail are one call.
        int const call_end = static_cast<int>(i) + op.has_tail;
        auto const is_late = [&](int b) { return b >= 0 && p.buckets[b].complete_after() < call_end; };
        int late = is_late(bucket_used(op.result)) ? bucket_used(op.result) : -1;
        for (int k = 0; k < op.operand_count; ++k)
            if (int const b = bucket_used(op.operands[k]); is_late(b)) late = b;
        if (late >= 0) return {plan_rule::bucket_is_complete_after_its_last_use, late};
        if (p.buffers[op.result].kind == buffer_kind::gradient) ++computed[p.buffers[op.result].parameter];
    }
    if (p.forward_count == static_cast<int>(p.operations.size())) return {};
    for (int i = 0; i < parameters; ++i)
        if (computed[i] != (home[i] >= 0 || p.parameters[i].observed ? 1 : 0))
            return {plan_rule::gradient_is_computed_once, i};
    return {};
}

/// Every value, gradient and observation is written once, and before the operations that read it; what comes from
/// outside is not written at all.
constexpr plan_fault find_order_fault(plan const& p) {
    std::vector<char> written;
    for (buffer const& b : p.buffers)
        written.push_back(b.kind != buffer_kind::value && b.kind != buffer_kind::gradient);
    for (std::size_t i = 0; i < p.operations.size(); ++i) {
        operation const& op = p.operations[i];
        for (int k = 0; k < op.operand_count; ++k)
            if (!written[op.operands[k]]) return {plan_rule::value_is_read_after_its_write, static_cast<int>(i)};
        if (written[op.result]) return {plan_rule::value_is_written_once, static_cast<int>(i)};
        written[op.result] = 1;
    }
    return {};
}

namespace detail {

/// The operations during which a value's memory is needed.
struct live_range {
    int first = -1, last = -1;
};

/// The places in memory that are taken at some time, by offset.
class taken_places {
public:
    /// Whether [begin, end) is free; then it is taken.
    constexpr bool take(std::int64_t begin, std::int64_t end) {
        std::size_t at = places_.size();
        places_.push_back({begin, end});
        for (; at > 0 && places_[at - 1].begin > begin; --at) {
            places_[at] = places_[at - 1];
            places_[at - 1] = {begin, end};
        }
        return (at == 0 || places_[at - 1].end <= begin) && (at + 1 == places_.size() || end <= places_[at + 1].begin);
    }
    constexpr void give(std::int64_t begin) {
        std::size_t at = 0;
        while (places_[at].begin != begin) ++at;
        for (; at + 1 < places_.size(); ++at) places_[at] = places_[at + 1];
        places_.pop_back();
    }

private:
    struct place {
        std::int64_t begin = 0, end = 0;
    };
    std::vector<place> places_;
};

/// For each memory in the arena, named by the buffer whose storage it is, when it is needed. A tail writes while the
/// operation before it runs, and a result is needed to the end.
constexpr std::vector<live_range> live_ranges(plan const& p) {
    std::vector<live_range> ranges(p.buffers.size());
    int const end = static_cast<int>(p.operations.size());
    auto const touch = [&](int index, int from, int to) {
        live_range& range = ranges[p.buffers[index].storage];
        if (range.first < 0 || from < range.first) range.first = from;
        if (to > range.last) range.last = to;
    };
    for (int i = 0; i < end; ++i) {
        operation const& op = p.operations[i];
        auto const in_arena = [&](int index) { return p.buffers[index].kind == buffer_kind::value; };
        // What an operation with a tail reads is needed while the tail writes.
        if (in_arena(op.result)) touch(op.result, i > 0 && p.operations[i - 1].has_tail ? i - 1 : i, i);
        for (int k = 0; k < op.operand_count; ++k)
            if (in_arena(op.operands[k])) touch(op.operands[k], i, i);
        if (in_arena(op.result) && p.buffers[op.result].result) touch(op.result, i, end);
    }
    return ranges;
}

} // namespace detail

/// Values that are needed at the same time lie apart in the arena. Only an elementwise operation that is the last to
/// read an operand, element for element, may write over it.
constexpr plan_fault find_arena_fault(plan const& p) {
    int const count = static_cast<int>(p.buffers.size()), end = static_cast<int>(p.operations.size());
    std::vector<int> last_read(p.buffers.size(), -1);
    for (int i = 0; i < end; ++i)
        for (int k = 0; k < p.operations[i].operand_count; ++k) last_read[p.operations[i].operands[k]] = i;
    for (int i = 0; i < end; ++i) {
        operation const& op = p.operations[i];
        buffer const& result = p.buffers[op.result];
        if (result.kind != buffer_kind::value || result.storage == op.result) continue;
        auto const same_memory = [&](int index) {
            return p.buffers[index].kind == buffer_kind::value && p.buffers[index].storage == result.storage;
        };
        // In place: over operands of the same storage, which nobody needs after it.
        bool over_an_operand = false, sound = op.facts.elementwise;
        for (int k = 0; k < op.operand_count; ++k) {
            if (!same_memory(op.operands[k])) continue;
            over_an_operand = true;
            sound = sound && op.facts.aligned[k] && !p.buffers[op.operands[k]].result && last_read[op.operands[k]] == i;
        }
        // While a tail writes some rows, the operation that carries it still reads for others.
        if (i > 0 && p.operations[i - 1].has_tail)
            for (int k = 0; k < p.operations[i - 1].operand_count; ++k)
                sound = sound && !same_memory(p.operations[i - 1].operands[k]);
        if (!over_an_operand || !sound) return {plan_rule::value_is_overwritten_by_its_last_reader, i};
    }

    std::vector<detail::live_range> const ranges = detail::live_ranges(p);
    std::vector<int> first_begin(end + 1, -1), first_end(end + 1, -1), next_begin(count, -1), next_end(count, -1);
    auto const bytes = [&](int b) { return p.bytes_of(p.buffers[b], p.shard_samples()); };
    for (int b = 0; b < count; ++b) {
        buffer const& each = p.buffers[b];
        if (each.kind != buffer_kind::value || ranges[each.storage].first < 0) continue;
        std::int64_t const begin = p.placements[b].offset;
        if (begin < 0 || begin + bytes(b) > p.arena_bytes || begin % static_cast<std::int64_t>(memory_alignment) != 0)
            return {plan_rule::value_lies_in_the_arena, b};
        if (each.storage != b) {
            if (p.placements[b].offset != p.placements[each.storage].offset || bytes(b) > bytes(each.storage))
                return {plan_rule::value_lies_in_the_arena, b};
            continue;
        }
        next_begin[b] = first_begin[ranges[b].first];
        first_begin[ranges[b].first] = b;
        next_end[b] = first_end[ranges[b].last];
        first_end[ranges[b].last] = b;
    }
    detail::taken_places memory;
    for (int i = 0; i <= end; ++i) {
        for (int b = first_begin[i]; b >= 0; b = next_begin[b])
            if (!memory.take(p.placements[b].offset, p.placements[b].offset + bytes(b)))
                return {plan_rule::live_values_lie_apart, b};
        for (int b = first_end[i]; b >= 0; b = next_end[b]) memory.give(p.placements[b].offset);
    }
    return {};
}

/// Whatever is observed and not trained has a rule by which shards are merged: nothing is lost silently.
constexpr plan_fault find_state_fault(plan const& p) {
    for (std::size_t i = 0; i < p.parameters.size(); ++i) {
        merge_kind const how = p.parameters[i].declared.merge.how;
        bool const merges = how == merge_kind::average || how == merge_kind::sum || how == merge_kind::maximum;
        if (p.parameters[i].observed && !merges) return {plan_rule::state_has_a_merge_rule, static_cast<int>(i)};
    }
    return {};
}

} // namespace lockstep
