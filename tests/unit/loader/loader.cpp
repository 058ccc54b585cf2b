// SPDX-License-Identifier: MIT
#include "numbers.hpp"

#include <lockstep/loader/pipeline.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace lockstep;
using namespace lockstep::testing;

static_assert(std::input_iterator<decltype((numbers{} | batch<2>).begin())>);

TEST_CASE("without shuffle the order is the dataset's, and the last batch is short") {
    auto loader = numbers{10} | batch<4>;
    CHECK(loader.batches() == 3);
    auto const all = run_epoch(loader);
    CHECK(all.targets == std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(all.firsts == std::vector<std::int64_t>{0, 4, 8});
    CHECK(all.inputs.size() == 30);
    CHECK(all.inputs[29] == 9.25F);
    CHECK(run_epoch(loader) == all);
}

TEST_CASE("shuffle delivers every sample once, in an order of seed and epoch") {
    auto loader = numbers{1000} | shuffle(seed{1}) | batch<64>;
    auto const epoch0 = run_epoch(loader);
    auto const epoch1 = run_epoch(loader);
    CHECK(epoch0.inputs != epoch1.inputs);

    std::set<float> seen;
    for (std::size_t i = 0; i < epoch0.inputs.size(); i += 3) seen.insert(epoch0.inputs[i]);
    CHECK(seen.size() == 1000);

    auto other = numbers{1000} | shuffle(seed{2}) | batch<64>;
    CHECK(run_epoch(other).inputs != epoch0.inputs);
    auto again = numbers{1000} | shuffle(seed{1}) | batch<64>;
    again.set_epoch(1);
    CHECK(run_epoch(again) == epoch1);
    CHECK(again.next_epoch() == 2);
    again.set_epoch(0);
    CHECK(run_epoch(again) == epoch0);
}

TEST_CASE("order and content are the same with any number of workers and any prefetch") {
    auto expected = numbers{503} | shuffle(seed{7}) | batch<16>;
    auto const epoch0 = run_epoch(expected);
    auto const epoch1 = run_epoch(expected);
    for (int const threads : {0, 1, 4, 16})
        for (int const ahead : {1, 2, 7, 1000}) {
            auto loader = numbers{503} | shuffle(seed{7}) | batch<16> | workers(threads) | prefetch(ahead);
            CAPTURE(threads);
            CAPTURE(ahead);
            CHECK(run_epoch(loader) == epoch0);
            CHECK(run_epoch(loader) == epoch1);
        }
}

TEST_CASE("random transforms too are the same with any number of workers and any prefetch") {
    auto const jittered = [](std::span<float> input, sample_random& random) {
        for (float& v : input) v += random.uniform();
    };
    auto const make = [&] { return numbers{203} | balanced(seed{7}) | map(seed{2}, jittered) | batch<16>; };
    auto expected = make();
    auto const epoch0 = run_epoch(expected);
    auto const epoch1 = run_epoch(expected);
    CHECK(epoch0 != epoch1);
    for (int const threads : {0, 1, 4, 16})
        for (int const ahead : {1, 7}) {
            auto loader = make() | workers(threads) | prefetch(ahead);
            CHECK(run_epoch(loader) == epoch0);
            CHECK(run_epoch(loader) == epoch1);
        }
}

TEST_CASE("batch k lies in slot k modulo prefetch + 1, on a cache line's boundary") {
    auto loader = numbers{100} | batch<5> | workers(2) | prefetch(2);
    std::vector<float const*> inputs;
    std::vector<std::int32_t const*> targets;
    for (int epoch = 0; epoch < 2; ++epoch)
        for (auto const& batch : loader) {
            CHECK(reinterpret_cast<std::uintptr_t>(batch.inputs.data()) % 64 == 0);
            CHECK(reinterpret_cast<std::uintptr_t>(batch.targets.data()) % 64 == 0);
            inputs.push_back(batch.inputs.data());
            targets.push_back(batch.targets.data());
        }
    CHECK(std::set(inputs.begin(), inputs.end()).size() == 3);
    for (std::size_t k = 3; k < 20; ++k) {
        CHECK(inputs[k] == inputs[k - 3]);
        CHECK(targets[k] == targets[k - 3]);
        CHECK(inputs[20 + k] == inputs[k]);
    }
}

TEST_CASE("a batch stays as it is until the next one is asked for") {
    auto loader = numbers{40} | batch<2> | workers(2) | prefetch(1);
    for (auto const& batch : loader) {
        std::vector<float> const before(batch.inputs.elements().begin(), batch.inputs.elements().end());
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
        CHECK(std::ranges::equal(before, batch.inputs.elements()));
        CHECK(before[0] == static_cast<float>(batch.first));
    }
}

TEST_CASE("leaving a loop early begins the next epoch afresh") {
    for (int const threads : {0, 1, 3}) {
        auto expected = numbers{200} | shuffle(seed{3}) | batch<8>;
        expected.set_epoch(2);
        auto loader = numbers{200} | shuffle(seed{3}) | batch<8> | workers(threads);
        for (auto const& batch : loader)
            if (batch.first == 40) break;
        loader.begin(); // and left without a batch
        CHECK(loader.next_epoch() == 2);
        CHECK(run_epoch(loader) == run_epoch(expected));
    }
}

TEST_CASE("a dataset that wants to is told of each sample before it is read") {
    struct announced : numbers {
        std::vector<std::int64_t>* told;
        announced(std::int64_t samples, std::vector<std::int64_t>* list) : numbers{samples}, told(list) {}
        void expect(std::int64_t index) const { told->push_back(index); }
        std::int32_t read(std::int64_t index, std::span<float> input) const {
            told->push_back(-index);
            return numbers::read(index, input);
        }
    };
    std::vector<std::int64_t> told;
    auto loader = announced{8, &told} | batch<6>;
    run_epoch(loader);
    CHECK(told == std::vector<std::int64_t>{0, 1, 2, 3, 4, 0, 5, -1, -2, -3, -4, -5, 6, 7, -6, -7});
}

TEST_CASE("what a sample throws reaches the consumer with the sample's index") {
    for (int const threads : {0, 1, 3}) {
        auto loader = numbers{100, 57} | batch<8> | workers(threads);
        for (int epoch = 0; epoch < 3; ++epoch) {
            int delivered = 0;
            try {
                for ([[maybe_unused]] auto const& batch : loader) ++delivered;
                FAIL("nothing thrown");
            } catch (sample_error const& error) {
                CHECK(error.sample() == 57);
                CHECK(error.what() ==
                      "sample 57 (batch 7 of epoch " + std::to_string(epoch) + "): the disk is gone");
                CHECK_THROWS_WITH_AS(std::rethrow_if_nested(error), "the disk is gone", std::runtime_error);
            }
            CHECK(delivered == 7);
        }
    }
}

TEST_CASE("after an exception the loop is at its end") {
    auto loader = numbers{100, 9} | batch<8> | workers(2);
    auto at = loader.begin();
    CHECK_THROWS_AS(++at, sample_error);
    CHECK(at == loader.end());
    ++at;
    CHECK(at == loader.end());
}

TEST_CASE("an exception in the first batch comes from begin()") {
    auto loader = numbers{100, 0} | batch<8> | workers(2);
    CHECK_THROWS_AS(loader.begin(), sample_error);
}

TEST_CASE("an exception of the consumer's own leaves the loader ready") {
    auto loader = numbers{100} | batch<8> | workers(2);
    try {
        for (auto const& batch : loader)
            if (batch.first > 20) throw 1;
    } catch (int) {
    }
    CHECK(run_epoch(loader).targets.size() == 100);
}

TEST_CASE("a loader is moved while its workers run") {
    auto first = numbers{100} | batch<8> | workers(2);
    auto at = first.begin();
    auto second = std::move(first);
    ++at;
    CHECK((*at).first == 8);
    auto third = numbers{50} | batch<8> | workers(1);
    third.begin();
    third = std::move(second);
    CHECK(run_epoch(third).targets.size() == 100);
}

TEST_CASE("pinned tells whether the pages are locked, and nothing else depends on it") {
    auto plain = numbers{100} | batch<8> | workers(1);
    CHECK(!plain.pinned());
    auto locked = numbers{100} | batch<8> | workers(1) | pin_memory;
    if (!locked.pinned()) MESSAGE("the system does not allow locking pages here (ulimit -l)");
    CHECK(run_epoch(locked) == run_epoch(plain));
}

TEST_CASE("loaders start, stop and die at any point") {
    // The order of threads differs from run to run; what is asked for does not.
    std::mt19937 random{5};
    auto const below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
    int cycles = 0;
    while (cycles < 10'000) {
        std::int64_t const broken = below(4) == 0 ? below(300) : -1;
        auto loader =
            numbers{300, broken} | shuffle(seed{1}) | batch<8> | workers(below(5)) | prefetch(1 + below(5));
        if (below(10) == 0) continue; // never started
        for (int epochs = 1 + below(4); epochs > 0; --epochs, ++cycles) {
            auto const leave_at = 8 * below(60);
            if (below(8) == 0) loader.set_position({1, below(9), 8 * below(37), 300});
            try {
                for (auto const& batch : loader) {
                    if (batch.first == leave_at) break;
                    REQUIRE(batch.count() == (batch.first == 296 ? 4 : 8));
                    if (below(50) == 0) std::this_thread::yield();
                    if (below(200) == 0) throw std::logic_error{"the consumer's own"};
                }
            } catch (sample_error const& error) {
                REQUIRE(error.sample() == broken);
            } catch (std::logic_error const&) {
            }
        }
    }
    CHECK(cycles >= 10'000);
}

TEST_CASE("drop_last leaves a short last batch out") {
    auto loader = numbers{10} | batch<4, drop_last>;
    CHECK(loader.batches() == 2);
    CHECK(loader.samples() == 8);
    CHECK(run_epoch(loader).targets == std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 7});
    CHECK(loader.position() == loader_position{0, 1, 0, 10});
    auto even = numbers{8} | batch<4, drop_last>;
    CHECK(even.batches() == 2);
}

TEST_CASE("pad_last repeats the last batch's samples, which don't count") {
    auto loader = numbers{10} | batch<4, pad_last> | workers(1);
    CHECK(loader.batches() == 3);
    CHECK(loader.samples() == 10);
    std::int64_t samples = 0;
    for (auto const& batch : loader) {
        samples += batch.count();
        CHECK(batch.count() + batch.padding == 4);
        CHECK(batch.padding == (batch.first == 8 ? 2 : 0));
        CHECK(batch.padded_inputs().count() == 4);
        CHECK(batch.padded_targets().size() == 4);
        if (batch.padding == 0) continue;
        CHECK(std::ranges::equal(batch.padded_inputs()[2], batch.inputs[0]));
        CHECK(std::ranges::equal(batch.padded_inputs()[3], batch.inputs[1]));
        CHECK(std::ranges::equal(batch.padded_targets(), std::vector<std::int32_t>{8, 9, 8, 9}));
    }
    CHECK(samples == 10);

    // A batch of one sample of which seven repetitions follow.
    auto lonely = numbers{9} | batch<8, pad_last>;
    run_epoch(lonely);
    auto at = lonely.begin();
    ++at;
    CHECK(at->padding == 7);
    for (std::int64_t i = 0; i < 8; ++i) CHECK(at->padded_inputs()[i][0] == 8.0F);
}

namespace {

/// Counts its reads; sample `held` waits until so many others were read, at most some seconds.
struct watched {
    using sample_shape = shape<1>;
    std::atomic<int>* reads;
    std::int64_t held = -1;
    int others = 0;

    std::int64_t size() const { return 1000; }
    std::int32_t read(std::int64_t index, std::span<float> input) const {
        for (int i = 0; index == held && reads->load() < others && i < 5000; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
        ++*reads;
        input[0] = static_cast<float>(index);
        return 0;
    }
};

/// Waits until a number stays as it is.
int settled(std::atomic<int> const& number) {
    for (int before = -1; before != number.load(); std::this_thread::sleep_for(std::chrono::milliseconds{30}))
        before = number.load();
    return number.load();
}

} // namespace

TEST_CASE("a slow consumer stops the workers") {
    std::atomic<int> reads = 0;
    auto loader = watched{&reads} | batch<10> | workers(3) | prefetch(4);
    auto at = loader.begin();
    CHECK(settled(reads) == 50); // the batch that it has, and four ahead
    ++at;
    CHECK(settled(reads) == 60);
}

TEST_CASE("a slow worker holds up its own batch only") {
    std::atomic<int> reads = 0;
    auto loader = watched{&reads, 20, 60} | batch<10> | workers(2) | prefetch(5);
    auto at = loader.begin();
    ++at; // batches 0 and 1 are there while sample 20 waits for those of batches 3 to 6
    CHECK((*at).first == 10);
    ++at;
    CHECK((*at).first == 20);
    CHECK(reads >= 70);
}

TEST_CASE("the time that the consumer waits is measured") {
    struct slow : numbers {
        std::int32_t read(std::int64_t index, std::span<float> input) const {
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
            return numbers::read(index, input);
        }
    };
    for (int const threads : {0, 1}) {
        auto loader = slow{{20}} | batch<5> | workers(threads);
        CHECK(loader.waiting() == 0.0);
        run_epoch(loader);
        CHECK(loader.waiting() > 0.035);
    }
    auto ready = numbers{20} | batch<5> | workers(1) | prefetch(4);
    auto at = ready.begin();
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    auto const before = ready.waiting();
    ++at;
    CHECK(ready.waiting() - before < 0.1);
}
