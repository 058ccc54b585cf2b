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

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace ls = lockstep;

using net = ls::sequential<ls::shape<6>, ls::linear<24>, ls::batch_norm<>, ls::tanh, ls::linear<4>>;
struct training {
    static constexpr ls::program build() {
        return ls::training_program<net, ls::cross_entropy, ls::planning_only<float>>();
    }
};
struct inference {
    static constexpr ls::program build() { return ls::inference_program<net, ls::planning_only<float>>(); }
};
template <ls::plan_settings Settings>
constexpr ls::plan const& plan_with = ls::static_plan<training, Settings>::value;
constexpr ls::plan_settings one_process{.replicas = 2, .shards = 4, .batch = 16, .buckets = ls::bucket_bytes<256>};
constexpr ls::plan_settings processes{.replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<256>,
                                      .across_processes = true, .sharded_optimizer = true};

constexpr ls::plan_settings normed{
    .replicas = 2, .shards = 4, .batch = 16, .buckets = ls::bucket_bytes<256>, .needs_norm = true};
constexpr ls::plan_settings whole_optimizers{
    .replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<256>, .across_processes = true};
constexpr ls::plan_settings normed_processes{.replicas = 2, .shards = 2, .batch = 16, .buckets = ls::bucket_bytes<256>,
                                             .needs_norm = true, .across_processes = true, .sharded_optimizer = true};
constexpr ls::plan_settings alone{.batch = 16};

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
        static std::regex const grammar("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?");
        std::cmatch found;
        auto const how = std::regex_constants::match_continuous;
        if (!std::regex_search(rest_.data(), rest_.data() + rest_.size(), found, grammar, how)) return false;
        rest_.remove_prefix(static_cast<std::size_t>(found.length()));
        return true;
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

/// Whether every element of an XML text ends, and in the right order, and no ampersand stands for itself.
bool is_well_formed(std::string_view text) {
    std::vector<std::string> open;
    while (!text.empty()) {
        std::size_t const tag = text.find('<');
        std::string_view const content = text.substr(0, tag);
        for (std::size_t at = content.find('&'); at != content.npos; at = content.find('&', at + 1))
            if (content.find(';', at) == content.npos) return false;
        if (tag == text.npos) break;
        std::size_t const end = text.find('>', tag);
        if (end == text.npos) return false;
        std::string_view const inside = text.substr(tag + 1, end - tag - 1);
        text.remove_prefix(end + 1);
        if (inside.starts_with('/')) {
            if (open.empty() || open.back() != inside.substr(1)) return false;
            open.pop_back();
        } else if (!inside.ends_with('/')) {
            open.emplace_back(inside.substr(0, inside.find_first_of(" \n")));
        }
        if (std::ranges::count(inside, '"') % 2 != 0) return false;
    }
    return open.empty();
}

/// A text in a picture, and about how far it reaches.
struct drawn_text {
    std::string content;
    double left = 0, right = 0, y = 0;
};
std::vector<drawn_text> texts_of(std::string const& svg) {
    static std::regex const text("<text x=\"([0-9.]+)\" y=\"([0-9.]+)\" ([^>]*)>([^<]*)</text>");
    std::vector<drawn_text> result;
    for (std::sregex_iterator it(svg.begin(), svg.end(), text), end; it != end; ++it) {
        std::string const attributes = (*it)[3];
        std::smatch sized;
        static std::regex const font("font-size=\"([0-9]+)\"");
        double const size = std::regex_search(attributes, sized, font) ? std::atof(sized[1].str().c_str()) : 12;
        drawn_text drawn{(*it)[4], std::atof((*it)[1].str().c_str()), 0, std::atof((*it)[2].str().c_str())};
        double const width = 0.55 * size * static_cast<double>(drawn.content.size());
        if (attributes.find("middle") != attributes.npos) drawn.left -= width / 2;
        if (attributes.find("\"end\"") != attributes.npos) drawn.left -= width;
        drawn.right = drawn.left + width;
        result.push_back(drawn);
    }
    return result;
}

} // namespace

TEST_CASE("a plan's JSON is valid and complete") {
    for (ls::plan const& p : {plan_with<one_process>, plan_with<processes>}) {
        std::string const json = ls::to_json(p);
        json_reader reader(json);
        CHECK(reader.is_valid());
        // All of it, settings, memory, totals and results.
        CHECK(reader.objects == static_cast<int>(5 + p.buffers.size() + p.operations.size() + p.parameters.size() +
                                                 p.buckets.size() + p.steps.exchanges.size() + p.steps.compute.size() +
                                                 p.steps.update.size()));
        CHECK(json.find("\"hash\": \"" + std::to_string(ls::hash_of(p)) + "\"") != json.npos);
        CHECK(json.find("\"peak_bytes\": " + std::to_string(p.peak_bytes(0))) != json.npos);
        CHECK(json.find("\"loss\": " + std::to_string(p.loss)) != json.npos);
        CHECK(count(json, "\"merged_by\": \"average\"") == 2);
        CHECK(count(json, "\"storage\"") ==
              std::ranges::count(p.buffers, ls::buffer_kind::value, [](ls::buffer const& b) { return b.kind; }));
        CHECK(json == ls::to_json(p));
    }
    // Of an evaluation: no buckets, no schedule.
    ls::plan const& inferred = ls::static_plan<inference, ls::plan_settings{}>::value;
    CHECK(json_reader(ls::to_json(inferred)).is_valid());
    for (char const* text : {"{\"a\": [1, 2,]}", "{\"a\": 1,5}", "[01]", "[1 2]", "[\"\n\"]", "[nan]", "[1"})
        CHECK_FALSE(json_reader(text).is_valid());
    CHECK(ls::detail::in_json("a \"name\" \\ of\nlines\x01") == "\"a \\\"name\\\" \\\\ of\\nlines\\u0001\"");
}

TEST_CASE("the hash of a plan tells plans apart that compute something else") {
    CHECK(ls::hash_of(plan_with<one_process>) != ls::hash_of(plan_with<processes>));
    constexpr ls::plan_settings larger{.replicas = 2, .shards = 4, .batch = 32, .buckets = ls::bucket_bytes<256>};
    CHECK(ls::hash_of(plan_with<one_process>) != ls::hash_of(plan_with<larger>));
}

TEST_CASE("the parts of a device's memory are all that it holds") {
    ls::plan const& p = plan_with<one_process>;
    ls::device_memory const m = p.memory();
    CHECK(m.arenas == p.arena_bytes); // two shards one after the other
    CHECK(m.gradients == 2 * p.parameter_bytes());
    CHECK(m.parameters == p.parameter_bytes() / 2);
    CHECK(m.optimizer == p.trained_bytes() / 2);
    CHECK(m.received == 0);
    CHECK(p.peak_bytes(0) == m.arenas + m.gradients + m.parameters + m.optimizer);
    CHECK(plan_with<processes>.memory(4).optimizer == plan_with<processes>.memory(2).optimizer / 2);
    CHECK(plan_with<processes>.memory().received > 0);
}

TEST_CASE("what processes send each other is what the schedule says") {
    std::int64_t const bytes = plan_with<processes>.trained_bytes();
    CHECK(plan_with<one_process>.communicated_bytes(2) == 0);
    // Sums and new values; for the norm, means as well.
    CHECK(plan_with<processes>.communicated_bytes(2) == 2 * bytes / 2);
    CHECK(plan_with<processes>.communicated_bytes(4) == 2 * bytes * 3 / 4);
    CHECK(plan_with<normed_processes>.communicated_bytes(2) == 3 * bytes / 2);
}

TEST_CASE("a plan's text names every bucket, event and exchange") {
    ls::plan const& many = plan_with<processes>;
    std::string const text = ls::to_text(many);
    for (ls::exchange const& e : many.steps.exchanges)
        CHECK(text.find("start the " + ls::detail::describe(e)) != text.npos);
    for (std::size_t e = 0; e < many.steps.events.size(); ++e)
        CHECK(text.find("event " + std::to_string(e)) != text.npos);
    CHECK(text.find("between processes: each of 2 sends") != text.npos);
    CHECK(text.find("the shards of a process are added (0 + 1)\n") != text.npos);
    std::string const local = ls::to_text(plan_with<one_process>);
    CHECK(local.find("their shards are added ((0 + 1) + (2 + 3))\n") != local.npos);
    CHECK(local.find("processes") == local.npos);
    for (std::size_t b = 0; b < plan_with<one_process>.buckets.size(); ++b)
        CHECK(count(local, "reduce and update bucket " + std::to_string(b)) == 1);
    // Who arrives and waits at once meets the others.
    CHECK(count(local, "meet at event") == 0);
    CHECK(count(ls::to_text(plan_with<normed>), "meet at event") == 2);
}

TEST_CASE("a plan's text says when buckets are updated, in lines that stay readable") {
    auto const says = [](ls::plan const& p, std::string_view what) {
        std::string const text = ls::to_text(p);
        for (std::size_t begin = 0; begin < text.size();) {
            std::size_t const end = text.find('\n', begin);
            CHECK(end - begin <= 120);
            begin = end + 1;
        }
        return text.find(what) != text.npos;
    };
    CHECK(says(plan_with<one_process>, "A bucket is reduced and updated when all replicas have passed the operation"));
    CHECK(says(plan_with<normed>, "and updated when the norm of all gradients is known"));
    CHECK(says(plan_with<processes>, "updates its slice and sends the new values to all (publish)"));
    CHECK(says(plan_with<normed_processes>, "for the norm; then each owner updates its slice"));
    CHECK(says(plan_with<whole_optimizers>, "The means go to all (gather), who update;"));
    CHECK_FALSE(says(plan_with<whole_optimizers>, "publish"));
    ls::plan const& inferred = ls::static_plan<inference, ls::plan_settings{}>::value;
    CHECK_FALSE(says(inferred, "schedule"));
}

TEST_CASE("a plan's picture has a box for whatever takes time, and its name") {
    for (ls::plan const& p : {plan_with<one_process>, plan_with<processes>, plan_with<normed>}) {
        std::string const svg = ls::to_svg(p);
        ls::expected_step const step = ls::expect_step(p);
        CHECK(svg.starts_with("<svg "));
        CHECK(is_well_formed(svg));
        int operations = 0, updates = 0, exchanges = 0;
        for (ls::expected_interval const& i : step.intervals) {
            operations += i.kind == ls::expected_interval::operation;
            updates += i.kind == ls::expected_interval::work && i.in_update_stream;
            exchanges += i.kind == ls::expected_interval::exchange;
        }
        CHECK(count(svg, "<title>operation ") == operations);
        CHECK(count(svg, "fill=\"#374151\" ") + count(svg, "fill=\"#374151\">") >= updates);
        CHECK(exchanges == static_cast<int>(p.steps.exchanges.size()));
        int const scattered = p.settings.across_processes ? static_cast<int>(p.buckets.size()) : 0;
        CHECK(count(svg, "<title>scatter of bucket ") == scattered);
        CHECK(count(svg, ">exchanges</text>") == p.settings.across_processes);
        for (int r = 0; r < p.settings.replicas; ++r)
            CHECK(count(svg, ">replica " + std::to_string(r) + ": passes</text>") == 1);
    }
    CHECK_FALSE(is_well_formed("<svg><g></svg></g>"));
    CHECK_FALSE(is_well_formed("<svg>a & b</svg>"));
}

TEST_CASE("no two texts of a plan's picture lie over each other") {
    for (ls::plan const& p : {plan_with<one_process>, plan_with<processes>, plan_with<normed>, plan_with<alone>}) {
        std::vector<drawn_text> const texts = texts_of(ls::to_svg(p));
        CHECK(texts.size() > 10);
        for (std::size_t a = 0; a < texts.size(); ++a)
            for (std::size_t b = 0; b < a; ++b) {
                bool const apart = texts[a].right <= texts[b].left || texts[b].right <= texts[a].left ||
                                   std::abs(texts[a].y - texts[b].y) >= 10;
                CAPTURE(texts[a].content);
                CAPTURE(texts[b].content);
                CHECK(apart);
            }
        // And all of them in the picture.
        for (drawn_text const& each : texts) CHECK((each.left >= 0 && each.right <= 1200));
    }
}
