// SPDX-License-Identifier: MIT
// Trains a convolutional net or a multilayer perceptron on Fashion-MNIST, on all cores of this machine.

#include "models/lenet.hpp"
#include "models/mlp.hpp"

#include <lockstep/lockstep.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <thread>

namespace ls = lockstep;

constexpr int samples_a_batch = 64;

/// Mean and standard deviation of the training images' pixels.
constexpr ls::normalize scale{.mean = 0.2860f, .deviation = 0.3530f};

struct options {
    std::string model = "lenet";
    int replicas = 0;
    bool reproducible = false;
    int epochs = 0;
    std::uint64_t seed = 1;
    double learning_rate = 0.02;
    std::string data = ls::fashion_mnist_directory;
    std::string save, load, curve;
    std::string plan;
    bool augment = false;
    bool quiet = false;
};

/// Images that are moved by up to two pixels and perhaps mirrored, in each epoch otherwise.
auto augmented(ls::fashion_mnist_dataset const& images, std::uint64_t seed) {
    return ls::pixels(images) | ls::map(ls::seed{seed}, ls::random_crop<2>{}, ls::horizontal_flip{}, scale);
}

/// One epoch over the training images. Returns the mean loss.
template <class Trainer, class Loader>
double train(Trainer& trainer, Loader& images, std::string const& label, bool quiet, std::vector<double>& losses) {
    ls::progress bar{{.label = label, .total = images.samples(), .quiet = quiet}};
    double sum = 0.0;
    std::int64_t seen = 0;
    for (auto const& batch : images) {
        double const loss = trainer.step(batch);
        losses.push_back(loss);
        sum += loss * static_cast<double>(batch.count());
        seen += batch.count();
        bar.update(seen);
    }
    bar.finish();
    return sum / static_cast<double>(seen);
}

/// Trains with a loader. Returns the last accuracy.
template <class Trainer, class Images, class Test>
double train_epochs(Trainer& trainer, Images& images, Test& test, options const& o, ls::checkpoint_position start) {
    // What cannot be written is better known before an hour of work than after it.
    for (std::string const& file : {o.save, o.curve}) ls::atomic_file writable{file};
    images.set_epoch(start.epoch);
    constexpr int replicas = Trainer::replicas;
    ls::training_curve curve{.title = "Fashion-MNIST, " + o.model};
    curve.subtitle = std::to_string(replicas) + (replicas == 1 ? " replica" : " replicas") + ", batches of " +
                     std::to_string(samples_a_batch);
    auto const last = start.epoch + o.epochs;
    double accuracy = 0.0;
    for (auto epoch = start.epoch + 1; epoch <= last; ++epoch) {
        // Smaller steps as the model gets better; a function of the epoch, so that a run may be continued.
        trainer.optimizer().learning_rate = o.learning_rate * std::pow(0.6, static_cast<double>(epoch - 1));
        std::string const label = "epoch " + std::to_string(epoch) + "/" + std::to_string(last);
        double const waited_for_data = images.waiting(), waited_for_replicas = trainer.waited_seconds(0);
        auto const begin = std::chrono::steady_clock::now();
        double const loss = train(trainer, images, label, o.quiet, curve.step_losses);
        double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        ls::evaluation const result = trainer.evaluate(test);
        curve.points.push_back({static_cast<double>(epoch), loss, result.loss, result.accuracy});
        if (!o.quiet)
            std::printf("%s: training loss %.4f, test loss %.4f, test accuracy %.3f; waited for data %.1f%%, for replicas %.1f%%\n",
                        label.c_str(), loss, result.loss, result.accuracy, 100 * (images.waiting() - waited_for_data) / seconds,
                        100 * (trainer.waited_seconds(0) - waited_for_replicas) / seconds);
        std::fflush(stdout);
        accuracy = result.accuracy;
    }
    ls::save_checkpoint(o.save, trainer, last);
    ls::write_curve(o.curve, curve);
    if (!o.quiet) std::printf("wrote %s and %s\n", o.save.c_str(), o.curve.c_str());
    return accuracy;
}

template <class Net, int Replicas, int Shards>
void run(options const& o) {
    using devices = ls::cpu_devices<Replicas>;
    ls::parallel<Net, devices, ls::reproducible<Shards>> model{ls::seed{o.seed}};
    ls::trainer trainer{model, ls::cross_entropy{},
                        ls::sgd{.learning_rate = o.learning_rate, .momentum = 0.9, .weight_decay = 1e-4},
                        ls::batch_size<samples_a_batch>};
    if (!o.plan.empty()) {
        ls::plan const& plan = trainer.training_plan;
        std::string const text = o.plan == "json"  ? ls::to_json(plan)
                                 : o.plan == "svg" ? ls::to_svg(plan)
                                                   : ls::to_text(plan);
        std::fputs(text.c_str(), stdout);
        return;
    }
    auto test = ls::fashion_mnist(ls::split::test, o.data, scale) | ls::batch<samples_a_batch>;
    ls::checkpoint_position start;
    if (!o.load.empty()) start = ls::load_checkpoint(o.load, trainer);

    double accuracy = 0.0;
    if (o.epochs == 0) {
        ls::evaluation const result = trainer.evaluate(test);
        std::printf("%s: test loss %.4f\n", o.load.c_str(), result.loss);
        accuracy = result.accuracy;
    } else {
        auto const data = ls::fashion_mnist(ls::split::train, o.data, scale);
        auto const train_on = [&](auto const& images) {
            auto loader = images | ls::shuffle(ls::seed{o.seed}) | ls::batch<samples_a_batch> | ls::workers(1) | ls::prefetch(4);
            accuracy = train_epochs(trainer, loader, test, o, start);
        };
        if (o.augment) train_on(augmented(data, o.seed));
        else train_on(data);
    }
    std::printf("test accuracy: %.3f\n", accuracy);
}

template <class Net>
void run_with(options const& o) {
    constexpr int fixed = 4; // shards under --reproducible, whatever the number of replicas
    switch (o.replicas) {
    case 1: return o.reproducible ? run<Net, 1, fixed>(o) : run<Net, 1, 1>(o);
    case 2: return o.reproducible ? run<Net, 2, fixed>(o) : run<Net, 2, 2>(o);
    default: return run<Net, 4, fixed>(o);
    }
}

int main(int argc, char** argv) {
    options o;
    unsigned const cores = std::thread::hardware_concurrency();
    o.replicas = cores >= 4 ? 4 : cores >= 2 ? 2 : 1;

    CLI::App app{"Trains on Fashion-MNIST: 60,000 images of clothes, 10 classes.", "fashion_mnist"};
    app.add_option("--model", o.model, "lenet or mlp")->check(CLI::IsMember({"lenet", "mlp"}))->capture_default_str();
    app.add_option("--replicas", o.replicas, "replicas of the model, one thread each: 1, 2 or 4")
        ->check(CLI::IsMember({1, 2, 4}))
        ->capture_default_str();
    app.add_flag("--reproducible", o.reproducible, "the same bits for 1, 2 and 4 replicas");
    auto* epochs = app.add_option("--epochs", o.epochs, "epochs to train (3, mlp 5; with --load none)")
                       ->check(CLI::Range(1, 10000));
    app.add_option("--seed", o.seed, "of initial values, order and dropout")->capture_default_str();
    app.add_option("--learning-rate", o.learning_rate)->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--data", o.data, "directory with the four IDX files, gzipped or not")->capture_default_str();
    app.add_option("--save", o.save, "where the model goes (fashion_mnist_MODEL.safetensors)");
    app.add_option("--load", o.load, "a saved model: evaluates it, with --epochs goes on training");
    app.add_option("--curve", o.curve, "where the picture goes (fashion_mnist_MODEL.svg)");
    app.add_flag("--plan{text}", o.plan, "prints the plan of a step and ends: as text, --plan=json or --plan=svg")
        ->check(CLI::IsMember({"text", "json", "svg"}));
    app.add_flag("--augment", o.augment, "moves and mirrors the training images at random");
    app.add_flag("--quiet", o.quiet, "prints the last line only");
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& problem) {
        return app.exit(problem) == 0 ? 0 : 2;
    }
    if (epochs->count() == 0 && o.load.empty()) o.epochs = o.model == "mlp" ? 5 : 3;
    if (o.save.empty()) o.save = "fashion_mnist_" + o.model + ".safetensors";
    if (o.curve.empty()) o.curve = "fashion_mnist_" + o.model + ".svg";
    try {
        if (o.model == "mlp") run_with<models::mlp>(o);
        else run_with<models::lenet>(o);
        return 0;
    } catch (ls::usage_error const& problem) {
        std::fprintf(stderr, "fashion_mnist: %s\n", problem.what());
        return 2;
    } catch (std::exception const& problem) {
        std::fprintf(stderr, "fashion_mnist: %s\n", problem.what());
        return 1;
    }
}
