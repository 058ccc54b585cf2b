// SPDX-License-Identifier: MIT
#include "reference.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/model/loss.hpp>
#include <lockstep/parallel/devices.hpp>
#include <lockstep/parallel/parallel.hpp>
#include <lockstep/parallel/reduce.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <numbers>
#include <set>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

// ---- a layer that the library has not got, as a user writes it ----

struct erf_function {
    static constexpr char const* name = "erf";
    static auto apply(auto x) { return std::erf(x); }
    // d erf(x)/dx = 2 / sqrt(pi) exp(-x^2)
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return upstream * ls::literal<2.0 * std::numbers::inv_sqrtpi>{} * ls::exp(-(x * x));
    }
};

/// x Phi(x), the exact form.
struct gelu {
    template <ls::expression X>
    constexpr auto operator()(X x) const {
        using scaled = decltype(x * ls::literal<std::numbers::sqrt2 / 2.0>{});
        return x * ls::literal<0.5>{} * (ls::literal<1.0>{} + ls::apply<erf_function, scaled>{});
    }
};

// ---- losses ----

/// What to divide a sum over all samples by.
enum class reduction { mean, sum };

template <class T>
void compare_loss(ls::plan const& plan, ls::safetensors_file const& file, reduction how) {
    std::int64_t const samples = file.find("input")->shape[0];
    auto const classes = file.as<std::int64_t>("target");
    std::vector<std::int32_t> const targets(classes.begin(), classes.end());
    double const divisor = how == reduction::mean ? static_cast<double>(samples) : 1.0;
    auto divided = [divisor](std::vector<T> values) {
        for (T& value : values) value = static_cast<T>(value / divisor);
        return values;
    };
    pass<T> model(plan);
    T const sum = model.forward(converted<T>(file.as<double>("input")), targets.data(), samples);
    compare("loss", divided({sum}), file.as<double>("output"));
    model.backward();
    compare("gradient of the input", divided(model.input_gradient(samples)), file.as<double>("grad_input"));
}

/// A model that does nothing.
struct identity {
    constexpr auto operator()(auto x) const { return x; }
};

template <reduction How>
void cross_entropy(ls::safetensors_file const& file) {
    using scores = sequential<shape<5>, identity>;
    compare_loss<double>(pass_plan<scores, ls::cross_entropy, double, ls::host::portable, 4>, file, How);
    compare_loss<float>(pass_plan<scores, ls::cross_entropy, float, ls::host::default_library, 4>, file, How);
}

// ---- optimizers ----

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

// ---- training ----

/// Ten steps on two replicas. What rounding does grows with the steps, so float has a bound of its own.
template <class T, class Library>
void compare_training(ls::safetensors_file const& file, double training_bound) {
    using net = sequential<shape<8>, ls::linear<16>, ls::relu, ls::linear<4>>;
    ls::parallel<net, ls::cpu_devices<2, Library>, ls::element<T>> model{ls::seed{1}};
    for (int i = 0; i < model.parameter_count(); ++i)
        model.set_parameter(i, converted<T>(file.as<double>("before." + model.parameter_name(i))));
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.05, .momentum = 0.9},
                        ls::batch_size<8>};
    auto const inputs = converted<T>(file.as<double>("inputs"));
    auto const classes = file.as<std::int64_t>("targets");
    std::vector<std::int32_t> const targets(classes.begin(), classes.end());
    std::vector<T> losses;
    for (std::size_t step = 0; step < 10; ++step) {
        ls::tensor_view<T const, shape<8>> const samples(inputs.data() + step * 64, 8);
        losses.push_back(static_cast<T>(trainer.step(
            ls::batch_view<T, shape<8>>{samples, std::span<std::int32_t const>(targets).subspan(step * 8, 8)})));
    }
    CHECK(relative_error(losses, file.as<double>("losses")) <= training_bound);
    for (int i = 0; i < model.parameter_count(); ++i) {
        INFO(model.parameter_name(i));
        CHECK(relative_error(model.parameter(i), file.as<double>("after." + model.parameter_name(i))) <= training_bound);
    }
}

void training_mlp(ls::safetensors_file const& file) {
    compare_training<double, ls::host::portable>(file, 1e-10);
    compare_training<float, ls::host::default_library>(file, 1e-5);
}

// ---- the table ----

struct reference_case {
    char const* file;
    void (*run)(ls::safetensors_file const&);
};

using image = shape<3, 8, 9>;
using vector9 = shape<9>;
using lenet = sequential<shape<1, 16, 16>, ls::conv2d<4, 5, ls::padding<2>>, ls::relu, ls::max_pool2d<2>,
                         ls::conv2d<6, 5>, ls::relu, ls::max_pool2d<2>, ls::flatten, ls::linear<10>, ls::relu,
                         ls::linear<5>>;
using residual_mlp = sequential<shape<6>, ls::residual<ls::linear<12>, gelu, ls::linear<6>>>;

constexpr reference_case cases[] = {
    {"linear", layer<sequential<shape<7>, ls::linear<5>>>},
    {"linear_no_bias", layer<sequential<shape<6>, ls::linear<3, ls::no_bias>>>},
    {"conv2d", layer<sequential<image, ls::conv2d<4, 3>>>},
    {"conv2d_padded", layer<sequential<shape<2, 8, 9>, ls::conv2d<5, 5, ls::padding<2>>>>},
    {"conv2d_strided", layer<sequential<image, ls::conv2d<4, 3, ls::stride<2>, ls::padding<1>>>>},
    {"conv2d_rectangular", layer<sequential<shape<2, 8, 9>, ls::conv2d<3, 3, ls::window_width<5>, ls::stride<2, 1>,
                                                                       ls::padding<1, 2>>>>},
    {"conv2d_1x1", layer<sequential<shape<5, 8, 9>, ls::conv2d<7, 1>>>},
    {"max_pool2d", layer<sequential<shape<3, 8, 8>, ls::max_pool2d<2>>>},
    {"max_pool2d_overlapping", layer<sequential<shape<2, 8, 8>, ls::max_pool2d<3, ls::stride<2>, ls::padding<1>>>>},
    {"activation_relu", layer<sequential<vector9, ls::relu>>},
    {"activation_tanh", layer<sequential<vector9, ls::tanh>>},
    {"activation_sigmoid", layer<sequential<vector9, ls::sigmoid>>},
    {"residual_mlp", layer<residual_mlp, of_a_branch>},
    {"lenet", layer<lenet, of_a_model>},
    {"loss_cross_entropy", cross_entropy<reduction::mean>},
    {"loss_cross_entropy_sum", cross_entropy<reduction::sum>},
    {"optim_sgd", sgd},
    {"optim_sgd_momentum", sgd},
    {"optim_sgd_nesterov_decay", sgd},
    {"optim_sgd_dampening", sgd},
    {"training_mlp", training_mlp},
};

} // namespace

TEST_CASE("PyTorch's results are ours") {
    for (reference_case const& each : cases)
        SUBCASE(each.file) { each.run(ls::safetensors_file::read(golden_path("data/" + std::string(each.file) + ".safetensors"))); }
}

TEST_CASE("every reference case is in the index, and every file of the index is there") {
    std::set<std::string> files, index, covered;
    for (auto const& entry : std::filesystem::directory_iterator(golden_path("data")))
        files.insert(entry.path().stem().string());
    std::ifstream text(golden_path("INDEX.md"));
    for (std::string line; std::getline(text, line);)
        if (line.starts_with("| ") && !line.starts_with("| file")) index.insert(line.substr(2, line.find(' ', 2) - 2));
    for (reference_case const& each : cases) {
        CHECK_MESSAGE(covered.insert(each.file).second, each.file << " is tested twice");
        CHECK_MESSAGE(index.contains(each.file), each.file << " is not in INDEX.md");
    }
    CHECK(files == index);
    std::cout << "reference cases: " << covered.size() << " of " << index.size() << " covered, still to come:";
    for (std::string const& name : index)
        if (!covered.contains(name)) std::cout << ' ' << name;
    std::cout << '\n';
}
