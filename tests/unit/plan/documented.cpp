// SPDX-License-Identifier: MIT
// The plan that docs/architecture.md shows is the one that is made.
#include <lockstep/device/host/backend.hpp>
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/plan/print.hpp>
#include <lockstep/plan/svg.hpp>
#include <lockstep/program/build.hpp>
#include <lockstep/program/planning_only.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace {

namespace ls = lockstep;

using net = ls::sequential<ls::shape<1, 28, 28>, ls::conv2d<8, 3, ls::padding<1>, ls::no_bias>, ls::batch_norm<>,
                           ls::relu, ls::max_pool2d<2>, ls::flatten, ls::linear<10>>;

using lenet = ls::sequential<ls::shape<1, 28, 28>, ls::conv2d<32, 5, ls::padding<2>>, ls::relu, ls::max_pool2d<2>,
                             ls::conv2d<64, 5, ls::padding<2>>, ls::relu, ls::max_pool2d<2>, ls::flatten,
                             ls::linear<512>, ls::relu, ls::linear<10>>;

struct training {
    static constexpr ls::program build() {
        return ls::training_program<net, ls::cross_entropy, ls::host::backend<float, ls::host::portable>>();
    }
};
struct training_of_lenet {
    static constexpr ls::program build() {
        return ls::training_program<lenet, ls::cross_entropy, ls::planning_only<float>>();
    }
};

std::string content_of(std::string const& page) {
    std::ifstream file(std::string(LOCKSTEP_SOURCE_DIR) + "/docs/" + page);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

} // namespace

TEST_CASE("the documented plan is the plan") {
    std::string const text = content_of("architecture.md");
    std::string const start = "```plan\n";
    std::size_t const begin = text.find(start);
    REQUIRE(begin != std::string::npos);
    std::size_t const first = begin + start.size();
    std::string const documented = text.substr(first, text.find("```", first) - first);
    CHECK(documented == ls::to_text(ls::static_plan<training, ls::plan_settings{2, 2, 64, sizeof(float)}>::value));
}

TEST_CASE("the documented picture is the plan's") {
    constexpr ls::plan_settings settings{
        .replicas = 2, .shards = 4, .batch = 64, .buckets = ls::bucket_bytes<(1 << 20)>};
    CHECK(content_of("images/plan.svg") == ls::to_svg(ls::static_plan<training_of_lenet, settings>::value));
}
