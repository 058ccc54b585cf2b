// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>

namespace lockstep::detail {

/// The types of one group's program: a dozen at most, so plain folds over them are cheap.
template <class... T>
struct type_list {
    static constexpr int size = sizeof...(T);
};

template <class T, class List>
inline constexpr bool contains = false;
template <class T, class... Members>
inline constexpr bool contains<T, type_list<Members...>> = (std::is_same_v<T, Members> || ...);

template <class T, class List>
inline constexpr int index_of = -1;
template <class T, class... Members>
inline constexpr int index_of<T, type_list<Members...>> = [] {
    int index = 0;
    bool const found = ((std::is_same_v<T, Members> || (++index, false)) || ...);
    return found ? index : -1;
}();

template <class List, class T>
struct append_new;
template <class... Members, class T>
struct append_new<type_list<Members...>, T> {
    using type = std::conditional_t<(std::is_same_v<T, Members> || ...), type_list<Members...>,
                                    type_list<Members..., T>>;
};

/// Appends a type unless the list has it.
template <class List, class T>
using append = typename append_new<List, T>::type;

template <class A, class B>
struct concatenation;
template <class... A, class... B>
struct concatenation<type_list<A...>, type_list<B...>> {
    using type = type_list<A..., B...>;
};
template <class A, class B>
using concatenate = typename concatenation<A, B>::type;

template <class... Lists>
struct joined {
    using type = type_list<>;
};
template <class First, class... Rest>
struct joined<First, Rest...> {
    using type = concatenate<First, typename joined<Rest...>::type>;
};

} // namespace lockstep::detail
