// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/loss/regression.hpp>

namespace {

using namespace tests;

/// A model that does nothing.
struct identity {
    constexpr auto operator()(auto x) const { return x; }
};
using scores = ls::sequential<ls::shape<5>, identity>;

/// Loss and gradient after the division by what the batch counts.
template <class T, class Loss>
void compare_loss(ls::plan const& plan, ls::safetensors_file const& file) {
    std::int64_t const samples = file.find("input")->shape[0];
    std::vector<std::int32_t> classes;
    std::vector<T> numbers;
    if constexpr (Loss::target_content == ls::leaf_content::class_index) {
        auto const read = file.as<std::int64_t>("target");
        classes.assign(read.begin(), read.end());
    } else {
        numbers = converted<T>(file.as<double>("target"));
    }
    void const* const targets = classes.empty() ? static_cast<void const*>(numbers.data()) : classes.data();
    pass<T> model(plan);
    T const sum = model.forward(converted<T>(file.as<double>("input")), targets, samples);
    T const divisor = Loss::is_sum ? T(1) : model.divisor(samples);
    auto divided = [divisor](std::vector<T> values) {
        for (T& value : values) value /= divisor;
        return values;
    };
    compare("loss", divided({sum}), file.as<double>("output"));
    model.backward();
    compare("gradient of the input", divided(model.input_gradient(samples)), file.as<double>("grad_input"));
}

template <class Loss>
void loss(ls::safetensors_file const& file) {
    if constexpr (in_double) compare_loss<double, Loss>(pass_plan<scores, Loss, double, ls::host::portable, 4>, file);
    compare_loss<float, Loss>(pass_plan<scores, Loss, float, ls::host::default_library, 4>, file);
}

constexpr reference_case cases[] = {
    {"loss_cross_entropy", loss<ls::cross_entropy>},
    {"loss_cross_entropy_sum", loss<ls::cross_entropy_with<ls::reduce_by_sum>>},
    {"loss_cross_entropy_smoothed", loss<ls::cross_entropy_with<ls::label_smoothing<0.1>>>},
    {"loss_cross_entropy_ignore", loss<ls::cross_entropy_with<ls::ignore_index<-100>>>},
    {"loss_nll", loss<ls::nll>},
    {"loss_mse", loss<ls::mse>},
    {"loss_l1", loss<ls::l1>},
    {"loss_huber", loss<ls::huber<0.7>>},
    {"loss_bce_with_logits", loss<ls::bce_with_logits>},
    {"loss_kl_div", loss<ls::kl_div>},
};

added_cases const added(cases);

} // namespace
