// SPDX-License-Identifier: MIT
// Kernels for a grid whose operands or results are stored as bf16 or half: they compute what they compute of the same
// numbers as floats, and then the result is rounded.
#include "compare.hpp"

#include <lockstep/expression/attention.hpp>
#include <lockstep/expression/batched_matmul.hpp>
#include <lockstep/expression/convolution.hpp>
#include <lockstep/expression/gather.hpp>
#include <lockstep/expression/layout.hpp>
#include <lockstep/expression/matmul.hpp>
#include <lockstep/expression/movement.hpp>
#include <lockstep/expression/normalize.hpp>
#include <lockstep/expression/pooling.hpp>
#include <lockstep/expression/reduce.hpp>
#include <lockstep/expression/rows.hpp>

namespace {

using namespace grid_kernels;
namespace primitive = ls::primitive;
using ls::window;

/// E with operands that are numbers stored so.
template <class E, ls::leaf_content Format>
struct rounded {
    using type = E;
};
template <int Index, class Shape, bool PerSample, ls::leaf_content Format>
struct rounded<ls::leaf<ls::operand_tag<Index>, Shape, PerSample, ls::leaf_content::number>, Format> {
    using type = ls::leaf<ls::operand_tag<Index>, Shape, PerSample, Format>;
};
template <class Function, class... Operands, ls::leaf_content Format>
struct rounded<ls::apply<Function, Operands...>, Format> {
    using type = ls::apply<Function, typename rounded<Operands, Format>::type...>;
};
template <class Primitive, class... Operands, ls::leaf_content Format>
struct rounded<ls::compute<Primitive, Operands...>, Format> {
    using type = ls::compute<Primitive, typename rounded<Operands, Format>::type...>;
};

/// The operands of an expression, each of which is there as floats and as Stored, with the same values, or as indices.
template <class Stored>
struct operands {
    explicit operands(std::int64_t count) : samples(count) {}

    std::int64_t samples;
    std::vector<std::vector<float>> exact = std::vector<std::vector<float>>(ls::max_operands);
    std::vector<std::vector<Stored>> stored = std::vector<std::vector<Stored>>(ls::max_operands);
    std::vector<void const*> as_floats = std::vector<void const*>(ls::max_operands);
    std::vector<void const*> as_stored = std::vector<void const*>(ls::max_operands);

    template <class E>
    void make(std::type_identity<E>) {}
    template <int Index, class Shape, bool PerSample, ls::leaf_content Content>
    void make(std::type_identity<ls::leaf<ls::operand_tag<Index>, Shape, PerSample, Content>>) {
        constexpr auto at = static_cast<std::size_t>(Index);
        std::int64_t const count = Shape::size * (PerSample ? samples : 1);
        if constexpr (Content == ls::leaf_content::class_index) {
            indices.resize(static_cast<std::size_t>(count));
            for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<std::int32_t>(i * 7 % 3);
            as_floats[at] = as_stored[at] = indices.data();
        } else {
            exact[at] = host_kernels::random_elements<float>(count, static_cast<unsigned>(Index));
            stored[at].resize(exact[at].size());
            for (std::size_t i = 0; i < exact[at].size(); ++i) {
                stored[at][i] = exact[at][i];
                exact[at][i] = stored[at][i];
            }
            as_floats[at] = exact[at].data();
            as_stored[at] = stored[at].data();
        }
    }
    template <class Function, class... Operands>
    void make(std::type_identity<ls::apply<Function, Operands...>>) {
        (make(std::type_identity<Operands>{}), ...);
    }
    template <class Primitive, class... Operands>
    void make(std::type_identity<ls::compute<Primitive, Operands...>>) {
        (make(std::type_identity<Operands>{}), ...);
    }

private:
    std::vector<std::int32_t> indices;
};

template <class E, ls::leaf_content Format = ls::leaf_content::bf16>
void check(std::int64_t samples = 3) {
    using stored = typename ls::grid::stored_content<float, Format>::type;
    operands<stored> given(samples);
    given.make(std::type_identity<E>{});
    using from_stored = typename rounded<E, Format>::type;
    auto const expected = on_grid<float, E>(given.as_floats, samples);
    CHECK(on_grid<float, from_stored>(given.as_stored, samples) == expected);
    std::vector<stored> rounded_result(expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) rounded_result[i] = expected[i];
    CHECK(on_grid<float, from_stored, stored>(given.as_stored, samples) == rounded_result);
    CHECK(on_grid<float, E, stored>(given.as_floats, samples) == rounded_result);
}

template <int Index, class Shape, bool PerSample = true>
using leaf_of = ls::leaf<ls::operand_tag<Index>, Shape, PerSample>;
template <int Index, class Shape>
using indices_of = ls::leaf<ls::operand_tag<Index>, Shape, true, ls::leaf_content::class_index>;

} // namespace

TEST_CASE("rounded operands and results: chains") {
    using x = leaf_of<0, ls::shape<5, 3, 4>>;
    using bias = leaf_of<1, ls::shape<5, 1, 1>, false>;
    using column = leaf_of<2, ls::shape<1, 3, 1>>;
    check<decltype(ls::exp(x{} + bias{}) * column{} - x{})>();
}

TEST_CASE("rounded operands and results: sums and maxima, in one part and in several") {
    using x = leaf_of<0, ls::shape<7, 33>>;
    check<ls::compute<primitive::sum_to<ls::shape<7, 1>, true>, x>>();
    check<ls::compute<primitive::sum_to<ls::shape<1, 33>, false>, decltype(x{} * x{})>>(900);
    check<ls::compute<primitive::max_to<ls::shape<1, 33>, true>, x>>();
}

TEST_CASE("rounded operands and results: rows") {
    using x = leaf_of<0, ls::shape<5, 33>>;
    using g = leaf_of<1, ls::shape<5, 33>>;
    using image = leaf_of<0, ls::shape<6, 3, 4>>;
    constexpr auto how = ls::normalization::mean_and_variance;
    check<ls::compute<primitive::softmax, x>>();
    check<ls::compute<primitive::logsumexp, x>>();
    check<ls::compute<primitive::argmax, x>>();
    check<ls::compute<primitive::pick, x, indices_of<1, ls::shape<5>>>>();
    check<ls::compute<primitive::normalize<5, 1e-5, how>, x>>();
    check<ls::compute<primitive::normalize_gradient<5, 1e-5, how>, x, g>>();
    check<ls::compute<primitive::normalize<2, 1e-5, how>, image>>();
}

TEST_CASE("rounded operands and results: products, in one part and in several") {
    using x = leaf_of<0, ls::shape<300>>;
    using g = leaf_of<0, ls::shape<9>>;
    using w = leaf_of<1, ls::shape<300, 9>, false>;
    check<ls::compute<primitive::matmul, x, w>>(70);
    check<ls::compute<primitive::matmul_right_transposed, g, w>>(70);
    check<ls::compute<primitive::matmul_left_transposed, x, leaf_of<1, ls::shape<9>>>>(600);
    using a = leaf_of<0, ls::shape<2, 5, 7>>;
    check<ls::compute<primitive::batched_matmul<primitive::transposed::none>, a, leaf_of<1, ls::shape<2, 7, 3>>>>();
    check<ls::compute<primitive::batched_matmul<primitive::transposed::left>, a, leaf_of<1, ls::shape<2, 5, 3>>>>();
    check<ls::compute<primitive::batched_matmul<primitive::transposed::right>, a, leaf_of<1, ls::shape<2, 3, 7>>>>();
}

TEST_CASE("rounded operands and results: convolutions, of few channels too") {
    auto const check_convolution = []<class Window, int Groups>(Window, std::integral_constant<int, Groups>) {
        using g = ls::convolution_geometry<4, 7, 6, 8, Window, Groups>;
        using weight = leaf_of<1, ls::shape<g::kernel_height, g::kernel_width, g::group_in, 8>, false>;
        using x = leaf_of<0, ls::shape<4, 7, 6>>;
        using out = ls::shape<8, g::out_height, g::out_width>;
        check<ls::compute<primitive::convolution<Window, Groups>, x, weight>>();
        check<ls::compute<primitive::convolution_data_gradient<g>, leaf_of<0, out>, weight>>();
        check<ls::compute<primitive::convolution_weight_gradient<g>, x, leaf_of<1, out>>>();
    };
    check_convolution(window<3, 3, 2, 2, 1, 1>{}, std::integral_constant<int, 1>{});
    check_convolution(window<3, 3, 1, 1, 1, 1>{}, std::integral_constant<int, 4>{});
}

TEST_CASE("rounded operands and results: pooling") {
    using pooled = window<2, 2, 2, 2, 0, 0>;
    using g = ls::pooling_geometry<3, 6, 8, pooled>;
    using average = ls::moving_average<pooled, true>;
    using averaged = ls::averaging_geometry<3, 6, 8, average>;
    using x = leaf_of<0, ls::shape<3, 6, 8>>;
    check<ls::compute<primitive::max_pool<pooled>, x>>();
    check<ls::compute<primitive::max_pool_gradient<g>, x, leaf_of<1, ls::shape<3, 3, 4>>>>();
    check<ls::compute<primitive::avg_pool<average>, x>>();
    check<ls::compute<primitive::avg_pool_gradient<averaged>, leaf_of<0, ls::shape<3, 3, 4>>>>();
}

TEST_CASE("rounded operands and results: movements, by elements and by tiles") {
    using x = leaf_of<0, ls::shape<33, 47>>;
    using small = leaf_of<0, ls::shape<4, 5>>;
    check<ls::compute<primitive::transpose<1, 0>, x>>();
    check<ls::compute<primitive::transpose<1, 0>, small>>();
    check<ls::compute<primitive::slice<1, 1, 3>, small>>();
    check<ls::compute<primitive::place<0, 1, 7>, small>>();
    check<ls::compute<primitive::concat<0>, small, leaf_of<1, ls::shape<2, 5>, false>>>();
    check<ls::compute<primitive::reorder_image<true>, leaf_of<0, ls::shape<3, 4, 5>>>>();
}

TEST_CASE("rounded operands and results: tables") {
    using index = indices_of<1, ls::shape<6>>;
    check<ls::compute<primitive::gather, leaf_of<0, ls::shape<3, 10>, false>, index>>();
    check<ls::compute<primitive::scatter_sum<3>, leaf_of<0, ls::shape<6, 10>>, index>>();
    check<ls::compute<primitive::scatter_sum<3>, leaf_of<0, ls::shape<6, 10>>, index>>(900);
}

TEST_CASE("rounded operands and results: attention") {
    using qkv = leaf_of<0, ls::shape<37, 3 * 6>>;
    check<ls::compute<primitive::attention<2, ls::attention_mask::causal>, qkv>>();
    check<ls::compute<primitive::attention_gradient<2, ls::attention_mask::causal>, qkv, leaf_of<1, ls::shape<37, 6>>>>();
}

TEST_CASE("rounded operands and results: half, of a chain, a sum, rows, products, a convolution, a table") {
    constexpr auto half = ls::leaf_content::half;
    using x = leaf_of<0, ls::shape<5, 32>>;
    using bias = leaf_of<1, ls::shape<5, 1>, false>;
    check<decltype(ls::exp(x{} + bias{}) * x{}), half>();
    check<ls::compute<primitive::sum_to<ls::shape<1, 32>, false>, decltype(x{} * x{})>, half>(900);
    check<ls::compute<primitive::softmax, x>, half>();
    check<ls::compute<primitive::matmul, leaf_of<0, ls::shape<300>>, leaf_of<1, ls::shape<300, 9>, false>>, half>(70);
    using image = leaf_of<0, ls::shape<4, 7, 6>>;
    using weight = leaf_of<1, ls::shape<3, 3, 4, 8>, false>;
    check<ls::compute<primitive::convolution<window<3, 3, 1, 1, 1, 1>, 1>, image, weight>, half>();
    check<ls::compute<primitive::gather, leaf_of<0, ls::shape<3, 10>, false>, indices_of<1, ls::shape<6>>>, half>();
}
