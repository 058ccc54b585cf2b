// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

#include <lockstep/parallel/reduce.hpp>
#include <lockstep/train/sgd.hpp>

namespace {

using namespace tests;

/// Six steps with the gradients of a file, through the reduction that trainers use, of two shards.
template <class T>
void compare_optimizer(ls::sgd const& optimizer, ls::safetensors_file const& file) {
    auto const expected = file.as<double>("parameters"), gradients = file.as<double>("gradients");
    std::int64_t const steps = file.find("gradients")->shape[0], size = file.find("gradients")->shape[1];
    REQUIRE(size <= ls::slice_alignment);
    std::vector<T> parameters(ls::slice_alignment), velocity(ls::slice_alignment), whole(ls::slice_alignment);
    std::copy_n(converted<T>(expected).data(), size, parameters.data());
    for (std::int64_t step = 0; step < steps; ++step) {
        // Each of two shards of four samples gives half of the sum of eight times the mean.
        std::copy_n(converted<T>(gradients).data() + step * size, size, whole.data());
        for (T& value : whole) value *= 4;
        ls::reduce_and_update<2, T, 1>({whole.data(), whole.data()}, parameters.data(), {velocity.data()},
                                       {0, ls::slice_alignment}, T{8},
                                       optimizer.rule_for<T>(static_cast<std::uint64_t>(step)));
        std::vector<T> const found(parameters.begin(), parameters.begin() + size);
        compare("parameters after step " + std::to_string(step), found, expected.subspan((step + 1) * size, size));
    }
}

double argument(ls::safetensors_file const& file, char const* key) {
    auto const found = file.metadata().find(key);
    return found == file.metadata().end() ? 0.0 : std::stod(found->second);
}

void sgd(ls::safetensors_file const& file) {
    auto const nesterov = file.metadata().find("nesterov");
    ls::sgd const optimizer{argument(file, "lr"), argument(file, "momentum"), argument(file, "dampening"),
                            argument(file, "weight_decay"),
                            nesterov != file.metadata().end() && nesterov->second == "True"};
    REQUIRE(optimizer.learning_rate > 0.0);
    compare_optimizer<double>(optimizer, file);
    compare_optimizer<float>(optimizer, file);
}

constexpr reference_case cases[] = {
    {"optim_sgd", sgd},
    {"optim_sgd_momentum", sgd},
    {"optim_sgd_nesterov_decay", sgd},
    {"optim_sgd_dampening", sgd},
};

} // namespace

tests::case_table tests::optimizer_cases() { return cases; }
