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
#include <lockstep/program/build.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace {

namespace ls = lockstep;

using net = ls::sequential<ls::shape<1, 28, 28>, ls::conv2d<8, 3, ls::padding<1>, ls::no_bias>, ls::batch_norm<>, ls::relu,
                           ls::max_pool2d<2>, ls::flatten, ls::linear<10>>;

struct training {
    static constexpr ls::program build() {
        return ls::training_program<net, ls::cross_entropy, ls::host::backend<float, ls::host::portable>>();
    }
};

} // namespace

TEST_CASE("the documented plan is the plan") {
    std::ifstream file(std::string(LOCKSTEP_SOURCE_DIR) + "/docs/architecture.md");
    std::stringstream text;
    text << file.rdbuf();
    std::string const start = "```plan\n";
    std::size_t const begin = text.str().find(start);
    REQUIRE(begin != std::string::npos);
    std::string const documented = text.str().substr(begin + start.size(), text.str().find("```", begin + 3) - begin - start.size());
    CHECK(documented == ls::to_text(ls::static_plan<training, ls::plan_settings{2, 2, 64, sizeof(float)}>::value));
}
