// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/fault.hpp>
#include <lockstep/plan/plan.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace lockstep::detail {

/// A collective operation in a replica's passes: how many commands have been carried out when its operand is there,
/// and when its result is.
struct collective_places {
    int operation = -1;
    int written = 0;
    int read = 0;
};

/// What others wait for in a replica's passes: how many commands have been carried out by then. 0: for nothing.
struct pass_places {
    /// For each bucket, its gradients are there and its parameters have been read for the last time.
    std::vector<int> bucket_uses;
    /// States have been read and observed for the last time.
    int state_uses = 0;
    /// The losses and counts of all shards are kept.
    int results = 0;
    /// In the order of the passes.
    std::vector<collective_places> collectives;

    /// The places of an operation; nullptr where it is not in the passes.
    constexpr collective_places const* of(int operation) const {
        for (collective_places const& each : collectives)
            if (each.operation == operation) return &each;
        return nullptr;
    }
};

/// The last operations that use each bucket and the states.
struct last_uses {
    std::vector<int> buckets;
    int states = -1;

    constexpr explicit last_uses(plan const& p) : buckets(p.buckets.size(), -1) {
        std::vector<int> home(p.parameters.size(), -1);
        for (std::size_t i = 0; i < p.parameters.size(); ++i)
            for (std::size_t b = 0; b < p.buckets.size() && home[i] < 0; ++b)
                if (p.parameter_offsets[i] >= p.buckets[b].begin && p.parameter_offsets[i] < p.buckets[b].end)
                    home[i] = static_cast<int>(b);
        for (std::size_t i = 0; i < p.operations.size(); ++i) {
            operation const& op = p.operations[i];
            auto const use = [&](int index, bool reads) {
                buffer const& b = p.buffers[index];
                if (b.parameter < 0) return;
                if (home[b.parameter] >= 0) buckets[home[b.parameter]] = static_cast<int>(i);
                // A merge writes states alone, so observations may still be read. What is neither trained nor
                // observed nobody changes.
                else if (p.parameters[b.parameter].observed && !(reads && b.kind == buffer_kind::gradient))
                    states = static_cast<int>(i);
            };
            use(op.result, false);
            for (int k = 0; k < op.operand_count; ++k) use(op.operands[k], true);
        }
    }
};

/// Follows the passes of one replica: for each of its shards every operation once, in order, and a tail in one go with
/// the operation that carries it. Shards that do not advance together use one memory, so they come one after the other.
class pass_walk {
public:
    constexpr pass_walk(plan const& p, last_uses const& uses, std::span<command const> passes)
        : plan_(&p), uses_(&uses), passes_(passes), together_(p.shards_advance_together()),
          next_(static_cast<std::size_t>(p.settings.shards / p.settings.replicas), not_begun),
          kept_(next_.size(), 0) {
        places_.bucket_uses.resize(p.buckets.size(), 0);
    }

    // nvcc takes one that is declared implicitly for no constant expression.
    constexpr ~pass_walk() = default;

    constexpr plan_fault run() {
        int const count = static_cast<int>(passes_.size());
        for (int at = 0; at < count; ++at)
            if (int const broken = carry_out(passes_[at], at + 1); broken >= 0)
                return {plan_rule::operations_run_in_order, broken};
        for (std::size_t s = 0; s < next_.size(); ++s)
            if (!has_ended(s)) return {plan_rule::operations_run_in_order, missing(s)};
        return {};
    }
    constexpr pass_places const& places() const { return places_; }

private:
    static constexpr int not_begun = -1;
    constexpr int end() const { return static_cast<int>(plan_->operations.size()); }
    constexpr bool has_ended(std::size_t shard) const { return next_[shard] == end() && kept_[shard]; }
    /// The operation that comes next; where only the results are not kept, that behind the forward pass.
    constexpr int missing(std::size_t shard) const {
        return next_[shard] == end() ? plan_->forward_count : std::max(next_[shard], 0);
    }

    /// The operation that is not where it belongs, or -1.
    constexpr int carry_out(command const& c, int place) {
        switch (c.kind) {
        case command_kind::begin: return begin(c, place);
        case command_kind::run: return run(c, place);
        case command_kind::sum_shards: return sum(c, place);
        case command_kind::keep_results: return keep_results(c, place);
        default: return -1;
        }
    }

    /// Whether every replica carries it out, for shards that it has.
    constexpr bool is_for_shards(command const& c) const {
        return !c.leader_only && c.first_shard >= 0 && c.first_shard < c.last_shard &&
               c.last_shard <= static_cast<int>(next_.size()) && (together_ || c.last_shard - c.first_shard == 1);
    }
    constexpr int begin(command const& c, int place) {
        if (!is_for_shards(c)) return 0;
        // Whose memory it takes has ended, and its results are kept.
        for (std::size_t s = 0; s < next_.size() && !together_; ++s)
            if (next_[s] != not_begun && !has_ended(s)) return missing(s);
        for (int s = c.first_shard; s < c.last_shard; ++s) {
            if (next_[s] != not_begun) return 0;
            next_[s] = 0;
        }
        written_ = place;
        return -1;
    }
    constexpr int run(command const& c, int place) {
        if (!is_for_shards(c) || c.last <= c.first || c.last > end()) return std::max(c.first, 0);
        for (int s = c.first_shard; s < c.last_shard; ++s) {
            if (next_[s] != c.first) return std::max(std::min(next_[s], c.first), 0);
            next_[s] = c.last;
        }
        if (plan_->operations[c.last - 1].has_tail) return c.last;
        if (together_)
            for (int i = c.first; i < c.last; ++i)
                if (plan_->operations[i].facts.is_collective) return i;
        auto const holds = [&](int operation) { return operation >= c.first && operation < c.last; };
        for (std::size_t b = 0; b < places_.bucket_uses.size(); ++b)
            if (holds(uses_->buckets[b])) places_.bucket_uses[b] = place;
        if (holds(uses_->states)) places_.state_uses = place;
        written_ = place;
        return -1;
    }
    constexpr int sum(command const& c, int place) {
        if (c.leader_only || c.index < 0 || c.index >= end()) return std::max(c.index, 0);
        if (!plan_->operations[c.index].facts.is_collective) return c.index;
        for (int& next : next_) {
            if (next != c.index) return std::max(next, 0);
            ++next;
        }
        places_.collectives.push_back({c.index, written_, place});
        written_ = place;
        return -1;
    }
    /// Behind the forward pass of these shards, and once.
    constexpr int keep_results(command const& c, int place) {
        if (!is_for_shards(c)) return plan_->forward_count;
        for (int s = c.first_shard; s < c.last_shard; ++s) {
            if (next_[s] < plan_->forward_count) return missing(s);
            if (kept_[s]) return plan_->forward_count;
            kept_[s] = 1;
        }
        places_.results = place;
        return -1;
    }

    plan const* plan_;
    last_uses const* uses_;
    std::span<command const> passes_;
    bool together_;
    /// For each shard the operation that comes next, and whether its results are kept.
    std::vector<int> next_;
    std::vector<char> kept_;
    /// How many commands have been carried out when the shards' memory was written for the last time.
    int written_ = 0;
    pass_places places_;
};

} // namespace lockstep::detail
