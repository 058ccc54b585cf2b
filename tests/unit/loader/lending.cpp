// SPDX-License-Identifier: MIT
// Datasets in memory lend their samples to transforms, and tell a sample's class without the rest of it.
#include "idx_file.hpp"
#include "samples.hpp"

#include <lockstep/loader/cifar.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/subset.hpp>
#include <lockstep/loader/tensor_dataset.hpp>
#include <lockstep/loader/transform/normalize.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

using namespace lockstep;
using namespace lockstep::testing;

namespace {

/// What is lent is what is read.
template <class Data>
void check_lending(Data const& data) {
    static_assert(detail::lends_samples<Data>);
    for (std::int64_t i = 0; i < data.size(); ++i) {
        auto const [input, targets] = sample_of(data, i);
        std::vector<sample_target<Data>> lent_targets(targets.size());
        auto const lent = data.lend(i, lent_targets);
        CHECK(std::ranges::equal(lent, input));
        CHECK(lent_targets == targets);
        CHECK(data.target_of(i) == targets[0]);
        CHECK(data.lend(i, lent_targets).data() == lent.data()); // no copy
    }
}

tensor_dataset<shape<2, 2>> squares(std::int64_t count) {
    tensor<float, shape<2, 2>> inputs(count);
    std::vector<std::int32_t> targets;
    for (std::int64_t i = 0; i < inputs.size(); ++i) inputs.data()[i] = static_cast<float>(i * i);
    for (std::int64_t i = 0; i < count; ++i) targets.push_back(static_cast<std::int32_t>(count - i));
    return {std::move(inputs), targets};
}

} // namespace

TEST_CASE("tensor_dataset lends its samples") { check_lending(squares(5)); }

TEST_CASE("a subset lends what its dataset does") {
    check_lending(squares(9) | subset({7, 0, 7, 3}));
    static_assert(!detail::lends_samples<subset_dataset<counting<shape<4>, float>>>);
    auto const scaled = squares(9) | subset({7, 0}) | map(rescale{.factor = 2});
    CHECK(sample_of(scaled, 0).first == std::vector<float>{2 * 28 * 28, 2 * 29 * 29, 2 * 30 * 30, 2 * 31 * 31});
    CHECK(scaled.target_of(0) == 2);
}

TEST_CASE("a cifar_dataset lends its images") {
    temporary_directory const directory;
    bytes records;
    for (int record = 0; record < 3; ++record) {
        records.push_back(static_cast<unsigned char>(9 - record));
        for (int i = 0; i < 3072; ++i) records.push_back(static_cast<unsigned char>(i * 7 + record));
    }
    write(directory / "test_batch.bin", records);
    auto const images = cifar10(split::test, directory.path());
    check_lending(images);
    auto loader = images | stratified(seed{1}) | map(to_float{}) | batch<3>;
    auto const& batch = *loader.begin();
    CHECK(batch.inputs[0][1] == static_cast<float>(7 + 9 - batch.targets[0]) / 255.0F);
}
