// SPDX-License-Identifier: MIT
// A failure anywhere in a step, of an operation or an update, in one replica, in one process: everybody ends, the caller
// gets an error that names the place, and the trainer takes no step until it is restored.
#include "processes.hpp"
#include "training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace {

using namespace tests;

/// Calls until one throws; below 0, none does.
std::atomic<int> calls_left{-1};
void count_call() {
    if (calls_left.load(std::memory_order_relaxed) >= 0 && calls_left.fetch_sub(1) == 0) throw std::runtime_error("injected");
}

template <class T, class E>
struct failing_kernel {
    static constexpr ls::host::kernel const& usual = ls::host::kernel_for<T, ls::host::portable, E>::value;
    static void run(ls::host::kernel_call const& call) {
        count_call();
        usual.run(call);
    }
    static void run_rows(ls::host::kernel_call const& call, std::int64_t first, std::int64_t rows) {
        if (first == 0) count_call();
        usual.run_rows(call, first, rows);
    }
    static constexpr ls::host::kernel value{&run, usual.run_rows != nullptr ? &run_rows : nullptr, usual.takes_tail,
                                            usual.make_state, usual.free_state};
};

/// cpu_devices, every operation of which may fail.
template <int Replicas>
struct failing_devices {
    static constexpr int replicas = Replicas;
    static constexpr ls::bucket_bounds buckets{};
    template <class T>
    struct backend {
        using element = T;
        template <class E>
        static constexpr void const* kernel() {
            return &failing_kernel<T, E>::value;
        }
    };
};

/// sgd, whose formula may fail in some slice of a bucket.
struct failing_sgd {
    double learning_rate = 0.1;
    static constexpr int states = 1;
    static constexpr char const* state_names[] = {"sum"};
    template <class T>
    struct rule {
        T rate;
        T operator()(T parameter, T gradient, T& sum) const {
            sum += gradient;
            return parameter - rate * sum;
        }
    };
    template <class T>
    rule<T> rule_for(std::uint64_t) const {
        count_call();
        return {static_cast<T>(learning_rate)};
    }
};

using net = ls::sequential<ls::shape<6>, ls::linear<20>, ls::batch_norm<ls::synchronized>, ls::tanh, ls::dropout<0.3>, ls::linear<4>>;

std::string message_of(auto const& call) {
    try {
        call();
    } catch (std::exception const& failure) {
        return failure.what();
    }
    return "nothing";
}

struct temporary_file {
    std::string path = (std::filesystem::temp_directory_path() / "lockstep_failure.safetensors").string();
    ~temporary_file() { std::filesystem::remove(path); }
};

/// Lets call number 0, 1, 2, ... of a step fail until all have. Returns how many there were.
template <class Model, class Optimizer, class... Options>
int fail_everywhere(Optimizer const& optimizer, std::string const& expected, Options const&... options) {
    temporary_file const file;
    samples<float, ls::shape<6>> const data(16, 4, 5);
    Model reference{ls::seed{1}};
    ls::trainer whole{reference, ls::cross_entropy{}, optimizer, ls::batch_size<16>, options...};
    whole.step(data.batch(0, 16));
    ls::save_checkpoint(file.path, whole, 0);
    double const next_loss = whole.step(data.batch(0, 13));
    auto const next = outcome_of(whole);

    Model model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, optimizer, ls::batch_size<16>, options...};
    for (int call = 0;; ++call) {
        ls::load_checkpoint(file.path, trainer);
        calls_left = call;
        std::string const found = message_of([&] { trainer.step(data.batch(0, 13)); });
        bool const all_done = calls_left >= 0;
        calls_left = -1;
        if (all_done) {
            CHECK(found == "nothing");
            CHECK(outcome_of(trainer) == next);
            return call;
        }
        CAPTURE(call);
        CHECK(found.starts_with("replica "));
        CHECK(found.find(expected) != std::string::npos);
        CHECK(found.ends_with(": injected"));
        CHECK(message_of([&] { trainer.step(data.batch(0, 16)); }).starts_with("trainer: an earlier step failed"));
        // Restored, it goes on as if nothing had happened.
        ls::load_checkpoint(file.path, trainer);
        CHECK(trainer.step(data.batch(0, 13)) == next_loss);
        CHECK(outcome_of(trainer) == next);
    }
}

} // namespace

TEST_CASE("any operation of a step may fail, in any replica") {
    using two = ls::parallel<net, failing_devices<2>, ls::reproducible<4>, ls::buckets<ls::bucket_bytes<256>>>;
    int const calls = fail_everywhere<two>(ls::sgd{.learning_rate = 0.1, .momentum = 0.9}, ", operation ");
    // Every operation of 4 shards, but those that are carried out together.
    CHECK(calls > 4 * 20);
    using four = ls::parallel<net, failing_devices<4>, ls::reproducible<4>>;
    CHECK(fail_everywhere<four>(ls::sgd{.learning_rate = 0.1, .momentum = 0.9}, ", operation ") == calls);
}

TEST_CASE("any update of a bucket may fail") {
    using two = ls::parallel<net, ls::cpu_devices<2, ls::host::portable>, ls::buckets<ls::bucket_bytes<256>>>;
    CHECK(fail_everywhere<two>(failing_sgd{}, ", the update of bucket ") >= 2 * 2);
    CHECK(fail_everywhere<two>(failing_sgd{}, ", the update of bucket ", ls::clip_norm{1.0}) >= 2 * 2);
}

TEST_CASE("the cause of a failure is nested in its error") {
    ls::parallel<net, failing_devices<3>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<6>};
    samples<float, ls::shape<6>> const data(6, 4, 5);
    calls_left = 7;
    try {
        trainer.step(data.batch(0, 6));
        FAIL("expected an error");
    } catch (ls::replica_error const& failure) {
        CHECK(failure.replica() >= 0);
        CHECK(failure.replica() < 3);
        CHECK_THROWS_WITH_AS(std::rethrow_if_nested(failure), "injected", std::runtime_error);
    }
    calls_left = -1;
}

TEST_CASE("where one process fails, the others end with an error that names it") {
    for (int call = 0; call < 120; call += 7) {
        auto const [results, failures] = run_processes(2, [&](int rank) {
            samples<float, ls::shape<6>> const data(16, 4, 5);
            using devices = failing_devices<2>;
            ls::parallel<net, devices, ls::reproducible<4>, ls::buckets<ls::bucket_bytes<256>>, threads_as_processes> model{ls::seed{1}};
            ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>};
            auto batch = data.batch(8 * rank, 8);
            batch.whole = 16;
            batch.offset = 8 * rank;
            trainer.step(batch);
            if (rank == 0) calls_left = call;
            for (int step = 0; step < 50; ++step) trainer.step(batch);
            return 0;
        });
        calls_left = -1;
        CAPTURE(failures[0]);
        CAPTURE(failures[1]);
        // One has failed, and says where; the other one knows.
        int const first = failures[0].find("injected") < failures[0].find("process 1 failed") ? 0 : 1;
        CHECK(failures[static_cast<std::size_t>(first)].ends_with("injected"));
        CHECK(failures[static_cast<std::size_t>(1 - first)].find("process " + std::to_string(first) + " failed: replica ") !=
              std::string::npos);
    }
}

TEST_CASE("processes that don't do the same end with an error that says so") {
    auto const run = [](auto const& work) {
        auto const [results, failures] = run_processes(2, [&](int rank) {
            samples<float, ls::shape<6>> const data(16, 4, 5);
            ls::parallel<net, ls::cpu_devices<1>, threads_as_processes> model{ls::seed{1}};
            ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>};
            auto batch = data.batch(8 * rank, 8);
            batch.whole = 16;
            batch.offset = 8 * rank;
            trainer.step(batch);
            work(rank, trainer, batch);
            return 0;
        });
        return failures;
    };
    auto const names = [](std::vector<std::string> const& failures, std::string const& text) {
        for (std::string const& each : failures) CHECK_MESSAGE(each.find(text) != std::string::npos, each);
    };
    // One evaluates while the other trains.
    names(run([](int rank, auto& trainer, auto const& batch) {
        std::vector const one{batch};
        if (rank == 0) trainer.step(batch);
        else trainer.evaluate(one);
    }), "processes are not in step: process ");
    // Batches of different sizes, or not the parts of one.
    names(run([](int rank, auto& trainer, auto batch) {
        if (rank == 1) batch.whole = 15;
        trainer.step(batch);
    }), "of 15 samples");
    names(run([](int rank, auto& trainer, auto batch) {
        if (rank == 1) batch.offset = 0;
        trainer.step(batch);
    }), "process 1 is to take 8 from 8 on, found 8 from 0 on");
    names(run([](int rank, auto& trainer, auto const& batch) {
        if (rank == 1) trainer.set_learning_rate(0.25);
        trainer.step(batch);
    }), "at a learning rate of 0.25");
    // One process' batch cannot be taken.
    names(run([](int rank, auto& trainer, auto batch) {
        std::vector<std::int32_t> const wrong(8, 7);
        if (rank == 1) batch.targets = wrong;
        trainer.step(batch);
    }), "has target 7, expected 0 to 3");
}

TEST_CASE("processes with different models, seeds or trainings end with an error that says so") {
    auto const both = [](auto const& work) { return run_processes(2, [&](int rank) { work(rank); return 0; }).second; };
    using other = ls::sequential<ls::shape<6>, ls::linear<21>, ls::linear<4>>;
    for (std::string const& text : both([](int rank) {
             if (rank == 0) ls::parallel<net, ls::cpu_devices<1>, threads_as_processes> model{ls::seed{1}};
             else ls::parallel<other, ls::cpu_devices<1>, threads_as_processes> model{ls::seed{1}};
         }))
        CHECK(text.find("parallel: the model's plan: expected the same in all processes, found ") != text.npos);
    // The same operations, but for a number in one of them.
    using drops_more = ls::sequential<ls::shape<6>, ls::linear<20>, ls::batch_norm<ls::synchronized>, ls::tanh, ls::dropout<0.4>, ls::linear<4>>;
    for (std::string const& text : both([](int rank) {
             if (rank == 0) ls::parallel<net, ls::cpu_devices<1>, threads_as_processes> model{ls::seed{1}};
             else ls::parallel<drops_more, ls::cpu_devices<1>, threads_as_processes> model{ls::seed{1}};
         }))
        CHECK(text.find("parallel: the model's plan: expected the same in all processes, found ") != text.npos);
    for (std::string const& text : both([](int rank) {
             ls::parallel<net, ls::cpu_devices<1>, threads_as_processes> model{ls::seed{static_cast<std::uint64_t>(rank + 5)}};
         }))
        CHECK(text.ends_with("parallel: the seed: expected the same in all processes, found 5 in process 0 and 6 in process 1"));
    for (std::string const& text : both([](int rank) {
             ls::parallel<net, ls::cpu_devices<1>, threads_as_processes> model{ls::seed{1}};
             if (rank == 0) ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>};
             else ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<8>};
         }))
        CHECK(text.find("trainer: the plan: expected the same in all processes, found ") != text.npos);
    for (std::string const& text : both([](int) {
             ls::parallel<net, ls::cpu_devices<1>, ls::reproducible<3>, threads_as_processes> model{ls::seed{1}};
         }))
        CHECK(text == "parallel: reproducible<3> on 2 processes of 1 replicas: expected a number of shards that their product divides");
}
