// SPDX-License-Identifier: MIT
#include "numbers.hpp"

#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/pipeline.hpp>

#include <doctest/doctest.h>

#include <concepts>
#include <numeric>

using namespace lockstep;
using namespace lockstep::testing;

namespace {

/// Sample i are the bytes i, i + 1, ...; its targets are their half and their double.
struct bytes_with_numbers {
    using sample_shape = shape<2, 2>;
    using element = std::uint8_t;
    using target_shape = shape<2>;
    using target = float;

    std::int64_t size() const { return 5; }
    void read(std::int64_t index, std::span<std::uint8_t> input, std::span<float> targets) const {
        std::iota(input.begin(), input.end(), static_cast<std::uint8_t>(index));
        targets[0] = static_cast<float>(index) / 2;
        targets[1] = static_cast<float>(index) * 2;
    }
};

/// A text of three tokens, and what follows each.
struct windows {
    using sample_shape = class_indices<10, 3>;
    using target_shape = shape<3>;

    std::int64_t size() const { return 7; }
    void read(std::int64_t index, std::span<std::int32_t> input, std::span<std::int32_t> targets) const {
        std::iota(input.begin(), input.end(), static_cast<std::int32_t>(index));
        std::iota(targets.begin(), targets.end(), static_cast<std::int32_t>(index + 1));
    }
};

/// Whatever is wrong with it, `numbers` has right.
struct no_size {
    using sample_shape = shape<3>;
    std::int32_t read(std::int64_t, std::span<float>) const { return 0; }
};
struct returns_one_of_two : numbers {
    using target_shape = shape<2>;
};
struct returns_another_type : numbers {
    using target = float;
};
struct text_of_floats : numbers {
    using sample_shape = class_indices<3, 3>;
    using element = float;
};

static_assert(dataset<numbers> && dataset<bytes_with_numbers> && dataset<windows>);
static_assert(!dataset<no_size> && !dataset<returns_one_of_two> && !dataset<returns_another_type> &&
              !dataset<text_of_floats> && !dataset<int>);

static_assert(std::same_as<sample_batch<numbers>, batch_view<float, shape<3>>>);
static_assert(std::same_as<sample_batch<bytes_with_numbers>, batch_view<std::uint8_t, shape<2, 2>, shape<2>, float>>);
static_assert(std::same_as<sample_batch<windows>, batch_view<float, class_indices<10, 3>, shape<3>, std::int32_t>>);

} // namespace

TEST_CASE("a sample is read in either way that a dataset may have") {
    std::array<float, 3> input{};
    std::array<std::int32_t, 1> target{};
    detail::read_sample(numbers{20}, 13, std::span<float>{input}, std::span<std::int32_t>{target});
    CHECK(input[1] == 13.5F);
    CHECK(target[0] == 3);

    std::array<std::uint8_t, 4> bytes{};
    std::array<float, 2> targets{};
    detail::read_sample(bytes_with_numbers{}, 3, std::span<std::uint8_t>{bytes}, std::span<float>{targets});
    CHECK(bytes == std::array<std::uint8_t, 4>{3, 4, 5, 6});
    CHECK(targets == std::array{1.5F, 6.0F});
}

TEST_CASE("a loader delivers samples of any elements with targets of any shape") {
    for (int const threads : {0, 2}) {
        auto loader = bytes_with_numbers{} | batch<2> | workers(threads);
        static_assert(batch_source<decltype(loader)>);
        std::vector<int> samples;
        std::vector<float> targets;
        for (auto const& batch : loader) {
            static_assert(std::same_as<decltype(batch), sample_batch<bytes_with_numbers> const&>);
            CHECK(reinterpret_cast<std::uintptr_t>(batch.targets.data()) % memory_alignment == 0);
            for (auto const element : batch.inputs.elements()) samples.push_back(element);
            targets.insert(targets.end(), batch.targets.begin(), batch.targets.end());
        }
        CHECK(samples == std::vector{0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, 4, 5, 6, 7});
        CHECK(targets == std::vector{0.0F, 0.0F, 0.5F, 2.0F, 1.0F, 4.0F, 1.5F, 6.0F, 2.0F, 8.0F});
    }

    auto texts = windows{} | batch<4>;
    std::vector<std::int32_t> followers;
    for (auto const& batch : texts) {
        CHECK(batch.targets.size() == static_cast<std::size_t>(3 * batch.count()));
        CHECK(batch.inputs[1][2] == batch.first + 3);
        followers.insert(followers.end(), batch.targets.begin(), batch.targets.end());
    }
    CHECK(followers == std::vector<std::int32_t>{1, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 6, 5, 6, 7, 6, 7, 8, 7, 8, 9});
}
