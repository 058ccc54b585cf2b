// SPDX-License-Identifier: MIT
// What a library is told of a convolution, and weights turned to where it wants them and back.
#include "member_order.hpp"

#include <lockstep/device/grid/library_convolution.hpp>

#include <type_traits>

namespace {

using namespace grid_kernels;
using ls::window;
using ls::grid::dense_convolution;
using ls::grid::dense_convolution_of;
using ls::grid::turned_weights;
using content = ls::leaf_content;

/// Runs a kernel whose operand is `from`, from which or to which scratch memory is `scratch`, with members either way
/// round, in shared memory that holds NaNs.
template <class Kernel>
void run_either_way(void const* from, void* scratch, void* result, bool backwards) {
    ls::grid::call call;
    call.operands[1] = from;
    call.scratch = scratch;
    call.result = result;
    call.samples = 3; // which weights do not have
    turns_either_way<Kernel::group_size> group;
    group.backwards = backwards;
    for (std::int64_t unit = 0; unit < Kernel::units(call); ++unit) {
        typename Kernel::shared_type shared;
        std::memset(static_cast<void*>(&shared), 0xff, sizeof shared);
        Kernel::run(call, unit, group, shared);
    }
}

template <class S>
std::vector<S> as(std::vector<double> const& values) {
    std::vector<S> result(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) result[i] = static_cast<float>(values[i]);
    return result;
}

/// Weights that are stored as S, turned inward, and outward to R.
template <class S, class R, int In, int Out, int Height, int Width>
void check_turned() {
    CAPTURE(In);
    CAPTURE(Out);
    using geometry = ls::convolution_geometry<In, 20, 20, Out, window<Height, Width, 1, 1, 0, 0>>;
    using inward = ls::grid::move_kernel<S, S, turned_weights<geometry, true, operand<1, ls::shape<1>>>>;
    using outward = ls::grid::move_kernel<R, S, turned_weights<geometry, false>>;
    auto const ours = as<S>(host_kernels::random_elements<double>(geometry::weight_size, 1));
    std::vector<S> expected(ours.size());
    for (int row = 0; row < Height; ++row)
        for (int column = 0; column < Width; ++column)
            for (int in = 0; in < In; ++in)
                for (int out = 0; out < Out; ++out) {
                    auto const at = static_cast<std::size_t>(((row * Width + column) * In + in) * Out + out);
                    expected[static_cast<std::size_t>(((out * Height + row) * Width + column) * In + in)] = ours[at];
                }
    for (bool const backwards : {false, true}) {
        std::vector<S> turned(ours.size());
        run_either_way<inward>(ours.data(), turned.data(), nullptr, backwards);
        CHECK(turned == expected);
        std::vector<R> back(ours.size());
        run_either_way<outward>(nullptr, turned.data(), back.data(), backwards);
        CHECK(back == std::vector<R>(ours.begin(), ours.end()));
    }
}

template <class Window, int Groups, int In = 32, int Out = 64, content Content = content::number>
using convolved =
    ls::compute<ls::primitive::convolution<Window, Groups>, ls::leaf<ls::operand_tag<0>, ls::shape<In, 7, 6>, true, Content>,
                ls::leaf<ls::operand_tag<1>, ls::shape<Window::kernel_height, Window::kernel_width, In / Groups, Out>, false,
                         Content>>;
using usual = window<3, 3, 1, 1, 1, 1>;
static_assert(dense_convolution_of<convolved<usual, 1>>::found);
static_assert(dense_convolution_of<convolved<usual, 4>>::found);
static_assert(!dense_convolution_of<convolved<usual, 8>>::found, "groups of few channels");
static_assert(dense_convolution_of<convolved<usual, 1, 1, 1>>::found, "few channels, but all of them");
static_assert(dense_convolution_of<convolved<window<1, 1, 2, 1, 0, 0>, 1>>::found, "some pixels only");
static_assert(!dense_convolution_of<convolved<window<1, 1, 1, 1, 0, 0>, 1>>::found, "a product");
static_assert(!dense_convolution_of<ls::compute<ls::primitive::softmax, operand<0, ls::shape<4>>>>::found);

constexpr dense_convolution described = dense_convolution_of<convolved<window<5, 3, 2, 1, 1, 2, 1, 2>, 2>>::of<float>(9);
static_assert(described.samples == 9 && described.groups == 2 && described.group_in() == 16);
static_assert(described.in.channels == 32 && described.in.height == 7 && described.in.width == 6);
static_assert(described.out.channels == 64 && described.out.height == 3 && described.out.width == 6);
static_assert(described.window.height == 5 && described.window.width == 3);
static_assert(described.stride.height == 2 && described.stride.width == 1);
static_assert(described.padding.height == 1 && described.padding.width == 2);
static_assert(described.dilation.height == 1 && described.dilation.width == 2);
static_assert(described.flops() == 2.0 * 9 * 3 * 6 * 64 * 5 * 3 * 16);
static_assert(described.operands == ls::leaf_content::number && described.result == ls::leaf_content::number);

using of_bf16 = dense_convolution_of<convolved<usual, 1, 32, 64, content::bf16>>;
static_assert(of_bf16::of<float>(1).operands == ls::leaf_content::bf16 && of_bf16::of<float>(1).result == ls::leaf_content::number);
static_assert(of_bf16::of<float, ls::bf16>(1).result == ls::leaf_content::bf16);

// 3 * 7 * 6 elements.
static_assert(dense_convolution_of<convolved<usual, 1, 3>>::of<float>(1).in.alignment == 8);
static_assert(dense_convolution_of<convolved<usual, 1, 3, 64, content::bf16>>::of<float>(1).in.alignment == 4);
static_assert(dense_convolution_of<convolved<usual, 1, 3>>::of<float>(1).out.alignment == 16);

// 2 * 9 * 32 * 64 * 42 operations for a sample.
static_assert(!dense_convolution_of<convolved<usual, 1>>::of<float>(43).is_large(), "too little work");
static_assert(dense_convolution_of<convolved<usual, 1>>::of<float>(44).is_large());
static_assert(!dense_convolution_of<convolved<usual, 1>>::of<float>(std::int64_t{1} << 20).is_large(),
              "a library counts in 32 bits");

} // namespace

TEST_CASE_TEMPLATE("weights as a library wants them, and back", T, float, double, ls::bf16) {
    check_turned<T, T, 1, 1, 1, 1>();
    check_turned<T, T, 3, 64, 3, 3>();
    check_turned<T, T, 64, 5, 3, 2>();
    check_turned<T, T, 33, 70, 2, 3>();
}

TEST_CASE("rounded gradients of weights become floats on the way back") {
    check_turned<ls::bf16, float, 3, 5, 3, 3>();
    check_turned<ls::bf16, float, 20, 45, 3, 3>();
}
