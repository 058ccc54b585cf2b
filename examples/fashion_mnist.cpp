// SPDX-License-Identifier: MIT
// Trains a convolutional net or a multilayer perceptron on Fashion-MNIST, on all cores of this machine or, where it was
// built with CUDA, on GPUs: see fashion_mnist.cu.

#include "fashion_mnist.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace ls = lockstep;

template <int... Replicas>
void add_cpu_devices() {
    auto& known = fashion_mnist::known_devices();
    (known.emplace("cpu:" + std::to_string(Replicas), &fashion_mnist::train_on<ls::cpu_devices<Replicas>>), ...);
}

int main(int argc, char** argv) {
    fashion_mnist::options o;
    add_cpu_devices<1, 2, 4>();
    unsigned const cores = std::thread::hardware_concurrency();
    o.devices = cores >= 4 ? "cpu:4" : cores >= 2 ? "cpu:2" : "cpu:1";
    std::vector<std::string> devices;
    for (auto const& known : fashion_mnist::known_devices()) devices.push_back(known.first);

    CLI::App app{"Trains on Fashion-MNIST: 60,000 images of clothes, 10 classes.", "fashion_mnist"};
    app.add_option("--model", o.model, "lenet or mlp")->check(CLI::IsMember({"lenet", "mlp"}))->capture_default_str();
    app.add_option("--devices", o.devices, "replicas of the model: cpu:N on N threads; built with CUDA, cuda:N on N GPUs")
        ->check(CLI::IsMember(devices))
        ->capture_default_str();
    app.add_flag("--reproducible", o.reproducible, "the same bits for 1, 2 and 4 replicas of a kind");
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
        fashion_mnist::known_devices().at(o.devices)(o);
        return 0;
    } catch (ls::usage_error const& problem) {
        std::fprintf(stderr, "fashion_mnist: %s\n", problem.what());
        return 2;
    } catch (std::exception const& problem) {
        std::fprintf(stderr, "fashion_mnist: %s\n", problem.what());
        return 1;
    }
}
