// SPDX-License-Identifier: MIT
#include "idx_file.hpp"
#include "numbers.hpp"

#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/transform/one_hot.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <vector>

using namespace lockstep;
using namespace lockstep::testing;

namespace {

using floats_of_3 = tensor_view<float, shape<3>>;

static_assert(collation<mixup, floats_of_3, tensor_view<float, shape<10>>>);
static_assert(!collation<mixup, floats_of_3, tensor_view<std::int32_t, shape<>>>);
static_assert(!collation<mixup, tensor_view<std::uint8_t, shape<3>>, tensor_view<float, shape<10>>>);

/// All that an epoch delivers where targets are numbers.
std::vector<float> mixed_epoch(auto& loader) {
    std::vector<float> all;
    for (auto const& batch : loader) {
        auto const inputs = batch.inputs.elements();
        all.insert(all.end(), inputs.begin(), inputs.end());
        all.insert(all.end(), batch.targets.begin(), batch.targets.end());
    }
    return all;
}

} // namespace

TEST_CASE("mixup mixes a batch with itself in reverse, targets as inputs") {
    auto loader = numbers{11} | map_targets(one_hot<10>{}) | batch<4> | collate(seed{1}, mixup{.alpha = 0.5});
    std::set<float> shares;
    for (int epoch = 0; epoch < 3; ++epoch)
        for (auto const& batch : loader) {
            auto const last = batch.count() - 1;
            // Of the first sample, whose number is `first`: first + (1 - lambda) last.
            auto const lambda = 1 - (batch.inputs[0][0] - static_cast<float>(batch.first)) / static_cast<float>(last);
            REQUIRE((lambda >= 0 && lambda <= 1));
            shares.insert(lambda);
            for (std::int64_t i = 0; i < batch.count(); ++i) {
                auto const own = static_cast<float>(batch.first + i);
                auto const other = static_cast<float>(batch.first + last - i);
                for (std::size_t e = 0; e < 3; ++e) {
                    float const added = std::array{0.0F, 0.5F, 0.25F}[e];
                    REQUIRE(batch.inputs[i][e] ==
                            doctest::Approx(lambda * own + (1 - lambda) * other + added).epsilon(1e-4));
                }
                for (int c = 0; c < 10; ++c) {
                    float const expected = lambda * static_cast<float>((batch.first + i) % 10 == c) +
                                           (1 - lambda) * static_cast<float>((batch.first + last - i) % 10 == c);
                    REQUIRE(std::abs(batch.targets[static_cast<std::size_t>(i * 10 + c)] - expected) < 1e-4F);
                }
            }
        }
    CHECK(shares.size() == 9);
}

TEST_CASE("mixup's shares are Beta(alpha, alpha)") {
    // Mean 1/2, variance 1 / (4 (2 alpha + 1)).
    for (double const alpha : {0.2, 1.0, 4.0}) {
        double sum = 0.0, squares = 0.0;
        constexpr int draws = 4000;
        for (std::int64_t i = 0; i < draws; ++i) {
            std::vector<float> inputs{1, 0}, targets{1, 0};
            sample_random random{seed{1}, {0, i}, 0};
            mixup{.alpha = alpha}(tensor_view<float, shape<>>{inputs.data(), 2},
                                  tensor_view<float, shape<>>{targets.data(), 2}, random);
            REQUIRE(inputs == targets);
            sum += inputs[0];
            squares += inputs[0] * inputs[0];
        }
        double const mean = sum / draws, variance = squares / draws - mean * mean;
        CHECK(std::abs(mean - 0.5) < 0.03);
        CHECK(variance == doctest::Approx(1 / (4 * (2 * alpha + 1))).epsilon(0.1));
    }
    CHECK(message_of<usage_error>([] {
              numbers{8} | map_targets(one_hot<10>{}) | batch<4> | collate(seed{1}, mixup{.alpha = 0});
          }) == "mixup: expected an alpha above 0, found 0.000000");
}

TEST_CASE("batches that are mixed are the same with any number of workers") {
    auto const make = [] {
        return numbers{50} | shuffle(seed{2}) | map_targets(one_hot<10>{}) | batch<8> | collate(seed{1}, mixup{});
    };
    auto alone = make();
    auto const expected = mixed_epoch(alone);
    auto helped = make() | workers(3) | prefetch(4);
    CHECK(mixed_epoch(helped) == expected);
    CHECK(mixed_epoch(helped) == mixed_epoch(alone));
    helped.set_epoch(0);
    CHECK(mixed_epoch(helped) == expected);
}

TEST_CASE("a function of one's own collates") {
    auto loader = numbers{10} | batch<4> | prefetch(3) |
                  collate([](floats_of_3 inputs, tensor_view<std::int32_t, shape<>> targets) {
                      for (float& v : inputs.elements()) v = -v;
                      targets[0][0] = 77;
                  });
    CHECK(loader.options().prefetch == 3);
    auto const all = run_epoch(loader);
    CHECK(all.inputs[3] == -1.0F);
    CHECK(all.targets == std::vector<std::int32_t>{77, 1, 2, 3, 77, 5, 6, 7, 77, 9});
}

TEST_CASE("what a collation throws reaches the consumer") {
    for (int const threads : {0, 2}) {
        auto loader = numbers{10} | batch<4> |
                      collate([](floats_of_3 inputs, tensor_view<std::int32_t, shape<>>) {
                          if (inputs.count() < 4) throw std::runtime_error{"too few"};
                      }) |
                      workers(threads);
        CHECK(message_of<data_error>([&] { run_epoch(loader); }) == "batch 2 of epoch 0: too few");
    }
}
