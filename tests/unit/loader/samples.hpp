// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/transform/mapped.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace lockstep::testing {

/// Samples of any shape whose elements count up: element e of sample i is 10 i + e, its target i modulo 10. Where
/// Lends, it lends them too.
template <any_shape Shape, class Element, bool Lends = false>
struct counting {
    using sample_shape = Shape;
    using element = Element;

    explicit counting(std::int64_t samples) : count(samples) {
        for (std::int64_t i = 0; i < samples; ++i)
            for (std::int64_t e = 0; e < Shape::size; ++e) elements.push_back(static_cast<Element>(10 * i + e));
    }

    std::int64_t count;
    std::vector<Element> elements;

    std::int64_t size() const { return count; }
    std::span<Element const> elements_of(std::int64_t index) const {
        return std::span{elements}.subspan(static_cast<std::size_t>(index * Shape::size),
                                           static_cast<std::size_t>(Shape::size));
    }
    std::int32_t read(std::int64_t index, std::span<Element> input) const {
        auto const own = elements_of(index);
        std::ranges::copy(own, input.begin());
        return static_cast<std::int32_t>(index % 10);
    }
    std::span<Element const> lend(std::int64_t index, std::span<std::int32_t> targets) const
        requires Lends
    {
        targets.front() = static_cast<std::int32_t>(index % 10);
        return elements_of(index);
    }
};

/// A sample of some data, as it is at a draw.
template <class Data>
auto sample_of(Data const& data, std::int64_t index, draw which = {}) {
    std::vector<sample_element<Data>> input(static_cast<std::size_t>(Data::sample_shape::size));
    std::vector<sample_target<Data>> targets(static_cast<std::size_t>(sample_target_shape<Data>::size));
    detail::draw_sample(data, index, std::span{input}, std::span{targets}, which);
    return std::pair{input, targets};
}

} // namespace lockstep::testing
