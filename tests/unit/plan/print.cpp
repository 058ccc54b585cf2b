// SPDX-License-Identifier: MIT
// A plan as text, JSON and a picture: complete, well formed, and of what it was made from.
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/sequential.hpp>
#include <lockstep/plan/json.hpp>
#include <lockstep/plan/print.hpp>
#include <lockstep/plan/svg.hpp>
#include <lockstep/program/build.hpp>
#include <lockstep/program/planning_only.hpp>

#include <doctest/doctest.h>

#include <cctype>
#include <string>
#include <string_view>

namespace {

namespace ls = lockstep;

using net = ls::sequential<ls::shape<6>, ls::linear<24>, ls::batch_norm<>, ls::tanh, ls::linear<4>>;
struct training {
    static constexpr ls::program build() { return ls::training_program<net, ls::cross_entropy, ls::planning_only<float>>(); }
};
template <ls::plan_settings Settings>
constexpr ls::plan const& plan_with = ls::static_plan<training, Settings>::value;
constexpr ls::plan_settings one_process{.replicas = 2, .shards = 4, .batch = 16, .buckets = ls::bucket_bytes<256>};
constexpr ls::plan_settings processes{.replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<256>,
                                      .across_processes = true, .sharded_optimizer = true};

int count(std::string_view text, std::string_view what) {
    int found = 0;
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
    return found;
}

/// Reads a JSON value (RFC 8259) and forgets it. Counts objects.
class json_reader {
public:
    explicit json_reader(std::string_view text) : rest_(text) {}
    bool is_valid() {
        bool const read = value();
        space();
        return read && rest_.empty();
    }
    int objects = 0;

private:
    void space() {
        while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_[0]))) rest_.remove_prefix(1);
    }
    bool take(char c) {
        space();
        if (rest_.empty() || rest_[0] != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool word(std::string_view expected) {
        if (!rest_.starts_with(expected)) return false;
        rest_.remove_prefix(expected.size());
        return true;
    }
    bool string() {
        if (!take('"')) return false;
        for (bool escaped = false; !rest_.empty(); rest_.remove_prefix(1)) {
            char const c = rest_[0];
            if (static_cast<unsigned char>(c) < 0x20) return false;
            if (c == '"' && !escaped) return take('"');
            escaped = c == '\\' && !escaped;
        }
        return false;
    }
    bool number() {
        std::size_t end = 0;
        while (end < rest_.size() && (std::isdigit(static_cast<unsigned char>(rest_[end])) || std::string_view("+-.eE").find(rest_[end]) != std::string_view::npos)) ++end;
        rest_.remove_prefix(end);
        return end > 0;
    }
    bool value() {
        space();
        if (take('{')) {
            ++objects;
            if (take('}')) return true;
            do
                if (space(), !string() || !take(':') || !value()) return false;
            while (take(','));
            return take('}');
        }
        if (take('[')) {
            if (take(']')) return true;
            do
                if (!value()) return false;
            while (take(','));
            return take(']');
        }
        return rest_.starts_with('"') ? string() : word("true") || word("false") || number();
    }

    std::string_view rest_;
};

} // namespace

TEST_CASE("a plan's JSON is valid and complete") {
    for (ls::plan const& p : {plan_with<one_process>, plan_with<processes>}) {
        std::string const json = ls::to_json(p);
        json_reader reader(json);
        CHECK(reader.is_valid());
        CHECK(reader.objects == static_cast<int>(3 + p.buffers.size() + p.operations.size() + p.parameters.size() + p.buckets.size() +
                                                 p.steps.exchanges.size() + p.steps.compute.size() + p.steps.update.size()));
        CHECK(json.find("\"hash\": \"" + std::to_string(ls::hash_of(p)) + "\"") != json.npos);
        CHECK(json.find("\"peak_bytes\": " + std::to_string(p.peak_bytes(0))) != json.npos);
        CHECK(json == ls::to_json(p));
    }
    CHECK_FALSE(json_reader("{\"a\": [1, 2,]}").is_valid());
    CHECK(ls::detail::in_json("a \"name\" \\ of\nlines") == "\"a \\\"name\\\" \\\\ of lines\"");
}

TEST_CASE("the hash of a plan tells plans apart that compute something else") {
    CHECK(ls::hash_of(plan_with<one_process>) != ls::hash_of(plan_with<processes>));
    constexpr ls::plan_settings larger{.replicas = 2, .shards = 4, .batch = 32, .buckets = ls::bucket_bytes<256>};
    CHECK(ls::hash_of(plan_with<one_process>) != ls::hash_of(plan_with<larger>));
}

TEST_CASE("a plan's text names every bucket, event and exchange") {
    std::string const text = ls::to_text(plan_with<processes>);
    for (ls::exchange const& e : plan_with<processes>.steps.exchanges) CHECK(text.find("start the " + ls::detail::describe(e)) != text.npos);
    for (std::size_t e = 0; e < plan_with<processes>.steps.events.size(); ++e)
        CHECK(text.find("event " + std::to_string(e)) != text.npos);
    CHECK(text.find("processes: each of 2 sends") != text.npos);
    std::string const local = ls::to_text(plan_with<one_process>);
    CHECK(local.find("((0 + 1) + (2 + 3))") != local.npos);
    CHECK(local.find("processes:") == local.npos);
    for (std::size_t b = 0; b < plan_with<one_process>.buckets.size(); ++b)
        CHECK(count(local, "reduce and update bucket " + std::to_string(b)) == 1);
    // Lines stay readable.
    for (std::size_t begin = 0; begin < local.size();) {
        std::size_t const end = local.find('\n', begin);
        CHECK(end - begin <= 120);
        begin = end + 1;
    }
}

TEST_CASE("a plan's picture has a box for every operation of every shard, and updates behind what they wait for") {
    ls::plan const& p = plan_with<one_process>;
    std::string const svg = ls::to_svg(p);
    CHECK(svg.starts_with("<svg "));
    CHECK(svg.ends_with("</svg>\n"));
    CHECK(count(svg, "<title>operation ") == static_cast<int>(p.operations.size()) * p.settings.shards);
    CHECK(count(svg, "<title>reduce and update bucket ") == static_cast<int>(p.buckets.size()) * p.settings.replicas);
    CHECK(count(svg, "<rect") == count(svg, "/>\n") + count(svg, "</title></rect>") - count(svg, "<path") - count(svg, "<circle"));

    ls::detail::expected_times const times(p, ls::cpu_host.device);
    for (int r = 0; r < 2; ++r) {
        double before = 0.0;
        for (auto const& c : times.streams()[static_cast<std::size_t>(2 * r)]) {
            CHECK(c.begin >= before);
            CHECK(c.end >= c.begin);
            before = c.end;
        }
    }
    // No bucket is updated before the operation that completes it has ended everywhere.
    for (int r = 0; r < 2; ++r)
        for (auto const& c : times.streams()[static_cast<std::size_t>(2 * r + 1)]) {
            if (c.what.kind != ls::command_kind::reduce_and_update) continue;
            for (int q = 0; q < 2; ++q)
                for (auto const& run : times.streams()[static_cast<std::size_t>(2 * q)])
                    if (run.operation >= 0 && run.operation <= p.buckets[c.what.index].complete_after()) CHECK(run.end <= c.begin);
        }
}
