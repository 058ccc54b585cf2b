// SPDX-License-Identifier: MIT
#include <lockstep/tensor/tensor.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <type_traits>
#include <utility>

namespace ls = lockstep;
using image = ls::shape<2, 3>;

TEST_CASE("a tensor holds count samples of zeros, aligned") {
    ls::tensor<float, image> const images(5);
    CHECK(images.count() == 5);
    CHECK(images.size() == 30);
    CHECK(images.elements().size() == 30);
    CHECK(std::ranges::all_of(images.elements(), [](float value) { return value == 0.0f; }));
    CHECK(reinterpret_cast<std::uintptr_t>(images.data()) % ls::memory_alignment == 0);
}

TEST_CASE("a tensor without samples is empty") {
    ls::tensor<double, image> const none;
    CHECK(none.count() == 0);
    CHECK(none.size() == 0);
    CHECK(none.elements().empty());
    ls::tensor<double, image> const zero(0);
    CHECK(zero.size() == 0);
    CHECK(zero.elements().empty());
}

TEST_CASE("a sample is a contiguous run of its shape's size") {
    ls::tensor<double, image> images(4);
    std::iota(images.elements().begin(), images.elements().end(), 0.0);
    REQUIRE(images[2].size() == 6);
    CHECK(images[2].front() == 12.0);
    CHECK(images[2].back() == 17.0);
    images[3][5] = -1.0;
    CHECK(images.data()[23] == -1.0);
}

TEST_CASE("a view reads and writes the tensor's memory") {
    ls::tensor<float, image> images(3);
    ls::tensor_view<float, image> const view = images.view();
    CHECK(view.data() == images.data());
    CHECK(view.count() == 3);
    CHECK(view.size() == 18);
    view[1][0] = 7.0f;
    CHECK(images.elements()[6] == 7.0f);

    ls::tensor_view<float const, image> const read_only = view;
    CHECK(read_only[1][0] == 7.0f);
    static_assert(!std::is_convertible_v<ls::tensor_view<float const, image>, ls::tensor_view<float, image>>);
}

TEST_CASE("what is const gives views of const elements") {
    ls::tensor<float, image> const images(1);
    static_assert(std::is_same_v<decltype(images.view()), ls::tensor_view<float const, image>>);
    static_assert(std::is_same_v<decltype(images.data()), float const*>);
    static_assert(std::is_same_v<decltype(images[0][0]), float const&>);
}

TEST_CASE("a slice is counted in samples") {
    std::array<float, 30> memory{};
    std::iota(memory.begin(), memory.end(), 0.0f);
    ls::tensor_view<float, image> const all(memory.data(), 5);
    ls::tensor_view<float, image> const middle = all.slice(1, 3);
    CHECK(middle.count() == 3);
    CHECK(middle.data() == memory.data() + 6);
    CHECK(middle.slice(2, 1)[0].front() == 18.0f);
    CHECK(all.slice(5, 0).elements().empty());
}

TEST_CASE("a view of nothing is empty") {
    ls::tensor_view<float, image> const nothing;
    CHECK(nothing.data() == nullptr);
    CHECK(nothing.elements().empty());
}

TEST_CASE("a tensor moves without copying") {
    static_assert(!std::is_copy_constructible_v<ls::tensor<float, image>>);
    ls::tensor<float, image> first(2);
    float* const data = first.data();
    ls::tensor<float, image> const second = std::move(first);
    CHECK(second.data() == data);
    CHECK(second.count() == 2);
}

TEST_CASE("a scalar a sample has one element each") {
    ls::tensor<float, ls::shape<>> losses(4);
    CHECK(losses.size() == 4);
    CHECK(losses[3].size() == 1);
}

TEST_CASE("a batch counts its inputs") {
    ls::tensor<float, image> const images(3);
    std::array<std::int32_t, 3> const targets{1, 0, 9};
    ls::batch_view<float, image> const batch{images.view(), targets, 128};
    CHECK(batch.count() == 3);
    CHECK(batch.targets.size() == 3);
    CHECK(batch.first == 128);
}

TEST_CASE("elements are float or double") {
    static_assert(ls::element_type<float> && ls::element_type<double>);
    static_assert(!ls::element_type<int> && !ls::element_type<float const> && !ls::element_type<long double>);
}
