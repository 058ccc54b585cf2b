// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

#include <lockstep/parallel/reduce.hpp>
#include <lockstep/train/adagrad.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/clip.hpp>
#include <lockstep/train/rmsprop.hpp>
#include <lockstep/train/sgd.hpp>

namespace {

using namespace tests;

/// Six steps with the gradients of a file, through the reduction that trainers use, of two shards.
template <class T, class Optimizer>
void compare_optimizer(Optimizer const& optimizer, ls::safetensors_file const& file) {
    constexpr std::size_t states = Optimizer::states;
    auto const expected = file.as<double>("parameters"), gradients = file.as<double>("gradients");
    std::int64_t const steps = file.find("gradients")->shape[0], size = file.find("gradients")->shape[1];
    REQUIRE(size <= ls::slice_alignment);
    std::vector<T> parameters(ls::slice_alignment), whole(ls::slice_alignment);
    std::array<std::vector<T>, states> kept;
    std::array<T*, states> addresses;
    for (std::size_t s = 0; s < states; ++s) {
        kept[s].assign(ls::slice_alignment, T{});
        addresses[s] = kept[s].data();
    }
    std::copy_n(converted<T>(expected).data(), size, parameters.data());
    for (std::int64_t step = 0; step < steps; ++step) {
        // Each of two shards of four samples gives half of the sum of eight times the mean.
        std::copy_n(converted<T>(gradients).data() + step * size, size, whole.data());
        for (T& value : whole) value *= 4;
        ls::reduce_and_update<2, T, states>({whole.data(), whole.data()}, parameters.data(), addresses,
                                            {0, ls::slice_alignment}, T{8},
                                            optimizer.template rule_for<T>(static_cast<std::uint64_t>(step)));
        std::vector<T> const found(parameters.begin(), parameters.begin() + size);
        compare("parameters after step " + std::to_string(step), found, expected.subspan((step + 1) * size, size));
    }
}

double argument(ls::safetensors_file const& file, char const* key) {
    auto const found = file.metadata().find(key);
    return found == file.metadata().end() ? 0.0 : std::stod(found->second);
}
bool flag(ls::safetensors_file const& file, char const* key) {
    auto const found = file.metadata().find(key);
    return found != file.metadata().end() && found->second == "True";
}

template <class Optimizer>
void compare_in_both(Optimizer const& optimizer, ls::safetensors_file const& file) {
    REQUIRE(optimizer.learning_rate > 0.0);
    compare_optimizer<double>(optimizer, file);
    compare_optimizer<float>(optimizer, file);
}

void sgd(ls::safetensors_file const& file) {
    compare_in_both(ls::sgd{argument(file, "lr"), argument(file, "momentum"), argument(file, "dampening"),
                            argument(file, "weight_decay"), flag(file, "nesterov")},
                    file);
}

/// Adam's kin have the same arguments.
template <class Optimizer>
void adam(ls::safetensors_file const& file) {
    CHECK(flag(file, "amsgrad") == std::is_same_v<Optimizer, ls::amsgrad>);
    compare_in_both(Optimizer{argument(file, "lr"), argument(file, "beta1"), argument(file, "beta2"),
                              argument(file, "eps"), argument(file, "weight_decay")},
                    file);
}

void rmsprop(ls::safetensors_file const& file) {
    compare_in_both(ls::rmsprop{argument(file, "lr"), argument(file, "alpha"), argument(file, "eps"),
                                argument(file, "momentum"), flag(file, "centered"), argument(file, "weight_decay")},
                    file);
}

void adagrad(ls::safetensors_file const& file) {
    compare_in_both(ls::adagrad{argument(file, "lr"), argument(file, "lr_decay"), argument(file, "eps")}, file);
}

/// Two parameters' gradients in the memory of all, with gaps between them.
template <class T>
void compare_clip(ls::safetensors_file const& file) {
    ls::clip_norm const clip{argument(file, "max_norm")};
    auto const a = converted<T>(file.as<double>("before.a")), b = converted<T>(file.as<double>("before.b"));
    std::vector<T> gradients(2 * ls::slice_alignment);
    std::ranges::copy(a, gradients.begin());
    std::ranges::copy(b, gradients.begin() + ls::slice_alignment);
    double const norm = std::sqrt(ls::detail::sum_of_squares(std::span<T const>(gradients)));
    compare("norm", std::vector<T>{static_cast<T>(norm)}, file.as<double>("norm"));
    CHECK(norm > clip.max);
    std::ranges::transform(gradients, gradients.begin(), clip.function_for<T>(norm));
    compare("a", std::vector<T>(gradients.begin(), gradients.begin() + a.size()), file.as<double>("after.a"));
    auto const second = gradients.begin() + ls::slice_alignment;
    compare("b", std::vector<T>(second, second + b.size()), file.as<double>("after.b"));
}

void clip_grad_norm(ls::safetensors_file const& file) {
    compare_clip<double>(file);
    compare_clip<float>(file);
}

constexpr reference_case cases[] = {
    {"optim_sgd", sgd},
    {"optim_sgd_momentum", sgd},
    {"optim_sgd_nesterov_decay", sgd},
    {"optim_sgd_dampening", sgd},
    {"optim_adam", adam<ls::adam>},
    {"optim_adam_decay_amsgrad", adam<ls::amsgrad>},
    {"optim_adamw", adam<ls::adamw>},
    {"optim_rmsprop", rmsprop},
    {"optim_adagrad", adagrad},
    {"clip_grad_norm", clip_grad_norm},
};

added_cases const added(cases);

} // namespace
