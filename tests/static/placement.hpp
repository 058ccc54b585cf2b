// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/plan.hpp>
#include <lockstep/plan/proof.hpp>

#include <cstdint>
#include <vector>

namespace tests {

namespace ls = lockstep;

/// A second opinion on the proof of the arena. Follows a plan's operations over its bytes: who wrote them last? Knows
/// nothing of live ranges, by which the plan was made and the proof goes.
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
constexpr bool is_proved(ls::plan const& p) { return !ls::find_fault(p); }

/// How many of a plan's values can be moved onto another one's place, one at a time, without `is_sound` noticing, though
/// both are needed at once: a check that cannot fail would accept all of them.
struct sabotage {
    int tried = 0;
    int noticed = 0;

    constexpr bool is_found_out() const { return tried > 5 && noticed == tried; }
};
template <class Check>
constexpr sabotage shift_each_value(ls::plan p, Check is_sound) {
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

constexpr bool moved_values_are_noticed(ls::plan const& p) { return shift_each_value(p, is_sound).is_found_out(); }
constexpr bool moved_values_are_no_proof(ls::plan const& p) {
    return shift_each_value(p, [](ls::plan const& moved) { return !ls::find_arena_fault(moved); }).is_found_out();
}

/// Whether a plan is noticed whose operations number `index` and `index + 1` change places.
constexpr bool order_matters(ls::plan p, std::size_t index) {
    std::vector<ls::operation> swapped(p.operations.begin(), p.operations.end());
    ls::operation const first = swapped[index];
    swapped[index] = swapped[index + 1];
    swapped[index + 1] = first;
    p.operations = swapped;
    return !arena_walk(p).is_sound() && ls::find_order_fault(p);
}

} // namespace tests
