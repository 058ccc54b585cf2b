// SPDX-License-Identifier: MIT
#include "idx_file.hpp"
#include "numbers.hpp"

#include <lockstep/loader/pipeline.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

using namespace lockstep;
using namespace lockstep::testing;

namespace {

template <class Source, class Stage>
concept pipes = requires(Source&& source, Stage stage) { std::forward<Source>(source) | stage; };
using numbers_loader = decltype(numbers{} | batch<4>);
static_assert(pipes<numbers_loader, distributed>);
static_assert(!pipes<numbers, distributed> && !pipes<numbers_loader&, distributed> && !pipes<int, distributed>);

struct batch_content {
    std::vector<float> inputs;
    std::vector<std::int32_t> targets;
    std::int64_t first = 0;

    friend bool operator==(batch_content const&, batch_content const&) = default;
};

std::vector<batch_content> run_one_process(auto loader, int epochs) {
    std::vector<batch_content> all;
    for (int epoch = 0; epoch < epochs; ++epoch)
        for (auto const& batch : loader)
            all.push_back({{batch.inputs.elements().begin(), batch.inputs.elements().end()},
                           {batch.targets.begin(), batch.targets.end()},
                           batch.first});
    return all;
}

/// What the processes deliver, put together; make(rank) is a process's loader.
template <class Make>
std::vector<batch_content> run_processes(Make const& make, int ranks, int epochs) {
    std::vector<batch_content> all;
    for (int rank = 0; rank < ranks; ++rank) {
        auto loader = make(rank);
        std::size_t number = 0;
        for (int epoch = 0; epoch < epochs; ++epoch)
            for (auto const& part : loader) {
                if (rank == 0) all.push_back({{}, {}, part.first});
                REQUIRE(number < all.size());
                batch_content& whole = all[number++];
                // The parts are one behind the other, in the batch and in the epoch.
                CHECK(part.offset == static_cast<std::int64_t>(whole.targets.size()));
                CHECK(part.first == whole.first + part.offset);
                CHECK(part.inputs.count() == static_cast<std::int64_t>(part.targets.size()));
                auto const inputs = part.inputs.elements();
                whole.inputs.insert(whole.inputs.end(), inputs.begin(), inputs.end());
                whole.targets.insert(whole.targets.end(), part.targets.begin(), part.targets.end());
                if (rank == ranks - 1)
                    CHECK(part.whole == (ranks == 1 ? 0 : static_cast<std::int64_t>(whole.targets.size())));
            }
        CHECK(number == all.size());
    }
    return all;
}

} // namespace

TEST_CASE("the parts of all processes are the batches of one") {
    // Last batches of 0 (that is, a full one), 1, 2, 7 and 15 samples.
    for (std::int64_t const samples : {160, 161, 162, 167, 175}) {
        auto const expected = run_one_process(numbers{samples} | shuffle(seed{7}) | batch<16>, 2);
        for (int const ranks : {1, 2, 3, 4})
            for (int const threads : {0, 1, 2}) {
                CAPTURE(samples);
                CAPTURE(ranks);
                CAPTURE(threads);
                auto const make = [&](int rank) {
                    return numbers{samples} | shuffle(seed{7}) | batch<16> | distributed(rank, ranks) |
                           workers(threads);
                };
                CHECK((run_processes(make, ranks, 2) == expected));
            }
    }
}

TEST_CASE("a process reads its own samples alone") {
    struct noted : numbers {
        std::vector<std::int64_t>* read_samples;
        noted(std::int64_t samples, std::vector<std::int64_t>* list) : numbers{samples}, read_samples(list) {}
        std::int32_t read(std::int64_t index, std::span<float> input) const {
            read_samples->push_back(index);
            return numbers::read(index, input);
        }
    };
    std::vector<std::int64_t> read;
    auto loader = noted{10, &read} | batch<4> | distributed(1, 2);
    run_epoch(loader);
    CHECK(read == std::vector<std::int64_t>{2, 3, 6, 7, 9});
}

TEST_CASE("a process without samples of a short last batch gets an empty one") {
    int empty = 0;
    for (int rank = 0; rank < 4; ++rank) {
        auto loader = numbers{9} | batch<8> | distributed(rank, 4);
        CHECK(loader.samples() == 9);
        CHECK(loader.batches() == 2);
        int delivered = 0;
        for (auto const& batch : loader) {
            ++delivered;
            if (batch.first < 8) continue;
            CHECK(batch.whole == 1);
            if (batch.count() == 0) ++empty;
        }
        CHECK(delivered == 2);
    }
    CHECK(empty == 3);
}

TEST_CASE("a part can be changed, by a stage or by hand, and the next epoch is of that part") {
    auto loader = numbers{20} | batch<10> | distributed(0, 2) | distributed(1, 2);
    CHECK(loader.part().rank() == 1);
    CHECK(loader.part().ranks() == 2);
    CHECK(run_epoch(loader).targets == std::vector<std::int32_t>{5, 6, 7, 8, 9, 5, 6, 7, 8, 9});
    loader.begin();
    loader.set_part({0, 5});
    CHECK(run_epoch(loader).targets == std::vector<std::int32_t>{0, 1, 0, 1});
}

TEST_CASE("a rank that does not exist is a usage error") {
    CHECK(message_of<usage_error>([] { distributed(2, 2); }) ==
          "distributed(2, 2): expected at least 1 process and a rank below their number");
    CHECK_THROWS_AS(distributed(-1, 2), usage_error);
    CHECK_THROWS_AS(distributed(0, 0), usage_error);
}

TEST_CASE("what processes deliver of batches that are drawn at random and mixed is what one would deliver") {
    auto const noisy = [](std::span<float> input, sample_random& random) {
        for (float& v : input) v += random.uniform();
    };
    auto const mixed = [](tensor_view<float, shape<3>> inputs, tensor_view<std::int32_t, shape<>>,
                          sample_random& random) {
        auto const sum = inputs[0][0] + inputs[inputs.count() - 1][0] + random.uniform();
        for (float& v : inputs.elements()) v += sum;
    };
    auto const make = [&](int rank, int ranks) {
        return numbers{53} | balanced(seed{4}) | map(seed{2}, noisy) | batch<8> | distributed(rank, ranks) |
               collate(seed{3}, mixed) | workers(1);
    };
    auto const expected = run_one_process(make(0, 1), 2);
    for (int const ranks : {2, 3, 4})
        CHECK((run_processes([&](int rank) { return make(rank, ranks); }, ranks, 2) == expected));
}

TEST_CASE("a padded batch is padded in each process") {
    for (int const ranks : {1, 2, 3})
        for (int rank = 0; rank < ranks; ++rank) {
            auto loader = numbers{17} | batch<8, pad_last> | distributed(rank, ranks);
            for (auto const& part : loader) {
                CHECK(part.padded_inputs().count() == shard_of(8, rank, ranks).count);
                CHECK(part.padded_targets().size() == static_cast<std::size_t>(part.padded_inputs().count()));
                for (std::int64_t i = part.count(); i < part.padded_inputs().count(); ++i)
                    CHECK(part.padded_inputs()[i][0] == 16.0F); // of the last batch's only sample
            }
        }
}

TEST_CASE("a position is that of all processes together, and may be taken up by another number of them") {
    auto whole = numbers{60} | shuffle(seed{7}) | batch<16>;
    loader_position at;
    for (auto const& batch : whole)
        if (batch.first == 16) {
            at = whole.position();
            break;
        }
    auto const make = [&](int rank, int ranks) {
        auto loader = numbers{60} | shuffle(seed{7}) | batch<16> | distributed(rank, ranks) | workers(1);
        loader.set_position(at);
        return loader;
    };
    auto const expected = run_one_process(make(0, 1), 2);
    CHECK(expected.front().first == 32);
    for (int const ranks : {2, 3})
        CHECK((run_processes([&](int rank) { return make(rank, ranks); }, ranks, 2) == expected));
    auto part = make(1, 2);
    part.begin();
    CHECK(part.position() == loader_position{7, 0, 48, 60});
}
