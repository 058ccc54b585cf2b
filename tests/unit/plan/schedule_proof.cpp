// SPDX-License-Identifier: MIT
// A second opinion on the proof of schedules: they are carried out, each stream once as late as it may be, and what is
// read before it is there, or changed while it is still needed, is seen as it happens. A schedule that has a command
// too few, too many or in another place is found sound by both or by neither.
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/sequential.hpp>
#include <lockstep/plan/describe.hpp>
#include <lockstep/plan/proof.hpp>
#include <lockstep/program/build.hpp>
#include <lockstep/program/planning_only.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

namespace ls = lockstep;
using ls::command;
using ls::command_kind;
using ls::exchange_kind;

using streams = std::vector<std::vector<command>>;

/// What has happened so far, and whether all of it was right. Streams 2 r and 2 r + 1 are those of replica r.
class carried_out {
public:
    /// `late`: the stream that only goes on where no other can. `threads`: a replica's streams in one thread, where a
    /// pass that waits keeps its updates from going on; else each stream has its own.
    carried_out(ls::plan const& p, streams const& all, std::size_t late, bool threads)
        : plan_(p), streams_(all), replicas_(static_cast<int>(all.size()) / 2),
          shards_(p.settings.shards / p.settings.replicas), next_(all.size(), 0), arrived_(p.steps.events.size(), 0),
          at_(static_cast<std::size_t>(replicas_ * shards_), -1), kept_(at_.size(), 0), reduced_(counts()),
          combined_(counts()), updated_(counts()), measured_(per_replica()), merged_(per_replica()),
          started_(p.steps.exchanges.size(), 0), ended_(started_), packed_(started_) {
        summed_.assign(p.operations.size(), per_replica());
        while (right_ && advance(late, threads)) {}
        right_ = right_ && has_ended();
    }
    bool is_right() const { return right_; }

private:
    std::vector<int> per_replica() const { return std::vector<int>(static_cast<std::size_t>(replicas_), 0); }
    std::vector<std::vector<int>> counts() const { return {plan_.buckets.size(), per_replica()}; }

    bool advance(std::size_t late, bool threads) {
        for (bool const others : {true, false})
            for (std::size_t s = 0; s < streams_.size(); ++s) {
                if ((s != late) != others || !can_go_on(s)) continue;
                if (threads && s % 2 == 1 && pass_waits(s - 1)) continue;
                command const& c = streams_[s][next_[s]++];
                if (!c.leader_only || s < 2) carry_out(c, static_cast<int>(s) / 2);
                return true;
            }
        return false;
    }
    bool can_go_on(std::size_t s) const {
        if (next_[s] == streams_[s].size()) return false;
        command const& c = streams_[s][next_[s]];
        return c.kind != command_kind::wait || (c.leader_only && s > 1) ||
               arrived_[at(c.index)] >= plan_.steps.events[at(c.index)];
    }
    bool pass_waits(std::size_t s) const { return next_[s] + 1 < streams_[s].size() && !can_go_on(s); }

    static std::size_t at(int index) { return static_cast<std::size_t>(index); }
    void expect(bool condition) { right_ = right_ && condition; }
    static bool all(std::vector<int> const& counts) { return std::ranges::all_of(counts, [](int n) { return n > 0; }); }
    static bool any(std::vector<int> const& counts) { return std::ranges::any_of(counts, [](int n) { return n > 0; }); }
    bool across() const { return plan_.settings.across_processes; }

    void carry_out(command const& c, int r) {
        std::size_t const i = at(c.index), replica = at(r);
        switch (c.kind) {
        case command_kind::arrive: ++arrived_[i]; return;
        case command_kind::wait: return;
        case command_kind::begin: return for_shards(c, r, [&](std::size_t s) { begin(s, r); });
        case command_kind::run:
            return for_shards(c, r, [&](std::size_t s) {
                for (int operation = c.first; operation < c.last; ++operation) run(s, operation);
                // A tail is not called by itself.
                expect(!plan_.operations[at(c.last - 1)].has_tail);
            });
        case command_kind::sum_shards:
            if (across()) expect(ended_[number_of(exchange_kind::collective, c.index)] > 0);
            else expect_operands(c.index);
            for (int s = r * shards_; s < (r + 1) * shards_; ++s) expect(at_[at(s)]++ == c.index);
            ++summed_[i][replica];
            return;
        case command_kind::keep_results:
            return for_shards(c, r, [&](std::size_t s) { expect(at_[s] >= plan_.forward_count && kept_[s]++ == 0); });
        case command_kind::pack:
            if (plan_.steps.exchanges[i].kind == exchange_kind::states) expect(states_are_used());
            else expect_operands(plan_.steps.exchanges[i].index);
            ++packed_[i];
            return;
        case command_kind::start: ++started_[i]; return expect(is_there(plan_.steps.exchanges[i]));
        case command_kind::finish: ++ended_[i]; return expect(started_[i] > 0);
        case command_kind::reduce:
            expect(is_used(c.index) && reduced_[i][replica]++ == 0 && (across() || all(kept_)));
            return;
        case command_kind::combine:
            expect(has_ended(exchange_kind::scatter, c.index) && has_ended(exchange_kind::results));
            expect(combined_[i][replica]++ == 0);
            return;
        case command_kind::reduce_and_update:
            expect(!across() && !plan_.settings.needs_norm && is_used(c.index) && all(kept_));
            expect(reduced_[i][replica]++ == 0 && updated_[i][replica]++ == 0);
            return;
        case command_kind::measure:
            for (std::size_t b = 0; b < plan_.buckets.size(); ++b) {
                expect(all(across() ? combined_[b] : reduced_[b]));
                if (across()) expect(has_ended(exchange_kind::gather, static_cast<int>(b)));
            }
            measured_[replica] = 1;
            return;
        case command_kind::update:
            expect(is_used(c.index) && (across() ? combined_ : reduced_)[i][replica] > 0);
            if (plan_.settings.needs_norm) expect(all(measured_));
            if (across() && (plan_.settings.needs_norm || !plan_.settings.sharded_optimizer))
                expect(has_ended(exchange_kind::gather, c.index));
            expect(updated_[i][replica]++ == 0);
            return;
        case command_kind::merge:
            expect(states_are_used() && merged_[replica]++ == 0);
            if (across()) expect(has_ended(exchange_kind::states) && has_ended(exchange_kind::results));
            return;
        }
    }

    // ---- passes ----

    template <class Visit>
    void for_shards(command const& c, int r, Visit const& visit) {
        for (int s = c.first_shard; s < c.last_shard; ++s) visit(at(r * shards_ + s));
    }
    void begin(std::size_t shard, int r) {
        expect(at_[shard] == -1);
        at_[shard] = 0;
        if (plan_.shards_advance_together()) return;
        // One memory for all shards of a replica.
        int running = 0;
        for (int s = r * shards_; s < (r + 1) * shards_; ++s) running += at_[at(s)] >= 0 && !has_passed(at(s));
        expect(running == 1);
    }
    bool has_passed(std::size_t shard) const {
        return at_[shard] == static_cast<int>(plan_.operations.size()) && kept_[shard] > 0;
    }
    void run(std::size_t shard, int index) {
        expect(at_[shard] == index);
        at_[shard] = index + 1;
        ls::operation const& op = plan_.operations[at(index)];
        expect(!(plan_.shards_advance_together() && op.facts.is_collective));
        touch(op.result, true);
        for (int k = 0; k < op.operand_count; ++k) touch(op.operands[at(k)], false);
        // Nobody goes on while others still add up what lies in this memory.
        for (int i = 0; i < index; ++i) {
            if (!plan_.operations[at(i)].facts.is_collective || !plan_.shards_advance_together()) continue;
            if (across()) expect(packed_[number_of(exchange_kind::collective, i)] > 0);
            else expect(all(summed_[at(i)]));
        }
    }
    /// A parameter is read before anybody has changed it, a gradient is written and read before anybody has added it.
    void touch(int index, bool writes) {
        ls::buffer const& b = plan_.buffers[at(index)];
        if (b.parameter < 0) return;
        std::int64_t const first = plan_.parameter_offsets[at(b.parameter)];
        for (std::size_t i = 0; i < plan_.buckets.size(); ++i)
            if (first >= plan_.buckets[i].begin && first < plan_.buckets[i].end)
                expect(!any(b.kind == ls::buffer_kind::gradient ? reduced_[i] : updated_[i]));
        if (first >= plan_.trained_elements && (writes || b.kind == ls::buffer_kind::parameter)) expect(!any(merged_));
    }
    void expect_operands(int operation) {
        for (int const next : at_) expect(next >= operation);
    }
    /// Whether all operations that use what `is_it` says have run, in all shards.
    template <class Is>
    bool have_run(Is const& is_it) const {
        for (std::size_t i = 0; i < plan_.operations.size(); ++i) {
            ls::operation const& op = plan_.operations[i];
            bool uses = is_it(plan_.buffers[at(op.result)]);
            for (int k = 0; k < op.operand_count; ++k) {
                ls::buffer const& b = plan_.buffers[at(op.operands[at(k)])];
                bool const observation = b.kind == ls::buffer_kind::gradient && !is_trained(b);
                uses = uses || (!observation && is_it(b));
            }
            if (uses && std::ranges::any_of(at_, [&](int next) { return next <= static_cast<int>(i); })) return false;
        }
        return true;
    }
    bool is_trained(ls::buffer const& b) const { return plan_.parameters[at(b.parameter)].declared.is_trained(); }
    bool is_used(int bucket) const {
        ls::bucket const& all_of_it = plan_.buckets[at(bucket)];
        return have_run([&](ls::buffer const& b) {
            if (b.parameter < 0) return false;
            std::int64_t const first = plan_.parameter_offsets[at(b.parameter)];
            return first >= all_of_it.begin && first < all_of_it.end;
        });
    }
    bool states_are_used() const {
        return have_run([&](ls::buffer const& b) { return b.parameter >= 0 && !is_trained(b); });
    }

    // ---- exchanges ----

    std::size_t number_of(exchange_kind kind, int index = -1) const {
        auto const found = std::ranges::find_if(plan_.steps.exchanges, [&](ls::exchange const& e) {
            return e.kind == kind && e.index == index;
        });
        return static_cast<std::size_t>(found - plan_.steps.exchanges.begin());
    }
    bool has_ended(exchange_kind kind, int index = -1) const { return ended_[number_of(kind, index)] > 0; }
    bool is_there(ls::exchange const& e) const {
        switch (e.kind) {
        case exchange_kind::header: return true;
        case exchange_kind::results: return all(kept_);
        case exchange_kind::states:
        case exchange_kind::collective: return packed_[number_of(e.kind, e.index)] > 0;
        case exchange_kind::scatter: return all(reduced_[at(e.index)]);
        case exchange_kind::gather: return all(combined_[at(e.index)]) && has_ended(exchange_kind::scatter, e.index);
        case exchange_kind::publish: return all(updated_[at(e.index)]);
        }
        return false;
    }

    bool has_ended() const {
        bool ended = true;
        for (std::size_t s = 0; s < streams_.size(); ++s) ended = ended && next_[s] == streams_[s].size();
        for (std::size_t e = 0; e < arrived_.size(); ++e) ended = ended && arrived_[e] == plan_.steps.events[e];
        for (std::size_t e = 0; e < started_.size(); ++e) ended = ended && started_[e] == 1 && ended_[e] == 1;
        for (std::size_t s = 0; s < at_.size(); ++s) ended = ended && has_passed(s);
        for (auto const& bucket : updated_) ended = ended && all(bucket);
        bool const observes =
            std::ranges::any_of(plan_.parameters, [](ls::program_parameter const& each) { return each.observed; });
        return ended && (!observes || all(merged_));
    }

    ls::plan const& plan_;
    streams const& streams_;
    int replicas_, shards_;
    std::vector<std::size_t> next_;
    std::vector<int> arrived_;
    /// For each shard the operation that comes next, and whether its results are kept.
    std::vector<int> at_, kept_;
    /// For each bucket and replica.
    std::vector<std::vector<int>> reduced_, combined_, updated_;
    std::vector<int> measured_, merged_;
    std::vector<int> started_, ended_, packed_;
    /// For each operation and replica.
    std::vector<std::vector<int>> summed_;
    bool right_ = true;
};

/// Whether a step ends before the last of its updates has, with one stream late.
bool pass_ends_too_early(ls::plan const& p, streams const& all) {
    for (std::size_t r = 0; r < all.size(); r += 2)
        if (all[r].empty() || all[r].back().kind != command_kind::wait) return true;
    // What is behind an update stream's last command that works is what the passes' last wait may be for.
    for (std::size_t s = 1; s < all.size(); s += 2) {
        streams cut = all;
        bool works = false;
        while (!works && !cut[s].empty()) {
            command const c = cut[s].back();
            works = c.kind != command_kind::arrive && c.kind != command_kind::wait && (!c.leader_only || s == 1);
            cut[s].pop_back();
        }
        if (!works) continue;
        // Without that command and what follows it nobody's pass comes to its end.
        std::vector<int> arrived(p.steps.events.size(), 0);
        std::vector<std::size_t> next(cut.size(), 0);
        for (bool advanced = true; advanced;) {
            advanced = false;
            for (std::size_t t = 0; t < cut.size(); ++t)
                for (; next[t] < cut[t].size(); ++next[t]) {
                    command const& c = cut[t][next[t]];
                    std::size_t const event = static_cast<std::size_t>(c.index);
                    bool const is_own = !c.leader_only || t < 2;
                    if (is_own && c.kind == command_kind::wait && arrived[event] < p.steps.events[event]) break;
                    if (is_own && c.kind == command_kind::arrive) ++arrived[event];
                    advanced = true;
                }
        }
        for (std::size_t r = 0; r < cut.size(); r += 2)
            if (next[r] == cut[r].size()) return true;
    }
    return false;
}

bool is_right(ls::plan const& p, streams const& all) {
    for (std::size_t late = 0; late < all.size(); ++late)
        for (bool const threads : {false, true})
            if (!carried_out(p, all, late, threads).is_right()) return false;
    return !pass_ends_too_early(p, all);
}
bool is_proved(ls::plan const& p, streams const& all) {
    std::vector<ls::step_schedule_view> schedules;
    for (std::size_t s = 0; s < all.size(); s += 2)
        schedules.push_back({all[s], all[s + 1], p.steps.events, p.steps.exchanges});
    return !ls::find_schedule_fault(p, schedules);
}

struct tally {
    int sound = 0, broken = 0;
};

/// All schedules that differ from a plan's in one command, of all replicas or of the last one alone.
tally compare(ls::plan const& p) {
    std::size_t const replicas = static_cast<std::size_t>(p.settings.replicas);
    streams original;
    for (std::size_t r = 0; r < replicas; ++r) {
        original.emplace_back(p.steps.compute.begin(), p.steps.compute.end());
        original.emplace_back(p.steps.update.begin(), p.steps.update.end());
    }
    CHECK(is_right(p, original));
    CHECK(is_proved(p, original));
    tally found;
    auto const check = [&](std::size_t stream, std::size_t at, std::string const& how, auto const& change) {
        for (bool const of_all : {true, false}) {
            streams changed = original;
            for (std::size_t r = of_all ? 0 : replicas - 1; r < replicas; ++r) change(changed[2 * r + stream]);
            bool const right = is_right(p, changed);
            ++(right ? found.sound : found.broken);
            CAPTURE(how);
            CAPTURE(of_all);
            CAPTURE(at);
            CAPTURE(ls::detail::describe(p, original[stream][at]));
            CHECK(is_proved(p, changed) == right);
        }
    };
    for (std::size_t stream : {0u, 1u})
        for (std::size_t at = 0; at < original[stream].size(); ++at) {
            auto const place = static_cast<std::ptrdiff_t>(at);
            check(stream, at, "left out", [&](auto& commands) { commands.erase(commands.begin() + place); });
            check(stream, at, "twice", [&](auto& commands) {
                command const again = commands[at];
                commands.insert(commands.begin() + place, again);
            });
            for (std::size_t to = at + 1; to < std::min(at + 4, original[stream].size()); ++to)
                check(stream, at, "exchanged", [&](auto& commands) { std::swap(commands[at], commands[to]); });
        }
    return found;
}

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

constexpr ls::plan_settings two{.replicas = 2, .shards = 4, .batch = 16, .buckets = ls::bucket_bytes<256>};
constexpr ls::plan_settings three_normed{
    .replicas = 3, .shards = 3, .batch = 16, .buckets = ls::bucket_bytes<256>, .needs_norm = true};
constexpr ls::plan_settings apart{
    .replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<256>, .across_processes = true};
constexpr ls::plan_settings owners{.replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<256>,
                                   .across_processes = true, .sharded_optimizer = true};
constexpr ls::plan_settings normed_owners{.replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<256>,
                                          .needs_norm = true, .across_processes = true, .sharded_optimizer = true};

template <class Model, ls::plan_settings Settings>
void check_all() {
    tally const found = compare(plan_with<Model, Settings>);
    MESSAGE(found.broken << " broken schedules, " << found.sound << " sound ones");
    CHECK(found.broken > 100);
    CHECK(found.sound > 10);
}

} // namespace

TEST_CASE("schedules of one process are proved sound where they are") {
    check_all<net<>, two>();
    check_all<net<>, three_normed>();
    check_all<net<ls::synchronized>, two>();
}

TEST_CASE("schedules of several processes are proved sound where they are") {
    check_all<net<>, apart>();
    check_all<net<>, owners>();
    check_all<net<ls::synchronized>, normed_owners>();
}
