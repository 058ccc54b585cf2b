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
#include <lockstep/train/adam.hpp>
#include <lockstep/train/trainer.hpp>

#include <doctest/doctest.h>

#include <string>

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
