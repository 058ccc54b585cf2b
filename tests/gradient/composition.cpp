// SPDX-License-Identifier: MIT
// Layers that are made of layers: what is read in several places has the sum of its gradients.
#include "check.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/composition.hpp>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

struct encoder {
    static constexpr char const* name = "encoder";
};

/// Its input has no influence on the loss that a gradient could tell.
struct signs {
    constexpr auto operator()(auto x) const { return less(x, ls::literal<0.0>{}); }
};

using narrow = ls::chain<ls::linear<3>, ls::tanh>;

using named_net = sequential<shape<5>, ls::repeat<2, ls::linear<4>, ls::tanh>, ls::named<encoder, ls::linear<4>>,
                             ls::chain<ls::named<encoder, narrow, ls::repeat<2, ls::linear<3>>>>,
                             ls::branch<ls::linear<1>, ls::chain<ls::linear<2>>>, ls::residual<ls::linear<3>>>;

struct model_case {
    char const* name;
    void (*run)();
};

constexpr model_case cases[] = {
    {"chain", check_model<sequential<shape<5>, ls::chain<ls::linear<4>, ls::tanh>, ls::linear<3>>>},
    {"empty chains", check_model<sequential<shape<5>, ls::chain<>, ls::linear<3>, ls::chain<ls::chain<>>>>},
    {"sum of three branches", check_model<sequential<shape<5>, ls::linear<4>,
                                  ls::branch_sum<ls::chain<>, ls::linear<4>, ls::chain<narrow, ls::linear<4>>>, ls::tanh, ls::linear<3>>>},
    {"sum that ends with its input",
     check_model<sequential<shape<5>, ls::linear<4>, ls::branch_sum<ls::linear<4>, ls::chain<>>, ls::linear<3>>>},
    {"sum of the input with itself", check_model<sequential<shape<5>, ls::branch_sum<ls::chain<>, ls::chain<>>, ls::linear<3>>>},
    {"projection of an image",
     check_model<sequential<shape<2, 4, 5>,
                            ls::branch_sum<ls::conv2d<3, 1, ls::stride<2>>,
                                           ls::chain<ls::conv2d<3, 3, ls::stride<2>, ls::padding<1>>, ls::tanh>>>>},
    {"branches of features", check_model<sequential<shape<5>, ls::branch<ls::linear<4>, ls::chain<>, narrow>, ls::tanh, ls::linear<3>>>},
    {"branches of positions", check_model<sequential<shape<2, 5>, ls::branch<ls::linear<4>, ls::tanh>, ls::linear<3>>>},
    {"branches of channels", check_model<sequential<shape<2, 3, 4>, ls::branch<ls::conv2d<3, 1>, ls::chain<>, ls::conv2d<1, 3, ls::padding<1>>>,
                                                    ls::tanh, ls::flatten, ls::linear<3>>>},
    {"branches with a flatten", check_model<sequential<shape<2, 3, 2>, ls::conv2d<3, 1>, ls::branch<ls::flatten, ls::chain<ls::flatten, ls::tanh>>,
                                                       ls::linear<2>>>},
    {"repeat", check_model<sequential<shape<5>, ls::repeat<3, ls::linear<5>, ls::tanh>, ls::linear<3>>>},
    {"repeat with a change of shape", check_model<sequential<shape<5>, ls::repeat<3, ls::linear<4>, ls::tanh>>>},
    {"repeated residual blocks", check_model<sequential<shape<5>, ls::repeat<2, ls::residual<ls::linear<5>, ls::tanh>>, ls::linear<3>>>},
    {"names", check_model<named_net>},
    {"frozen layers", check_model<sequential<shape<5>, ls::linear<4>, ls::frozen<ls::linear<6>, ls::tanh>, ls::linear<3>>>},
    {"a frozen branch", check_model<sequential<shape<5>, ls::branch_sum<ls::frozen<ls::linear<4>, ls::tanh>, ls::linear<4>>, ls::tanh,
                                               ls::linear<3>>>},
    {"an input without influence", check_model<sequential<shape<5>, signs, ls::linear<3>>>},
};

} // namespace

TEST_CASE("gradients of composed layers are those that differences show") {
    for (model_case const& each : cases)
        SUBCASE(each.name) { each.run(); }
}

TEST_CASE("a parameter's name is the way to it") {
    ls::plan const& plan = pass_plan<named_net, inner_product, double, ls::host::portable, 3>;
    std::vector<std::string> found;
    for (ls::program_parameter const& each : plan.parameters)
        if (std::string_view(each.declared.name) == "weight") found.push_back(ls::name_of(each));
    CHECK(found == std::vector<std::string>{"0.0.0.weight", "0.1.0.weight", "encoder.weight", "2.encoder.0.0.weight",
                                            "2.encoder.1.0.weight", "2.encoder.1.1.weight", "3.0.weight", "3.1.0.weight",
                                            "4.0.weight"});
}
