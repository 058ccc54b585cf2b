// SPDX-License-Identifier: MIT
// A parameter that a layer declares is read by its expression, else it would never be trained.
// error: not_reached_by<.*>::parameter_at<.*>::of_layer<
// error: parameter_at<1>|Place=<1>
// error: identity_of<shift>
// error: identity_of<lockstep::bias>
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/sequential.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/program/build.hpp>
#include <lockstep/program/reach.hpp>

namespace ls = lockstep;

/// y = x + b.
struct shift {
    template <class In>
    using parameters = ls::parameters<ls::parameter<ls::bias, In, ls::initializer::fan_in_uniform<1>>>;

    constexpr auto operator()(auto x, [[maybe_unused]] auto context) const {
#ifdef EXPECT_COMPILE_ERROR
        return x + x;
#else
        return x + context[ls::bias{}];
#endif
    }
};

/// Kernels that only have an address.
struct no_device {
    template <class Expression>
    static constexpr char code = 0;
    template <class Expression>
    static constexpr void const* kernel() {
        return &code<Expression>;
    }
};

struct training {
    static constexpr ls::program build() {
        return ls::training_program<ls::sequential<ls::shape<4>, ls::linear<3>, shift>, ls::cross_entropy, no_device>();
    }
};
static_assert(ls::reaches_all_parameters<ls::cross_entropy, ls::static_plan<training, ls::plan_settings{}>>());
