// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

namespace lockstep {

/// The extents of one sample or of one parameter, in PyTorch's order: shape<channels, height, width>.
/// The batch is never part of a shape. shape<> is a scalar.
template <int... Extents>
struct shape {
    static_assert(((Extents > 0) && ...), "every extent of a shape is at least 1");

    static constexpr int rank = sizeof...(Extents);
    static constexpr std::array<int, sizeof...(Extents)> extents{Extents...};
    /// Number of elements.
    static constexpr std::int64_t size = (std::int64_t{1} * ... * Extents);
};

template <class T>
inline constexpr bool is_shape = false;
template <int... Extents>
inline constexpr bool is_shape<shape<Extents...>> = true;

/// A shape whose elements are indices of classes, 0 to Classes - 1, and no numbers: the input of an embedding.
/// class_indices<256, 64> is a text of 64 bytes.
template <int Classes, int... Extents>
struct class_indices : shape<Extents...> {
    static_assert(Classes > 0, "there is at least one class");
    static constexpr int classes = Classes;
};
template <int Classes, int... Extents>
inline constexpr bool is_shape<class_indices<Classes, Extents...>> = true;

template <class T>
inline constexpr bool is_class_indices = false;
template <int Classes, int... Extents>
inline constexpr bool is_class_indices<class_indices<Classes, Extents...>> = true;

template <class T>
concept any_shape = is_shape<T>;

/// The largest rank that a shape may have as a value.
inline constexpr int max_rank = 6;

/// A shape as a value, for constexpr functions that walk over many of them.
struct extents {
    int rank = 0;
    std::array<int, max_rank> extent{};

    constexpr std::int64_t size() const {
        std::int64_t product = 1;
        for (int axis = 0; axis < rank; ++axis) product *= extent[axis];
        return product;
    }

    friend constexpr bool operator==(extents const&, extents const&) = default;
};

template <any_shape Shape>
    requires(Shape::rank <= max_rank)
constexpr extents extents_of() {
    extents result;
    result.rank = Shape::rank;
    for (int axis = 0; axis < Shape::rank; ++axis) result.extent[axis] = Shape::extents[axis];
    return result;
}

/// "[32, 784]", as PyTorch prints it.
inline std::string to_string(extents const& value) {
    std::string text = "[";
    for (int axis = 0; axis < value.rank; ++axis) {
        if (axis > 0) text += ", ";
        text += std::to_string(value.extent[axis]);
    }
    return text += "]";
}

} // namespace lockstep
