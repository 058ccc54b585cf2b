// SPDX-License-Identifier: MIT
// Operations that a library computes beside our own kernels, on a device.
#pragma once

#include <lockstep/device/cuda/platform.cuh>
#include <lockstep/device/grid/backend.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace device_tests {

namespace gpu = lockstep::gpu;
namespace ls = lockstep;

template <int Index, class Shape, bool PerSample = true>
using operand = ls::leaf<ls::operand_tag<Index>, Shape, PerSample>;

/// As S stores them.
template <class T, class E, class S = T>
std::vector<S> random_elements(std::int64_t samples, unsigned seed) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<T> element(-1, 1);
    std::vector<S> result(static_cast<std::size_t>(E::result_shape::size * (E::per_sample ? samples : 1)));
    for (S& value : result) value = element(generator);
    return result;
}

template <class T, class E, class R = T>
struct both_ways;

/// An operation's operands in a device's memory, place for its result, and both ways to compute it.
template <class T, class Primitive, class A, class B, class R>
struct both_ways<T, ls::compute<Primitive, A, B>, R> {
    using e = ls::compute<Primitive, A, B>;
    using library = ls::grid::library_operation<gpu::platform, T, e, R>;
    using own = ls::grid::kernels_for<T, e, R>;
    static_assert(library::found);

    std::int64_t samples;
    gpu::stream s{0};
    std::vector<R> result;
    gpu::platform::memory a, b, c, scratch;

    explicit both_ways(std::int64_t n)
        : samples(n), result(random_elements<T, e, R>(n, 3)), a(0, bytes_of(elements_of_operand<A>(n, 1))),
          b(0, bytes_of(elements_of_operand<B>(n, 2))), c(0, bytes_of(result)),
          scratch(0, static_cast<std::size_t>(
                         std::max<std::int64_t>(library::scratch_bytes(0, n), ls::grid::scratch_bytes_of<own>(n)))) {
        fill(a, elements_of_operand<A>(n, 1));
        fill(b, elements_of_operand<B>(n, 2));
    }

    ls::grid::call call() const {
        ls::grid::call all;
        all.result = c.data();
        all.operands[0] = a.data();
        all.operands[1] = b.data();
        all.samples = samples;
        all.scratch = scratch.data();
        return all;
    }
    std::vector<R> by_own_kernels() {
        fill(c, result);
        launch(typename own::type{});
        return fetch();
    }
    std::vector<R> by(library& operation) {
        fill(c, result);
        CHECK(operation.launch(s, call()));
        return fetch();
    }
    /// What a graph computes, in which the library is used for the first time.
    std::vector<R> by_graph() {
        fill(c, result);
        library operation(0, samples);
        gpu::graph const graph(s, [&] { CHECK(operation.launch(s, call())); });
        graph.launch(s);
        return fetch();
    }

protected:
    template <class Operand>
    static auto elements_of_operand(std::int64_t n, unsigned seed) {
        return random_elements<T, Operand, ls::grid::stored<T, Operand>>(n, seed);
    }
    template <class S>
    static std::size_t bytes_of(std::vector<S> const& values) {
        return values.size() * sizeof(S);
    }
    template <class S>
    void fill(gpu::platform::memory const& memory, std::vector<S> const& values) {
        gpu::platform::copy(s, memory.data(), reinterpret_cast<std::byte const*>(values.data()), bytes_of(values));
        s.synchronize();
    }
    std::vector<R> fetch() { return fetch(c, result.size()); }
    std::vector<R> fetch(gpu::platform::memory const& memory, std::size_t size) {
        std::vector<R> found(size);
        gpu::platform::copy(s, reinterpret_cast<std::byte*>(found.data()), memory.data(), bytes_of(found));
        s.synchronize();
        return found;
    }
    template <class... K>
    void launch(ls::grid::passes<K...>) {
        (gpu::platform::launch<K>(s, call()), ...);
    }
};

/// The largest difference relative to the largest magnitude.
template <class T>
double difference(std::vector<T> const& found, std::vector<T> const& expected) {
    double most = 0, largest = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        double const each = std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
        if (!(each <= most)) most = each;
        largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
    }
    return most / largest;
}

} // namespace device_tests
