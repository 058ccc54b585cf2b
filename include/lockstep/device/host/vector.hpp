// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>
#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace lockstep::host {

/// Width of a vector register in bytes and the number of registers, as the compiler's flags allow.
#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
inline constexpr int vector_registers = 32;
#elif defined(__AVX2__) && defined(__FMA__)
inline constexpr int vector_bytes = 32;
inline constexpr int vector_registers = 16;
#else
inline constexpr int vector_bytes = 16;
inline constexpr int vector_registers = 16;
#endif

template <class T>
inline constexpr int vector_lanes = vector_bytes / static_cast<int>(sizeof(T));

namespace detail {
template <class T>
struct vector_of;
template <>
struct vector_of<float> {
    typedef float type __attribute__((vector_size(vector_bytes)));
    typedef int index __attribute__((vector_size(vector_bytes)));
};
template <>
struct vector_of<double> {
    typedef double type __attribute__((vector_size(vector_bytes)));
    typedef long long index __attribute__((vector_size(vector_bytes)));
};
} // namespace detail

/// One register of elements, with the arithmetic of the compiler's vector extension.
template <class T>
using vector = typename detail::vector_of<T>::type;

/// One register of integers as wide as T.
template <class T>
using vector_index = typename detail::vector_of<T>::index;

/// A register of zeros. Where a lambda says Vector{} instead, nvcc 13.0 ends with an internal error ("unsupported
/// aggregate constant"): with --expt-relaxed-constexpr it compiles lambdas for devices too, but no such function.
template <class Vector>
[[gnu::always_inline]] inline Vector zeros() {
    return Vector{};
}

template <class T>
[[gnu::always_inline]] inline vector<T> load(T const* from) {
    vector<T> result;
    std::memcpy(&result, from, sizeof(result));
    return result;
}

template <class T>
[[gnu::always_inline]] inline void store(T* to, vector<T> const& value) {
    std::memcpy(to, &value, sizeof(value));
}

#if defined(__AVX2__) && defined(__FMA__) && !defined(__AVX512F__)
namespace detail {
// The masks of AVX2: the sign bit of the first `Lanes` lanes.
template <int Lanes, class T>
[[gnu::always_inline]] inline __m256i lane_mask() {
    if constexpr (sizeof(T) == sizeof(float))
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(Lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    else
        return _mm256_cmpgt_epi64(_mm256_set1_epi64x(Lanes), _mm256_setr_epi64x(0, 1, 2, 3));
}
} // namespace detail
#endif

/// The first `Lanes` lanes from memory, the rest zero; no other element is touched.
template <int Lanes, class T>
[[gnu::always_inline]] inline vector<T> load_part(T const* from) {
    if constexpr (Lanes == vector_lanes<T>) {
        return load(from);
    } else {
#if defined(__AVX512F__)
        if constexpr (sizeof(T) == sizeof(float))
            return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << Lanes) - 1), from);
        else
            return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << Lanes) - 1), from);
#elif defined(__AVX2__) && defined(__FMA__)
        if constexpr (sizeof(T) == sizeof(float))
            return _mm256_maskload_ps(from, detail::lane_mask<Lanes, T>());
        else
            return _mm256_maskload_pd(from, detail::lane_mask<Lanes, T>());
#else
        vector<T> result{};
        for (int lane = 0; lane < Lanes; ++lane) result[lane] = from[lane];
        return result;
#endif
    }
}

/// The first `Lanes` lanes to memory; no other element is touched.
template <int Lanes, class T>
[[gnu::always_inline]] inline void store_part(T* to, vector<T> const& value) {
    if constexpr (Lanes == vector_lanes<T>) {
        store(to, value);
    } else {
#if defined(__AVX512F__)
        if constexpr (sizeof(T) == sizeof(float))
            _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << Lanes) - 1), value);
        else
            _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1u << Lanes) - 1), value);
#elif defined(__AVX2__) && defined(__FMA__)
        if constexpr (sizeof(T) == sizeof(float))
            _mm256_maskstore_ps(to, detail::lane_mask<Lanes, T>(), value);
        else
            _mm256_maskstore_pd(to, detail::lane_mask<Lanes, T>(), value);
#else
        for (int lane = 0; lane < Lanes; ++lane) to[lane] = value[lane];
#endif
    }
}

namespace detail {

// One stage of the transposition below, on two rows that are `Distance` apart.
template <int Distance, class T, int... Lane>
[[gnu::always_inline]] inline void exchange(vector<T>& upper, vector<T>& lower,
                                            std::integer_sequence<int, Lane...>) {
    constexpr int lanes = sizeof...(Lane);
    vector<T> const first = upper;
    vector<T> const second = lower;
#if defined(__clang__)
    upper = __builtin_shufflevector(first, second, ((Lane & Distance) ? lanes + Lane - Distance : Lane)...);
    lower = __builtin_shufflevector(first, second, ((Lane & Distance) ? lanes + Lane : Lane + Distance)...);
#else // nvcc's front end expands no pack in the other
    typename vector_of<T>::index const even = {((Lane & Distance) ? lanes + Lane - Distance : Lane)...};
    typename vector_of<T>::index const odd = {((Lane & Distance) ? lanes + Lane : Lane + Distance)...};
    upper = __builtin_shuffle(first, second, even);
    lower = __builtin_shuffle(first, second, odd);
#endif
}

template <int Distance, class T, int... Row>
[[gnu::always_inline]] inline void transpose_stage(vector<T>* rows, std::integer_sequence<int, Row...> all) {
    ((Row & Distance ? void() : exchange<Distance, T>(rows[Row], rows[Row | Distance], all)), ...);
    if constexpr (Distance > 1) transpose_stage<Distance / 2, T>(rows, all);
}

// Adds rows in pairs, each sum keeping one half of the lanes for either row.
template <int Distance, class T, int... Row>
[[gnu::always_inline]] inline void sum_stage(vector<T>* rows, std::integer_sequence<int, Row...> all) {
    ((Row < Distance ? (exchange<Distance, T>(rows[Row], rows[Row | Distance], all),
                        void(rows[Row] += rows[Row | Distance]))
                     : void()),
     ...);
    if constexpr (Distance > 1) sum_stage<Distance / 2, T>(rows, all);
}

} // namespace detail

/// Transposes a square of as many rows as a register has lanes: halves, quarters, ... trade places.
template <class T>
[[gnu::always_inline]] inline void transpose(vector<T>* rows) {
    detail::transpose_stage<vector_lanes<T> / 2, T>(rows,
                                                    std::make_integer_sequence<int, vector_lanes<T>>{});
}

/// Lane l of the result is the sum over the lanes of rows[l]. The rows are used up.
template <class T>
[[gnu::always_inline]] inline vector<T> sum_lanes(vector<T>* rows) {
    detail::sum_stage<vector_lanes<T> / 2, T>(rows, std::make_integer_sequence<int, vector_lanes<T>>{});
    return rows[0];
}

} // namespace lockstep::host
