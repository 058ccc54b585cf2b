// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/lockstep.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace models {

namespace ls = lockstep;

/// Parts of a text, Positions bytes each, for models that predict the byte that follows each of them.
template <int Positions>
class text_windows {
public:
    using input_shape = ls::class_indices<256, Positions>;
    using batch_type = ls::batch_view<float, input_shape, ls::shape<Positions>>;

    /// Throws data_error for a text that holds no window and the byte behind it.
    explicit text_windows(std::string_view text) : text_(text) {
        if (text_.size() <= Positions)
            throw ls::data_error("text_windows: expected more than " + std::to_string(Positions) +
                                 " bytes of text, found " + std::to_string(text_.size()));
    }

    /// Windows anywhere in the text: where, follows from the seed and the step. Valid until the next call.
    batch_type draw(ls::seed seed, std::uint32_t step, std::int64_t count) {
        reserve(count);
        for (std::int64_t i = 0; i < count; ++i) {
            auto const bits = ls::philox({step, static_cast<std::uint32_t>(i), 0, 0}, ls::make_key(seed.value));
            std::uint64_t const number = std::uint64_t{bits[0]} << 32 | bits[1];
            copy(i, static_cast<std::size_t>(number % (text_.size() - Positions)));
        }
        return {inputs_.view(), targets_};
    }
    /// The whole text, window behind window, but for a rest that fills none. Valid until the next call.
    batch_type all() {
        auto const count = static_cast<std::int64_t>((text_.size() - 1) / Positions);
        reserve(count);
        for (std::int64_t i = 0; i < count; ++i) copy(i, static_cast<std::size_t>(i) * Positions);
        return {inputs_.view(), targets_};
    }

private:
    void reserve(std::int64_t count) {
        if (inputs_.count() == count) return;
        inputs_ = ls::tensor<std::int32_t, input_shape>(count);
        targets_.resize(static_cast<std::size_t>(count) * Positions);
    }
    void copy(std::int64_t window, std::size_t place) {
        auto const input = inputs_[window];
        std::size_t const first = static_cast<std::size_t>(window) * Positions;
        for (std::size_t p = 0; p < Positions; ++p) {
            input[p] = static_cast<unsigned char>(text_[place + p]);
            targets_[first + p] = static_cast<unsigned char>(text_[place + p + 1]);
        }
    }

    std::string text_;
    ls::tensor<std::int32_t, input_shape> inputs_;
    std::vector<std::int32_t> targets_;
};

} // namespace models
