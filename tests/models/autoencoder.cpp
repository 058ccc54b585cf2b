// SPDX-License-Identifier: MIT
#include "samples.hpp"

#include <models/autoencoder.hpp>

#include <doctest/doctest.h>

#include <cmath>

namespace ls = lockstep;

TEST_CASE("an autoencoder gives its images back") {
    using net = models::autoencoder<8>;
    static_assert(std::is_same_v<net::input_shape, net::output_shape>);
    tests::images<net::input_shape> const data(16, 4);
    ls::parallel<net, ls::cpu_devices<2>> model{ls::seed{1}};
    CHECK(model.parameter_name(0) == "encoder.0.weight");
    ls::trainer trainer{model, ls::bce_with_logits{}, ls::adam{.learning_rate = 0.003}, ls::batch_size<16>};
    ls::batch_view<float, net::input_shape, net::input_shape, float> const batch{data.inputs.view(),
                                                                                 data.inputs.elements()};
    tests::train(trainer, batch, 60);

    auto const logits = model(data.inputs);
    double distance = 0.0, spread = 0.0, mean = 0.0;
    for (float const pixel : data.inputs.elements()) mean += pixel / static_cast<double>(data.inputs.size());
    for (std::int64_t i = 0; i < logits.size(); ++i) {
        double const expected = data.inputs.data()[i];
        double const found = 1.0 / (1.0 + std::exp(-logits.data()[i]));
        distance += (found - expected) * (found - expected);
        spread += (mean - expected) * (mean - expected);
    }
    // Of what sets the pixels apart, all but the noise goes through the code.
    CHECK(distance < 0.2 * spread);
}
