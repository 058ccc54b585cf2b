// SPDX-License-Identifier: MIT
// Trains on Fashion-MNIST with several processes, here or on several machines:
//
//   mpirun -n 2 distributed --epochs 2
//
// Any number of processes and replicas whose product divides 8 leaves the same model, byte for byte.

#include "models/lenet.hpp"
#include "models/mlp.hpp"

#include <lockstep/mpi.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

namespace ls = lockstep;

constexpr int samples_a_batch = 64, shards_a_batch = 8;
constexpr ls::normalize scale{.mean = 0.2860f, .deviation = 0.3530f};

struct options {
    std::string model = "mlp";
    int replicas = 1;
    int epochs = 2;
    std::int64_t samples = 60000;
    bool sharded = false;
    std::uint64_t seed = 1;
    double learning_rate = 0.02;
    std::string data = ls::fashion_mnist_directory;
    std::string save = "distributed.safetensors", load;
};

template <class Net, int Replicas, class... Policies>
void run(options const& o) {
    int const rank = ls::mpi::rank(), processes = ls::mpi::size();
    ls::parallel<Net, ls::cpu_devices<Replicas>, ls::reproducible<shards_a_batch>, ls::mpi, Policies...> model{ls::seed{o.seed}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = o.learning_rate, .momentum = 0.9},
                        ls::batch_size<samples_a_batch>};
    auto train = ls::fashion_mnist(ls::split::train, o.data, scale) | ls::take(o.samples) | ls::shuffle(ls::seed{o.seed}) |
                 ls::batch<samples_a_batch> | ls::distributed(rank, processes);
    auto test = ls::fashion_mnist(ls::split::test, o.data, scale) | ls::batch<samples_a_batch> | ls::distributed(rank, processes);
    ls::checkpoint_position start;
    if (!o.load.empty()) start = ls::load_checkpoint(o.load, trainer);
    train.set_epoch(start.epoch);
    // One of them speaks.
    bool const prints = rank == 0;
    if (prints)
        std::printf("%d processes of %d replicas, %.1f MiB a replica, %.1f KiB sent a step\n", processes, Replicas,
                    static_cast<double>(trainer.training_plan.peak_bytes(0, processes)) / (1 << 20),
                    static_cast<double>(trainer.training_plan.communicated_bytes(processes)) / 1024);
    for (auto epoch = start.epoch + 1; epoch <= start.epoch + o.epochs; ++epoch) {
        double sum = 0.0;
        std::int64_t steps = 0;
        for (auto const& batch : train) {
            sum += trainer.step(batch);
            ++steps;
        }
        ls::evaluation const result = trainer.evaluate(test);
        ls::save_checkpoint(o.save, trainer, epoch);
        if (prints)
            std::printf("epoch %lld: training loss %.4f, test loss %.4f, test accuracy %.3f\n", static_cast<long long>(epoch),
                        sum / static_cast<double>(steps), result.loss, result.accuracy);
        std::fflush(stdout);
    }
}

template <class Net, int Replicas>
void run_with(options const& o) {
    if (o.sharded) run<Net, Replicas, ls::sharded_optimizer>(o);
    else run<Net, Replicas>(o);
}

int main(int argc, char** argv) {
    options o;
    CLI::App app{"Trains on Fashion-MNIST, under mpirun.", "distributed"};
    app.add_option("--model", o.model, "mlp or lenet")->check(CLI::IsMember({"mlp", "lenet"}))->capture_default_str();
    app.add_option("--replicas", o.replicas, "replicas of each process: 1 or 2")->check(CLI::IsMember({1, 2}))->capture_default_str();
    app.add_option("--epochs", o.epochs)->check(CLI::Range(1, 10000))->capture_default_str();
    app.add_option("--samples", o.samples, "of the training images, the first ones")->check(CLI::Range(1, 60000))->capture_default_str();
    app.add_flag("--sharded-optimizer", o.sharded, "each process keeps its own part of the optimizer's values alone");
    app.add_option("--seed", o.seed)->capture_default_str();
    app.add_option("--learning-rate", o.learning_rate)->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--data", o.data, "directory with the four IDX files, gzipped or not")->capture_default_str();
    app.add_option("--save", o.save, "where the model goes, after every epoch")->capture_default_str();
    app.add_option("--load", o.load, "goes on from a saved model, of any number of processes");
    CLI11_PARSE(app, argc, argv);
    try {
        if (o.model == "mlp") o.replicas == 1 ? run_with<models::mlp, 1>(o) : run_with<models::mlp, 2>(o);
        else o.replicas == 1 ? run_with<models::lenet, 1>(o) : run_with<models::lenet, 2>(o);
        return 0;
    } catch (std::exception const& problem) {
        std::fprintf(stderr, "distributed: %s\n", problem.what());
        return 1;
    }
}
