// SPDX-License-Identifier: MIT
// A parameter that a layer declares is read by its expression, else it would never be trained.
// error: parameter_is_not_reached_by_the_loss<.*>::check<
// error: Layer ?= ?shift|reached_by_the_loss<shift
// error: lockstep::bias
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/program/build.hpp>

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

using model = ls::sequential<ls::shape<4>, ls::linear<3>, shift>;
inline ls::program derive() { return ls::training_program<model, ls::cross_entropy, no_device>(); }
