// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <vector>

namespace lockstep::grid {

/// Platforms for whose devices a profiler shows named parts of a thread's time:
///
///   range(name)    from here to the end of its life; it costs next to nothing where no profiler listens
template <class P>
concept ranging_platform = std::constructible_from<typename P::range, char const*>;

/// A range of the platform's; nothing where it has none.
template <class P>
class named_range {
public:
    explicit named_range(char const*) {}
};
template <ranging_platform P>
class named_range<P> {
public:
    explicit named_range(char const* name) : range_(name) {}

private:
    typename P::range range_;
};

/// Names of ranges by number, written once: what is put into streams allocates nothing. None are kept where the platform
/// has no ranges.
template <class P>
class range_names {
public:
    /// name_of(number) for numbers from 0 to count - 1.
    template <class Name>
    range_names(std::size_t count, Name const& name_of) {
        if constexpr (ranging_platform<P>) {
            names_.reserve(count);
            for (std::size_t number = 0; number < count; ++number) names_.push_back(name_of(number));
        }
    }

    named_range<P> operator[](std::size_t number) const {
        if constexpr (ranging_platform<P>) return named_range<P>(names_[number].c_str());
        else return named_range<P>(nullptr);
    }

private:
    std::vector<std::string> names_;
};

} // namespace lockstep::grid
