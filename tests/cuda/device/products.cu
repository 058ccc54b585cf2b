// SPDX-License-Identifier: MIT
// Products by cuBLASLt, and what follows them, beside those of our own kernels, on a device.
#include "both_ways.cuh"

#include <limits>

namespace {

using namespace device_tests;
using ls::primitive::batched_matmul;
using ls::primitive::transposed;

/// A product and what follows it: a chain in its result's place, with a vector, or the sums of its right operand, which go
/// to the vector's place.
template <class T, class Next, class E, class R = T>
struct followed : both_ways<T, E, R> {
    using base = both_ways<T, E, R>;
    static constexpr ls::grid::follower follower = ls::grid::follower_of<Next>::value;
    static constexpr bool is_chain = follower.kind != ls::grid::follower_kind::column_sums;
    using own_next = ls::grid::kernels_for<T, Next, R>;
    static_assert(base::library::takes(follower, is_chain ? -1 : 1));

    struct both {
        std::vector<R> result, vector;
        friend bool operator==(both const&, both const&) = default;
    };
    std::vector<R> values;
    gpu::platform::memory vector, scratch_of_next;

    explicit followed(std::int64_t n)
        : base(n), values(random_elements<T, operand<0, ls::shape<static_cast<int>(follower.columns)>, false>, R>(1, 4)),
          vector(0, base::bytes_of(values)),
          scratch_of_next(0, static_cast<std::size_t>(ls::grid::scratch_bytes_of<own_next>(n)) + 1) {}

    ls::grid::call next() const {
        ls::grid::call all;
        all.result = is_chain ? this->c.data() : vector.data();
        all.operands[follower.matrix] = is_chain ? this->c.data() : this->b.data();
        if (follower.adds_vector()) all.operands[follower.vector] = vector.data();
        all.samples = this->samples;
        all.scratch = scratch_of_next.data();
        return all;
    }
    both by_own_kernels() {
        base::by_own_kernels();
        this->fill(vector, values);
        launch_next(typename own_next::type{});
        return found();
    }
    both by(typename base::library& operation) {
        this->fill(this->c, this->result);
        this->fill(vector, values);
        operation.launch_both(this->s, this->call(), next());
        return found();
    }
    both by_graph() {
        this->fill(this->c, this->result);
        this->fill(vector, values);
        typename base::library operation(0, this->samples, follower);
        gpu::graph const graph(this->s, [&] { operation.launch_both(this->s, this->call(), next()); });
        graph.launch(this->s);
        return found();
    }
    /// What becomes of a left operand whose first element is NaN.
    both of_nan(typename base::library& operation) {
        T const nan = std::numeric_limits<T>::quiet_NaN();
        gpu::platform::copy(this->s, this->a.data(), reinterpret_cast<std::byte const*>(&nan), sizeof nan);
        this->s.synchronize();
        return by(operation);
    }

private:
    both found() { return {this->fetch(), this->fetch(vector, values.size())}; }
    template <class... K>
    void launch_next(ls::grid::passes<K...>) {
        (gpu::platform::launch<K>(this->s, next()), ...);
    }
};

template <class T, class Primitive, class A, class B>
void check_product(std::int64_t samples) {
    CAPTURE(Primitive::name);
    using e = ls::compute<Primitive, A, B>;
    using library = typename both_ways<T, e>::library;
    REQUIRE(library::is_chosen(samples));
    both_ways<T, e> p(samples);
    auto const captured = p.by_graph();
    library operation(0, samples);
    auto const found = p.by(operation);
    // Errors of additions go to and fro.
    double const additions = std::sqrt(static_cast<double>(ls::grid::dense_product_of<e>::of(samples).depth));
    CHECK(difference(found, p.by_own_kernels()) <=
          (64 + additions) * static_cast<double>(std::numeric_limits<T>::epsilon()));
    CHECK(p.by(operation) == found);
    CHECK(captured == found);
}

using x = operand<0, ls::shape<8, 256>>;
using w = operand<1, ls::shape<256, 256>, false>;

template <class Z, class B>
using add_bias_relu = ls::apply<ls::function::relu, ls::apply<ls::function::add, Z, B>>;

/// Where cuBLASLt has an algorithm for both; a device for which it has none is no failure.
template <class T, class Next, class E, class R = T>
void check_followed(double bound) {
    CAPTURE(static_cast<int>(ls::grid::follower_of<Next>::value.kind));
    followed<T, Next, E, R> p(64);
    typename decltype(p)::library operation(0, 64, p.follower);
    WARN(operation.computes_both(64));
    if (!operation.computes_both(64)) return;
    auto const captured = p.by_graph(), found = p.by(operation), expected = p.by_own_kernels();
    CHECK(difference(found.result, expected.result) <= bound);
    CHECK(difference(found.vector, expected.vector) <= bound);
    CHECK(p.by(operation) == found);
    CHECK(captured == found);
}

} // namespace

TEST_CASE_TEMPLATE("products by cuBLASLt are those of our own kernels, and the same bits again", T, float, double) {
    check_product<T, ls::primitive::matmul, x, w>(64);
    check_product<T, ls::primitive::matmul, operand<0, ls::shape<301>>, operand<1, ls::shape<301, 2003>, false>>(77);
    check_product<T, ls::primitive::matmul_right_transposed, x, operand<1, ls::shape<301, 256>, false>>(64);
    check_product<T, ls::primitive::matmul_left_transposed, x, operand<1, ls::shape<8, 301>>>(64);
    // A sum over many rows, which is cut into parts.
    check_product<T, ls::primitive::matmul_left_transposed, operand<0, ls::shape<1024, 32>>,
                  operand<1, ls::shape<1024, 32>>>(64);
}

TEST_CASE_TEMPLATE("batched products by cuBLASLt are those of our own kernels", T, float, double) {
    check_product<T, batched_matmul<transposed::none>, operand<0, ls::shape<1, 3, 60, 50>>,
                  operand<1, ls::shape<1, 3, 50, 70>>>(60);
    check_product<T, batched_matmul<transposed::left>, operand<0, ls::shape<150, 60>, false>,
                  operand<1, ls::shape<150, 70>>>(60);
    check_product<T, batched_matmul<transposed::right>, operand<0, ls::shape<60, 150>>,
                  operand<1, ls::shape<70, 150>, false>>(60);
}

TEST_CASE("convolutions whose window is a pixel by cuBLASLt are those of our own kernels") {
    using pixel = ls::window<1, 1, 1, 1, 0, 0>;
    using g = ls::convolution_geometry<130, 6, 6, 120, pixel>;
    using weights = operand<1, ls::shape<1, 1, 130, 120>, false>;
    check_product<float, ls::primitive::convolution<pixel, 1>, operand<0, ls::shape<130, 6, 6>>, weights>(64);
    check_product<float, ls::primitive::convolution_data_gradient<g>, operand<0, ls::shape<120, 6, 6>>, weights>(64);
    check_product<float, ls::primitive::convolution_weight_gradient<g>, operand<0, ls::shape<130, 6, 6>>,
                  operand<1, ls::shape<120, 6, 6>>>(64);
}

TEST_CASE("products of bf16 by cuBLASLt are those of our own kernels, rounded or not, and the same bits again") {
    using left = ls::leaf<ls::operand_tag<0>, ls::shape<8, 256>, true, ls::leaf_content::bf16>;
    using right = ls::leaf<ls::operand_tag<1>, ls::shape<256, 256>, false, ls::leaf_content::bf16>;
    auto const check = [&]<class R>(R, double bound) {
        both_ways<float, ls::compute<ls::primitive::matmul, left, right>, R> p(64);
        typename decltype(p)::library operation(0, 64);
        auto const found = p.by(operation);
        CHECK(difference(found, p.by_own_kernels()) <= bound);
        CHECK(p.by(operation) == found);
        CHECK(p.by_graph() == found);
    };
    check(float{}, 1e-5);
    check(ls::bf16{}, 0x1p-7);
}

TEST_CASE_TEMPLATE("what follows a product is computed with it, as our own kernels do, and the same bits again", T, float, double) {
    using product_of_both = ls::compute<ls::primitive::matmul, x, w>;
    using z = operand<0, ls::shape<8, 256>>;
    using bias = operand<1, ls::shape<256>, false>;
    double const bound = 128 * static_cast<double>(std::numeric_limits<T>::epsilon());
    check_followed<T, ls::apply<ls::function::add, z, bias>, product_of_both>(bound);
    check_followed<T, add_bias_relu<z, bias>, product_of_both>(bound);
    check_followed<T, ls::apply<ls::function::relu, z>, product_of_both>(bound);
    using gradient = ls::compute<ls::primitive::matmul_left_transposed, x, operand<1, ls::shape<8, 256>>>;
    check_followed<T, ls::compute<ls::primitive::sum_to<ls::shape<256>, false>, z>, gradient>(bound);
}

TEST_CASE("what follows a product of bf16 is computed with it") {
    using ls::leaf_content;
    using z = ls::leaf<ls::operand_tag<0>, ls::shape<8, 256>, true, leaf_content::bf16>;
    using right = ls::leaf<ls::operand_tag<1>, ls::shape<256, 256>, false, leaf_content::bf16>;
    using bias = ls::leaf<ls::operand_tag<1>, ls::shape<256>, false, leaf_content::bf16>;
    using upstream = ls::leaf<ls::operand_tag<1>, ls::shape<8, 256>, true, leaf_content::bf16>;
    check_followed<float, add_bias_relu<z, bias>, ls::compute<ls::primitive::matmul, z, right>, ls::bf16>(0x1p-6);
    check_followed<float, ls::compute<ls::primitive::sum_to<ls::shape<256>, false>, z>,
                   ls::compute<ls::primitive::matmul_left_transposed, z, upstream>, float>(1e-4);
}

TEST_CASE("a relu behind a product keeps NaN") {
    using z = operand<0, ls::shape<8, 256>>;
    using bias = operand<1, ls::shape<256>, false>;
    followed<float, add_bias_relu<z, bias>, ls::compute<ls::primitive::matmul, x, w>> p(64);
    decltype(p)::library operation(0, 64, p.follower);
    if (!operation.computes_both(64)) return;
    CHECK(std::isnan(p.of_nan(operation).result[0]));
}

TEST_CASE("with TF32 products are rounded, and not by much") {
    using tested = both_ways<float, ls::compute<ls::primitive::matmul, x, w>>;
    tested p(64);
    gpu::allow_tf32(true);
    tested::library operation(0, 64);
    gpu::allow_tf32(false);
    CHECK(difference(p.by(operation), p.by_own_kernels()) < 2e-3);
}
