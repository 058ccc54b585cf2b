// SPDX-License-Identifier: MIT
#pragma once

#include "models/lenet.hpp"
#include "models/mlp.hpp"

#include <lockstep/lockstep.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

/// The training of examples/fashion_mnist.cpp, on devices of any kind.
namespace fashion_mnist {

namespace ls = lockstep;

constexpr int samples_a_batch = 64;
/// Shards of a batch where bits are the same on 1, 2 and 4 replicas.
constexpr int fixed_shards = 4;

/// Mean and standard deviation of the training images' pixels.
constexpr ls::normalize scale{.mean = 0.2860f, .deviation = 0.3530f};

struct options {
    std::string model = "lenet";
    std::string devices;
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
inline auto augmented(ls::fashion_mnist_dataset const& images, std::uint64_t seed) {
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

/// How long the first replica has waited for others; on devices of their own nobody counts it.
template <class Trainer>
double seconds_waited(Trainer const& trainer) {
    if constexpr (requires { trainer.waited_seconds(0); }) return trainer.waited_seconds(0);
    else return 0.0;
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
        double const waited_for_data = images.waiting(), waited_for_replicas = seconds_waited(trainer);
        auto const begin = std::chrono::steady_clock::now();
        double const loss = train(trainer, images, label, o.quiet, curve.step_losses);
        double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        ls::evaluation const result = trainer.evaluate(test);
        curve.points.push_back({static_cast<double>(epoch), loss, result.loss, result.accuracy});
        if (!o.quiet)
            std::printf("%s: training loss %.4f, test loss %.4f, test accuracy %.3f; waited for data %.1f%%, for replicas %.1f%%\n",
                        label.c_str(), loss, result.loss, result.accuracy, 100 * (images.waiting() - waited_for_data) / seconds,
                        100 * (seconds_waited(trainer) - waited_for_replicas) / seconds);
        std::fflush(stdout);
        accuracy = result.accuracy;
    }
    ls::save_checkpoint(o.save, trainer, last);
    ls::write_curve(o.curve, curve);
    if (!o.quiet) std::printf("wrote %s and %s\n", o.save.c_str(), o.curve.c_str());
    return accuracy;
}

template <class Net, class Devices, int Shards>
void run(options const& o) {
    ls::parallel<Net, Devices, ls::reproducible<Shards>> model{ls::seed{o.seed}};
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

/// The model that the options name, with as many shards as replicas or, reproducibly, with a fixed number.
template <class Devices>
void train_on(options const& o) {
    constexpr int each = Devices::replicas;
    if (o.model == "mlp") o.reproducible ? run<models::mlp, Devices, fixed_shards>(o) : run<models::mlp, Devices, each>(o);
    else o.reproducible ? run<models::lenet, Devices, fixed_shards>(o) : run<models::lenet, Devices, each>(o);
}

/// What trains on which devices, by what --devices says: each source of this program adds what it is compiled for.
inline std::map<std::string, void (*)(options const&)>& known_devices() {
    static std::map<std::string, void (*)(options const&)> all;
    return all;
}

} // namespace fashion_mnist
