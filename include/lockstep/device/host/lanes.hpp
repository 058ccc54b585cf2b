// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/vector.hpp>
#include <lockstep/device/larger.hpp>

#include <utility>

namespace lockstep::host {

/// Sixteen partial results of a reduction, in registers of any width: what comes out depends on no processor.
template <class T>
class lanes {
public:
    static constexpr int count = 16;

    explicit lanes(T const* values) { load(values); }

    void load(T const* values) {
        for (int i = 0; i < registers; ++i) part_[i] = host::load(values + i * vector_lanes<T>);
    }
    void store(T* values) const {
        for (int i = 0; i < registers; ++i) host::store(values + i * vector_lanes<T>, part_[i]);
    }
    /// `operation` takes numbers and vectors of them.
    template <class Operation>
    void combine(lanes const& other, Operation operation) {
        for (int i = 0; i < registers; ++i) part_[i] = operation(part_[i], other.part_[i]);
    }
    /// All of them in a balanced tree: the upper half with the lower one, again and again.
    template <class Operation>
    T fold(Operation operation) const {
        vector<T> part[registers];
        for (int i = 0; i < registers; ++i) part[i] = part_[i];
        for (int half = registers / 2; half > 0; half /= 2)
            for (int i = 0; i < half; ++i) part[i] = operation(part[i], part[half + i]);
        constexpr int width = vector_lanes<T>;
        return fold_register<width / 2>(part[0], operation, std::make_integer_sequence<int, width>{});
    }

private:
    static constexpr int registers = count / vector_lanes<T>;

    template <int Half, class Operation, int... Lane>
    [[gnu::always_inline]] static T fold_register(vector<T> const& value, Operation operation,
                                                  std::integer_sequence<int, Lane...> all) {
        if constexpr (Half == 0) return value[0];
        else {
#if defined(__clang__)
            vector<T> const upper = __builtin_shufflevector(value, value, (Lane ^ Half)...);
#else
            vector<T> const upper = __builtin_shuffle(value, vector_index<T>{(Lane ^ Half)...});
#endif
            return fold_register<Half / 2>(operation(value, upper), operation, all);
        }
    }

    vector<T> part_[registers];
};

/// Combines `Count` values, those of f(0), f(1), ... by sixteen lanes, a few in their order.
template <int Count, class T, class F, class Operation>
[[gnu::always_inline]] inline T combine_all(F f, Operation operation) {
    if constexpr (Count < lanes<T>::count) {
        T result = f(0);
        for (int i = 1; i < Count; ++i) result = operation(result, f(i));
        return result;
    } else {
        constexpr int width = lanes<T>::count;
        T values[width];
        auto const evaluate = [&](int first) {
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
            for (int i = 0; i < width; ++i) values[i] = f(first + i);
        };
        evaluate(0);
        lanes<T> total(values);
        int first = width;
        for (; first + width <= Count; first += width) {
            evaluate(first);
            total.combine(lanes<T>(values), operation);
        }
        if constexpr (Count % width != 0) {
            total.store(values);
            for (int i = 0; i < Count % width; ++i) values[i] = operation(values[i], f(first + i));
            total.load(values);
        }
        return total.fold(operation);
    }
}

} // namespace lockstep::host
