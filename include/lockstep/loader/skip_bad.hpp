// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/dataset_stage.hpp>
#include <lockstep/loader/subset.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lockstep {

/// A sample that was left out, by its index in the dataset, and the error that it gave.
struct skipped_sample {
    std::int64_t index;
    std::string reason;
};

/// A dataset without its unreadable samples: what `data | skip_bad` makes.
template <dataset Data>
class readable_dataset : public subset_dataset<Data> {
public:
    readable_dataset(Data data, std::vector<std::int64_t> indices, std::vector<skipped_sample> skipped)
        : subset_dataset<Data>(std::move(data), std::move(indices)), skipped_(std::move(skipped)) {}

    /// The samples that were left out.
    std::vector<skipped_sample> const& skipped() const { return skipped_; }

private:
    std::vector<skipped_sample> skipped_;
};

/// `data | skip_bad`: reads every sample once, here, and leaves those out that throw a data_error. Thereby the number
/// of samples, and so every order and every batch, is known before the first step and the same for all who open the
/// same files; `data | cached | skip_bad` keeps what is read. Other exceptions, and what breaks later, are thrown.
struct skip_bad_stage {
    static constexpr bool makes_dataset = true;

    template <dataset Data>
    readable_dataset<Data> over(Data data) const {
        std::vector<sample_element<Data>> input(static_cast<std::size_t>(Data::sample_shape::size));
        std::vector<sample_target<Data>> targets(static_cast<std::size_t>(sample_target_shape<Data>::size));
        std::vector<std::int64_t> indices;
        std::vector<skipped_sample> skipped;
        for (std::int64_t i = 0; i < data.size(); ++i) {
            try {
                detail::read_sample(data, i, std::span{input}, std::span{targets});
                indices.push_back(i);
            } catch (data_error const& error) {
                skipped.push_back({i, error.what()});
            }
        }
        return {std::move(data), std::move(indices), std::move(skipped)};
    }
};
inline constexpr skip_bad_stage skip_bad{};

} // namespace lockstep
