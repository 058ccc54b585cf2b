// SPDX-License-Identifier: MIT
#include "idx_file.hpp"
#include "numbers.hpp"

#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/transform/one_hot.hpp>
#include <lockstep/loader/weighted.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

using namespace lockstep;
using namespace lockstep::testing;

namespace {

struct noisy {
    void operator()(std::span<float> input, sample_random& random) const {
        for (float& value : input) value += random.uniform();
    }
};

auto make(int threads) {
    return numbers{100} | shuffle(seed{7}) | map(seed{3}, noisy{}) | batch<8> | workers(threads);
}

using stream = std::vector<float>;

void append(stream& all, auto const& batch) {
    auto const inputs = batch.inputs.elements();
    all.insert(all.end(), inputs.begin(), inputs.end());
}

/// What two epochs deliver.
stream two_epochs(auto& loader) {
    stream all;
    while (loader.next_epoch() < 2)
        for (auto const& batch : loader) append(all, batch);
    return all;
}

} // namespace

TEST_CASE("a run that is interrupted anywhere goes on as if it had not been") {
    auto whole = make(0);
    auto const expected = two_epochs(whole);
    for (int const threads : {0, 1, 4})
        for (int const interrupted_at : {1, 5, 12, 13, 14, 25, 26}) {
            CAPTURE(threads);
            CAPTURE(interrupted_at);
            stream all;
            loader_position at;
            int batches = 0;
            auto before = make(1);
            while (batches < interrupted_at)
                for (auto const& batch : before) {
                    append(all, batch);
                    at = before.position();
                    if (++batches == interrupted_at) break;
                }
            auto after = make(threads);
            after.set_position(at);
            CHECK(after.position() == at);
            for (auto const v : two_epochs(after)) all.push_back(v);
            CHECK(all == expected);
        }
}

TEST_CASE("a position is behind the current batch, and at an end of the next epoch's beginning") {
    auto loader = make(2);
    CHECK(loader.position() == loader_position{.seed = 7, .epoch = 0, .sample = 0, .samples = 100});
    std::int64_t done = 0;
    for (auto const& batch : loader) {
        done += batch.count();
        if (done < 100) CHECK(loader.position() == loader_position{7, 0, done, 100});
        else CHECK(loader.position() == loader_position{7, 1, 0, 100});
    }
    CHECK(loader.position() == loader_position{7, 1, 0, 100});
    for (auto const& batch : loader)
        if (batch.first == 16) break;
    CHECK(loader.position() == loader_position{7, 1, 24, 100});
    loader.set_epoch(5);
    CHECK(loader.position() == loader_position{7, 5, 0, 100});
}

TEST_CASE("a position may be taken up with another size of batch") {
    auto large = numbers{50} | shuffle(seed{1}) | batch<10>;
    auto const expected = run_epoch(large).inputs;
    auto small = numbers{50} | shuffle(seed{1}) | batch<7> | workers(2);
    small.set_position({1, 0, 30, 50});
    auto const rest = run_epoch(small);
    CHECK(rest.firsts == std::vector<std::int64_t>{30, 37, 44});
    CHECK(rest.inputs == std::vector<float>(expected.begin() + 90, expected.end()));

    auto dropping = numbers{50} | shuffle(seed{1}) | batch<7, drop_last>;
    dropping.set_position({1, 0, 45, 50});
    CHECK(run_epoch(dropping).inputs.empty());
    CHECK(dropping.next_epoch() == 1);
    dropping.set_position({1, 3, 50, 50});
    CHECK(run_epoch(dropping).inputs.empty());
    CHECK(run_epoch(dropping).firsts.size() == 7);
}

TEST_CASE("a position of another loader is refused") {
    auto loader = make(0);
    auto const refusal = [&](loader_position const& at) {
        return message_of<usage_error>([&] { loader.set_position(at); });
    };
    CHECK(refusal({8, 0, 0, 100}) == "set_position: expected a position with seed 7, found 8");
    CHECK(refusal({7, 0, 0, 60}) == "set_position: expected a position with samples 100, found 60");
    CHECK(refusal({7, 0, 101, 100}) == "set_position: expected a sample of 0 to 100, found 101");
    CHECK(refusal({7, 0, -1, 100}) == "set_position: expected a sample of 0 to 100, found -1");
    CHECK(refusal({7, -1, 0, 100}) == "set_epoch: expected an epoch of at least 0, found -1");
    CHECK(loader.position() == loader_position{7, 0, 0, 100});
}

TEST_CASE("samplers with replacement draw other random numbers for a sample that comes again") {
    auto loader = numbers{4} | weighted{{0, 1, 0, 0}, seed{1}} | map(seed{3}, noisy{}) | batch<4>;
    auto const inputs = run_epoch(loader).inputs;
    CHECK(inputs[0] != inputs[3]);
    CHECK(inputs[0] != inputs[6]);
    CHECK(static_cast<int>(inputs[0]) == 1);
    loader.set_position({1, 0, 2, 4});
    CHECK(run_epoch(loader).inputs == std::vector<float>(inputs.begin() + 6, inputs.end()));
}
