// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

#include <lockstep/model/loss.hpp>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

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

constexpr reference_case cases[] = {
    {"loss_cross_entropy", cross_entropy<reduction::mean>},
    {"loss_cross_entropy_sum", cross_entropy<reduction::sum>},
};

} // namespace

tests::case_table tests::loss_cases() { return cases; }
