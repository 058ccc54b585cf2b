// SPDX-License-Identifier: MIT
#include "host_kernels.hpp"

#include <lockstep/device/host/matmul.hpp>
#include <lockstep/device/host/portable.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace {

using namespace host_kernels;

template <class With, int N, int K>
void check_shape(std::int64_t m) {
    using T = typename With::element;
    using library = typename With::library;
    CAPTURE(m);
    CAPTURE(N);
    CAPTURE(K);
    auto const size = static_cast<std::size_t>(m);
    {
        auto const a = random_elements<T>(m * K, 1);
        auto const b = random_elements<T>(std::int64_t{K} * N, 2);
        auto found = unset<T>(m * N);
        auto expected = found;
        auto magnitude = found;

        counting_tail<T> forward{found.data(), N, std::vector<int>(size)};
        host::matmul_nn<T, N, K, library>(a.data(), b.data(), found.data(), m, forward.tail());
        CHECK(forward.every_row_once());
        for (T& value : found) value -= T{1};
        host::loops::matmul_nn<T, N, K>(a.data(), b.data(), expected.data(), m, {});
        host::loops::matmul_nn<T, N, K>(magnitudes(a).data(), magnitudes(b).data(), magnitude.data(), m, {});
        for (T& value : magnitude) value += T{2};
        check_close(found, expected, magnitude, K);

        found = unset<T>(m * N);
        counting_tail<T> backward{found.data(), N, std::vector<int>(size)};
        host::matmul_nt<T, N, K, library>(a.data(), b.data(), found.data(), m, backward.tail());
        CHECK(backward.every_row_once());
        for (T& value : found) value -= T{1};
        host::loops::matmul_nt<T, N, K>(a.data(), b.data(), expected.data(), m, {});
        host::loops::matmul_nt<T, N, K>(magnitudes(a).data(), magnitudes(b).data(), magnitude.data(), m, {});
        for (T& value : magnitude) value += T{2};
        check_close(found, expected, magnitude, K);
    }
    {
        auto const a = random_elements<T>(m * K, 3);
        auto const b = random_elements<T>(m * N, 4);
        auto found = unset<T>(std::int64_t{K} * N);
        auto expected = found;
        auto magnitude = found;
        host::matmul_tn<T, K, N, library>(a.data(), b.data(), found.data(), m);
        host::loops::matmul_tn<T, K, N>(a.data(), b.data(), expected.data(), m);
        host::loops::matmul_tn<T, K, N>(magnitudes(a).data(), magnitudes(b).data(), magnitude.data(), m);
        check_close(found, expected, magnitude, m);
    }
}

template <class With, int... Extents>
void check_shapes(std::integer_sequence<int, Extents...>) {
    for (std::int64_t m : {0, 1, 3, 8, 13, 32, 133}) {
        (check_shape<With, Extents, 7>(m), ...);
        (check_shape<With, Extents, 64>(m), ...);
        (check_shape<With, 17, Extents>(m), ...);
    }
}

TEST_CASE("the plain loops multiply as on paper") {
    double const a[] = {1, 2, 3, 4, 5, 6};
    double const b[] = {1, 0, 2, 1, 0, 3};
    double c[4];
    host::loops::matmul_nn<double, 2, 3>(a, b, c, 2, {}); // [1 2 3; 4 5 6] [1 0; 2 1; 0 3]
    CHECK((c[0] == 5 && c[1] == 11 && c[2] == 14 && c[3] == 23));
    host::loops::matmul_nt<double, 2, 3>(a, b, c, 2, {}); // [1 2 3; 4 5 6] [1 0 2; 1 0 3]^T
    CHECK((c[0] == 7 && c[1] == 10 && c[2] == 16 && c[3] == 22));
    host::loops::matmul_tn<double, 2, 2>(a, b, c, 3); // [1 3 5; 2 4 6] [1 0; 2 1; 0 3]
    CHECK((c[0] == 7 && c[1] == 18 && c[2] == 10 && c[3] == 22));
}

TEST_CASE_TEMPLATE("matrix products agree with plain loops", With, EVERY_WITH) {
    check_shapes<With>(std::integer_sequence<int, 1, 2, 5, 10, 67>{});
}

TEST_CASE_TEMPLATE("matrix products agree with plain loops where the right operand is packed", With,
                   EVERY_WITH) {
    for (std::int64_t m : {1, 29, 130}) {
        check_shape<With, 128, 784>(m);
        check_shape<With, 97, 401>(m);
        check_shape<With, 10, 1300>(m);
        check_shape<With, 3, 5000>(m);
    }
    check_shape<With, 40, 50>(1100); // several blocks of the weight gradient's sum
}

TEST_CASE_TEMPLATE("matrix products agree with plain loops in the library's range", With, EVERY_WITH) {
    check_shape<With, 512, 521>(21);
    check_shape<With, 1024, 1031>(9);
    check_shape<With, 1024, 1031>(0);
}

TEST_CASE_TEMPLATE("bits depend neither on alignment nor on what was there", With, EVERY_WITH) {
    using T = typename With::element;
    constexpr int m = 19, n = 67, k = 71;
    auto const a = random_elements<T>(m * k + 1, 5);
    auto const b = random_elements<T>(n * k + 1, 6);
    std::vector<T> a_moved(a.begin(), a.end() - 1), b_moved(b.begin(), b.end() - 1);
    a_moved.insert(a_moved.begin(), 3, T{});
    b_moved.insert(b_moved.begin(), 1, T{});
    std::vector<T> first(m * n), second(m * n + 1, T{7});
    host::matmul_nn<T, n, k, typename With::library>(a.data(), b.data(), first.data(), m);
    host::matmul_nn<T, n, k, typename With::library>(a_moved.data() + 3, b_moved.data() + 1, second.data() + 1,
                                                      m);
    CHECK(std::vector<T>(second.begin() + 1, second.end()) == first);
}

} // namespace
