// SPDX-License-Identifier: MIT
// From files to a step: datasets whose samples or targets are not floats with one class, loaded and learned.
#include "../unit/loader/idx_file.hpp"

#include <lockstep/expression/seed.hpp>
#include <lockstep/layer/embedding.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/loader/csv_dataset.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/subset.hpp>
#include <lockstep/loader/token_dataset.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/loss/regression.hpp>
#include <lockstep/model/sequential.hpp>
#include <lockstep/parallel/parallel.hpp>
#include <lockstep/tensor/tensor.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/trainer.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace lockstep;
using namespace lockstep::testing;

TEST_CASE("a model learns what follows from a file of tokens") {
    temporary_directory const directory;
    bytes text(3000);
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<unsigned char>(i * 3 % 8); // 0 3 6 1 4 ...
    using net = sequential<class_indices<8, 12>, embedding<16>, linear<8>>;
    parallel<net, cpu_devices<2>> model{seed{1}};
    trainer trainer{model, cross_entropy{}, adam{.learning_rate = 0.05}, batch_size<16>};

    token_dataset<8, 12> const windows{write(directory / "text", text), token_type::uint8, 5};
    auto [train, test] = random_split(windows, seed{2}, 0.8, 0.2);
    auto train_batches = train | shuffle(seed{1}) | batch<16> | workers(1);
    for (int epoch = 0; epoch < 4; ++epoch)
        for (auto const& batch : train_batches) trainer.step(batch);
    auto test_batches = test | batch<16>;
    auto const result = trainer.evaluate(test_batches);
    CHECK(result.accuracy == 1.0);
    CHECK(result.samples == test.size());
}

TEST_CASE("class indices are samples of a model of any elements") {
    temporary_directory const directory;
    bytes text(200);
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<unsigned char>(i * 3 % 8);
    token_dataset<8, 12> const windows{write(directory / "text", text), token_type::uint8};
    auto batches = windows | batch<16>;
    using net = sequential<class_indices<8, 12>, embedding<16>, linear<8>>;

    parallel<net, cpu_devices<2>, element<double>> model{seed{1}};
    trainer trainer{model, cross_entropy{}, adam{.learning_rate = 0.05}, batch_size<16>};
    static_assert(!std::is_same_v<decltype(batches)::batch_type, decltype(trainer)::batch_type>);
    double const before = trainer.evaluate(batches).loss;
    CHECK(before > 1.5);
    CHECK(trainer.forward(*batches.begin()) == doctest::Approx(before).epsilon(1e-12));
    for (int epoch = 0; epoch < 40; ++epoch)
        for (auto const& batch : batches) trainer.step(batch);
    CHECK(trainer.evaluate(batches).loss < 0.1);
}

TEST_CASE("a step takes inputs and targets in braces") {
    tensor<float, shape<2>> inputs(6);
    for (std::size_t i = 0; i < 12; ++i) inputs.elements()[i] = static_cast<float>(i % 5) - 2;
    std::vector<std::int32_t> const classes{0, 1, 2, 0, 1, 2};
    auto const losses = [&](auto const& step) {
        parallel<sequential<shape<2>, linear<3>>, cpu_devices<2>> model{seed{1}};
        trainer trainer{model, cross_entropy{}, adam{.learning_rate = 0.05}, batch_size<6>};
        double const first = step(trainer);
        return std::pair{first, step(trainer)};
    };
    auto const in_braces = losses([&](auto& trainer) { return trainer.step({inputs.view(), classes}); });
    auto const named = losses([&](auto& trainer) {
        return trainer.step(batch_view<float, shape<2>>{inputs.view(), classes});
    });
    CHECK(in_braces == named);
    CHECK(in_braces.second < in_braces.first);
}

TEST_CASE("a model fits the numbers of a CSV file") {
    temporary_directory const directory;
    std::string text = "a,sum,b,difference\n";
    for (int i = 0; i < 400; ++i) {
        double const a = i % 7 / 7.0, b = i % 11 / 11.0;
        text += std::to_string(a) + "," + std::to_string(a + b) + "," + std::to_string(b) + "," +
                std::to_string(a - b) + "\n";
    }
    csv_dataset<shape<2>, shape<2>, float> const table{write(directory / "table.csv", {text.begin(), text.end()}),
                                                       {.targets = {"sum", "difference"}}};
    parallel<sequential<shape<2>, linear<2>>, cpu_devices<2>> model{seed{1}};
    trainer trainer{model, mse{}, adam{.learning_rate = 0.05}, batch_size<20>};
    auto batches = table | shuffle(seed{1}) | batch<20>;
    for (int epoch = 0; epoch < 20; ++epoch)
        for (auto const& batch : batches) trainer.step(batch);
    CHECK(trainer.evaluate(batches).loss < 1e-4);
}
