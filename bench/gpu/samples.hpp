// SPDX-License-Identifier: MIT
#pragma once

#include "../batches.hpp"

#include <lockstep/lockstep.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace bench {

namespace ls = lockstep;

/// Some batches for a model, handed out in turn: what can be learned of numbers and one class, see batches.hpp.
template <class Input, class Output, int Batch>
class samples {
public:
    ls::batch_view<float, Input> next() {
        int const i = data_.next();
        return {{data_.inputs(i).data(), Batch}, data_.targets(i)};
    }

private:
    batches data_{Input::size, Output::size, Batch};
};

/// And of class indices: a text of random tokens, in which each one's target is the next. There is one batch, which a
/// model learns by heart.
template <int Classes, int Positions, class Output, int Batch>
class samples<ls::class_indices<Classes, Positions>, Output, Batch> {
public:
    samples() : tokens_(std::size_t{Batch} * Positions + 1) {
        std::mt19937 random(7);
        for (std::int32_t& token : tokens_) token = static_cast<std::int32_t>(random() % unsigned{Classes});
    }
    ls::batch_view<float, ls::class_indices<Classes, Positions>, ls::shape<Positions>> next() {
        return {{tokens_.data(), Batch}, std::span(tokens_).subspan(1)};
    }

private:
    std::vector<std::int32_t> tokens_;
};

} // namespace bench
