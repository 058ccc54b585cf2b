// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/transform/transform.hpp>
#include <lockstep/shape/shape.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace lockstep {

/// `map_targets(one_hot<10>{})`: the index of a class becomes a number for each class, 1 for this one and 0 for all
/// others. Throws data_error for an index that is none of 0 to Classes - 1.
template <int Classes>
struct one_hot {
    static_assert(Classes > 0, "there is at least one class");

    template <class View>
    using output = sample_view<float, shape<Classes>>;

    void operator()(sample_view<std::int32_t const, shape<>> from, sample_view<float, shape<Classes>> to) const {
        auto const target = from.front();
        if (target < 0 || target >= Classes)
            throw data_error{"one_hot<" + std::to_string(Classes) + ">: expected a class of 0 to " +
                             std::to_string(Classes - 1) + ", found " + std::to_string(target)};
        std::ranges::fill(to, 0.0F);
        to[static_cast<std::size_t>(target)] = 1.0F;
    }
};

} // namespace lockstep
