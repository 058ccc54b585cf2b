// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/plan.hpp>

#include <cstdint>
#include <vector>

namespace tests {

namespace ls = lockstep;

/// Follows a plan's operations over the bytes of the arena: who wrote them last? Knows nothing of live ranges, by
/// which the plan was made.
class arena_walk {
public:
    constexpr explicit arena_walk(ls::plan const& p)
        : plan_(p), written_(p.buffers.size(), false), intact_(p.buffers.size(), false) {}

    /// Whether every value is read as it was written, and every result is still there at the end.
    constexpr bool is_sound() {
        for (std::size_t i = 0; i < plan_.operations.size(); ++i) {
            bool const has_tail = plan_.operations[i].has_tail;
            if (!reads(i)) return false;
            if (!writes(i)) return false;
            if (!has_tail) continue;
            // The tail writes some rows while its primitive still reads for others.
            ls::operation const& tail = plan_.operations[i + 1];
            if (in_arena(tail.result))
                for (int k = 0; k < plan_.operations[i].operand_count; ++k)
                    if (overlap(tail.result, plan_.operations[i].operands[k])) return false;
        }
        for (std::size_t b = 0; b < plan_.buffers.size(); ++b)
            if (plan_.buffers[b].result && in_arena(static_cast<int>(b)) && !intact_[b]) return false;
        return true;
    }

private:
    constexpr bool in_arena(int b) const { return plan_.buffers[b].kind == ls::buffer_kind::value; }
    constexpr std::int64_t begin(int b) const { return plan_.placements[b].offset; }
    constexpr std::int64_t end(int b) const {
        return begin(b) + plan_.bytes_of(plan_.buffers[b], plan_.shard_samples());
    }
    constexpr bool overlap(int a, int b) const {
        return in_arena(a) && in_arena(b) && begin(a) < end(b) && begin(b) < end(a);
    }

    constexpr bool reads(std::size_t index) const {
        ls::operation const& op = plan_.operations[index];
        for (int k = 0; k < op.operand_count; ++k) {
            int const b = op.operands[k];
            if (in_arena(b) && !intact_[b]) return false;
            if (plan_.buffers[b].kind == ls::buffer_kind::gradient && !written_[b]) return false;
        }
        return true;
    }

    constexpr bool writes(std::size_t index) {
        ls::operation const& op = plan_.operations[index];
        if (written_[op.result]) return false;
        if (in_arena(op.result)) {
            if (begin(op.result) < 0 || end(op.result) > plan_.arena_bytes) return false;
            if (begin(op.result) % static_cast<std::int64_t>(ls::memory_alignment) != 0) return false;
            // Only an elementwise operation may write over an operand, and only element for element.
            for (int k = 0; k < op.operand_count; ++k) {
                bool const in_place =
                    op.facts.elementwise && op.facts.aligned[k] && begin(op.operands[k]) == begin(op.result);
                if (overlap(op.result, op.operands[k]) && !in_place) return false;
            }
            for (std::size_t b = 0; b < plan_.buffers.size(); ++b)
                if (overlap(op.result, static_cast<int>(b))) intact_[b] = false;
        }
        written_[op.result] = true;
        intact_[op.result] = true;
        return true;
    }

    ls::plan const& plan_;
    // Flags; clang cannot evaluate vector<bool> of libstdc++ 12 at compile time.
    std::vector<char> written_;
    std::vector<char> intact_;
};

constexpr bool is_sound(ls::plan const& p) { return arena_walk(p).is_sound(); }

/// How many of a plan's values can be moved onto another one's place, one at a time, without is_sound noticing,
/// though both are needed at once: a check that cannot fail would accept all of them.
struct sabotage {
    int tried = 0;
    int noticed = 0;
};
constexpr sabotage shift_each_value(ls::plan p) {
    std::vector<ls::placement> moved(p.placements.begin(), p.placements.end());
    std::vector<ls::placement> const original = moved;
    p.placements = moved;
    sabotage result;
    for (std::size_t i = 0; i < p.operations.size(); ++i) {
        ls::operation const& op = p.operations[i];
        // Two values that one primitive reads, laid over each other by a line.
        for (int a = 0; a < op.operand_count; ++a)
            for (int b = 0; b < a; ++b) {
                int const first = op.operands[a], second = op.operands[b];
                if (p.buffers[first].kind != ls::buffer_kind::value || first == second) continue;
                if (p.buffers[second].kind != ls::buffer_kind::value) continue;
                ++result.tried;
                moved[first].offset = original[second].offset;
                result.noticed += !is_sound(p);
                moved[first].offset = original[first].offset;
            }
    }
    return result;
}

/// Whether a plan is noticed whose operations number `index` and `index + 1` change places.
constexpr bool order_matters(ls::plan p, std::size_t index) {
    std::vector<ls::operation> swapped(p.operations.begin(), p.operations.end());
    ls::operation const first = swapped[index];
    swapped[index] = swapped[index + 1];
    swapped[index + 1] = first;
    p.operations = swapped;
    return !is_sound(p);
}

/// Whether every parameter that is trained lies in exactly one bucket, whose gradient is computed once and before the
/// bucket is ready, every state lies behind the buckets and is observed once at most, all of them lie apart, and the
/// slices of all owners are the buckets.
constexpr bool buckets_are_sound(ls::plan const& p) {
    std::int64_t end = 0;
    for (ls::bucket const& b : p.buckets) {
        if (b.begin != end || b.end <= b.begin) return false;
        end = b.end;
        std::int64_t covered = b.begin;
        for (int owner = 0; owner < p.settings.replicas; ++owner) {
            ls::bucket_slice const own = ls::slice_of(b, owner, p.settings.replicas);
            if (own.begin != covered) return false;
            covered = own.end;
        }
        if (covered != b.end) return false;
    }
    if (end != p.trained_elements) return false;
    int counted = 0, trained = 0;
    for (ls::bucket const& b : p.buckets) counted += b.parameters;
    for (ls::program_parameter const& each : p.parameters) trained += each.declared.is_trained();
    if (counted != trained) return false;
    for (std::size_t i = 0; i < p.parameters.size(); ++i) {
        std::int64_t const first = p.parameter_offsets[i], last = first + p.parameters[i].declared.shape.size();
        for (std::size_t k = 0; k < i; ++k) {
            std::int64_t const other = p.parameter_offsets[k];
            if (first < other + p.parameters[k].declared.shape.size() && other < last) return false;
        }
        int computed = 0, computed_by = -1;
        for (std::size_t o = 0; o < p.operations.size(); ++o) {
            ls::buffer const& result = p.buffers[p.operations[o].result];
            if (result.kind != ls::buffer_kind::gradient || result.parameter != static_cast<int>(i)) continue;
            ++computed;
            computed_by = static_cast<int>(o);
        }
        if (!p.parameters[i].declared.is_trained()) {
            if (first < p.trained_elements || last > p.parameter_elements) return false;
            if (computed != (p.parameters[i].observed ? 1 : 0)) return false;
            continue;
        }
        int buckets = 0;
        for (ls::bucket const& b : p.buckets) {
            if (first < b.begin || last > b.end) continue;
            ++buckets;
            if (computed_by > b.ready_after) return false;
        }
        if (buckets != 1 || computed != 1) return false;
    }
    return true;
}

} // namespace tests
