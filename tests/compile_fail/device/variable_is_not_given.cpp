// SPDX-License-Identifier: MIT
// An evaluation is given the values of every variable that it reads.
// error: variable_is_not_given<.*>::among<
// error: leaf<w_tag, (lockstep::)?shape<3>
// error: reads a variable without values
// errors: 1
#include <lockstep/device/host/evaluate.hpp>
#include <lockstep/expression/elementwise.hpp>

#include <vector>

namespace ls = lockstep;

struct w_tag {};
constexpr ls::variable<w_tag, ls::shape<3>> w;
constexpr ls::samples<struct x_tag, ls::shape<3>> x;

inline auto evaluate_product(std::vector<float> const& x_values, [[maybe_unused]] std::vector<float> const& w_values) {
#ifdef EXPECT_COMPILE_ERROR
    return ls::evaluate<float>(x * w, ls::given(x, x_values));
#else
    return ls::evaluate<float>(x * w, ls::given(x, x_values), ls::given(w, w_values));
#endif
}
