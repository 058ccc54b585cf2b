// SPDX-License-Identifier: MIT
// The primitives that layers are made of, alone: derived gradients against differences in double, with extents of 1,
// primes, and orders in memory that differ from PyTorch's.
#include "check.hpp"

#include <lockstep/expression/attention.hpp>
#include <lockstep/expression/matmul.hpp>
#include <lockstep/expression/movement.hpp>
#include <lockstep/expression/normalize.hpp>
#include <lockstep/expression/rows.hpp>
#include <lockstep/layer/linear.hpp>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

template <class Shape>
inline constexpr int first_extent = Shape::extents[0];

struct normalized_rows {
    template <ls::expression X>
    constexpr auto operator()(X x) const {
        return ls::normalize_groups<first_extent<typename X::result_shape>>(x);
    }
};
template <int Groups, ls::normalization How = ls::normalization::mean_and_variance>
struct normalized_parts {
    constexpr auto operator()(auto x) const { return ls::normalize_groups<Groups, 1e-5, How>(x); }
};
template <int Heads, ls::attention_mask Mask>
struct attended {
    constexpr auto operator()(auto x) const { return ls::attention<Heads, Mask>(x); }
};
/// Queries, keys and values that are one value.
struct self_attended {
    constexpr auto operator()(auto x) const { return ls::scaled_dot_product_attention(x, x * x, x); }
};
struct softmax_of_rows {
    template <ls::expression X>
    constexpr auto operator()(X) const {
        return ls::compute<ls::primitive::softmax, X>{};
    }
};
struct logsumexp_of_rows {
    constexpr auto operator()(auto x) const { return x * logsumexp(x); }
};
struct logsumexp_over_axes {
    constexpr auto operator()(auto x) const { return x * ls::logsumexp<0>(x) + ls::logsumexp<1, -1>(x * x); }
};
/// x x^T.
struct gram_matrix {
    constexpr auto operator()(auto x) const { return matmul(x, ls::transpose<1, 0>(x)); }
};
struct gram_matrices {
    constexpr auto operator()(auto x) const { return matmul(x, ls::transpose<0, 2, 1>(x)); }
};
/// x^T, rows apart.
struct transposed_axes {
    constexpr auto operator()(auto x) const { return ls::transpose<2, 0, 1>(x * x); }
};
template <class Shape>
struct reshaped {
    constexpr auto operator()(auto x) const { return ls::reshape<Shape>(x * x); }
};
template <int Axis>
struct joined_with_a_part {
    constexpr auto operator()(auto x) const { return ls::concat<Axis>(x, ls::slice<Axis, 0, 2>(x), x * x); }
};
/// Reductions over the first, some, all and the last axes, and an operand of lower rank.
struct reduced {
    constexpr auto operator()(auto x) const {
        return x - ls::max<0>(x) + ls::mean<1, 2>(x) * ls::sum(x) + ls::sum<-1>(x) * ls::max(x);
    }
};
struct divided_by_sum {
    constexpr auto operator()(auto x) const { return x / ls::sum<-1>(x * x + ls::literal<1.0>{}); }
};
/// A mean over the batch: every sample's gradient depends on all others.
struct centered_over_batch {
    template <ls::expression X>
    constexpr auto operator()(X x) const {
        return x * x - ls::sum_to<typename X::result_shape, false>(x * x) / ls::sample_count{};
    }
};

struct model_case {
    char const* name;
    void (*run)();
};

constexpr model_case cases[] = {
    {"normalize rows", check_model<sequential<shape<5, 7>, ls::linear<7>, normalized_rows>>},
    {"normalize parts of a vector", check_model<sequential<shape<15>, normalized_parts<3>>>},
    {"normalize groups of channels", check_model<sequential<shape<4, 3, 5>, normalized_parts<2>>>},
    {"normalize an image", check_model<sequential<shape<3, 2, 5>, normalized_parts<1>>>},
    {"mean square", check_model<sequential<shape<7>, normalized_parts<1, ls::normalization::mean_square>>>},
    {"mean square of channels", check_model<sequential<shape<4, 3, 1>, normalized_parts<2, ls::normalization::mean_square>>>},
    {"attention", check_model<sequential<shape<5, 12>, attended<2, ls::attention_mask::none>>>},
    {"causal attention", check_model<sequential<shape<5, 12>, attended<2, ls::attention_mask::causal>>>},
    {"attention of one position", check_model<sequential<shape<1, 9>, attended<3, ls::attention_mask::causal>>>},
    {"attention of separate values", check_model<sequential<shape<3, 5>, self_attended>>},
    {"softmax", check_model<sequential<shape<5, 11>, softmax_of_rows>>},
    {"softmax over channels", check_model<sequential<shape<3, 5, 2>, softmax_of_rows>>},
    {"logsumexp", check_model<sequential<shape<17>, logsumexp_of_rows>>},
    {"logsumexp over channels", check_model<sequential<shape<3, 1, 2>, logsumexp_of_rows>>},
    {"logsumexp over axes", check_model<sequential<shape<3, 5, 2>, logsumexp_over_axes>>},
    {"product of samples", check_model<sequential<shape<5, 3>, gram_matrix>>},
    {"products of samples", check_model<sequential<shape<2, 5, 3>, gram_matrices>>},
    {"transpose", check_model<sequential<shape<2, 5, 3>, transposed_axes>>},
    {"reshape an image to a matrix", check_model<sequential<shape<2, 5, 3>, reshaped<shape<6, 5>>>>},
    {"reshape a vector to an image", check_model<sequential<shape<30>, reshaped<shape<2, 5, 3>>>>},
    {"reshape an image to an image", check_model<sequential<shape<2, 5, 3>, reshaped<shape<3, 2, 5>>>>},
    {"concat of features", check_model<sequential<shape<5, 3>, joined_with_a_part<-1>>>},
    {"concat of rows", check_model<sequential<shape<5, 3>, joined_with_a_part<0>>>},
    {"concat of channels", check_model<sequential<shape<3, 2, 5>, joined_with_a_part<0>>>},
    {"concat of pixels", check_model<sequential<shape<3, 2, 5>, joined_with_a_part<2>>>},
    {"reductions", check_model<sequential<shape<2, 5, 3>, reduced>>},
    {"reductions over extents of 1", check_model<sequential<shape<1, 5, 1>, reduced>>},
    {"a quotient by a sum", check_model<sequential<shape<5, 3>, divided_by_sum>>},
    {"a mean over the batch", check_model<sequential<shape<3, 2>, centered_over_batch>>},
};

} // namespace

TEST_CASE("derived gradients of primitives are those that differences show") {
    for (model_case const& each : cases)
        SUBCASE(each.name) { each.run(); }
}
