// SPDX-License-Identifier: MIT
#include <lockstep/plan/bucket_policy.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <numeric>
#include <vector>

namespace {

namespace ls = lockstep;

constexpr std::int64_t kib = 1 << 10, mib = 1 << 20;

/// A program of one parameter an operation, each with a gradient, the first parameter's last.
ls::program program_of(std::vector<int> const& sizes) {
    ls::program p;
    int const count = static_cast<int>(sizes.size());
    for (int i = 0; i < count; ++i) {
        ls::program_parameter parameter;
        parameter.declared.shape = {1, {sizes[static_cast<std::size_t>(i)]}};
        parameter.group = i;
        p.parameters.push_back(parameter);
        ls::buffer gradient;
        gradient.kind = ls::buffer_kind::gradient;
        gradient.parameter = i;
        p.buffers.push_back(gradient);
    }
    for (int i = count; i-- > 0;) {
        ls::operation op;
        op.result = i;
        p.operations.push_back(op);
    }
    return p;
}

bool are_equal(std::vector<ls::bucket> const& a, std::vector<ls::bucket> const& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i].begin != b[i].begin || a[i].end != b[i].end || a[i].parameters != b[i].parameters ||
            a[i].ready_after != b[i].ready_after)
            return false;
    return true;
}

} // namespace

TEST_CASE("joined buckets are those that planning gives") {
    ls::program const p = program_of({16, 4096, 100, 70000, 32, 32, 9000, 5, 16384, 1});
    std::vector<ls::bucket> const single = ls::plan_buckets(p, ls::bucket_bytes<1>, 4).buckets;
    CHECK(single.size() == 10);
    for (std::int64_t bytes : {std::int64_t{1}, std::int64_t{64}, 4 * kib, 64 * kib, 100 * kib, mib}) {
        CAPTURE(bytes);
        CHECK(are_equal(ls::join_buckets(single, {bytes, bytes}, 4), ls::plan_buckets(p, {bytes, bytes}, 4).buckets));
    }
}

TEST_CASE("the first bucket has a bound of its own") {
    ls::program const p = program_of(std::vector<int>(40, 256 * 1024)); // of 1 MiB each
    std::vector<ls::bucket> const joined = ls::join_buckets(ls::plan_buckets(p, ls::bucket_bytes<1>, 4).buckets, ls::ddp_buckets, 4);
    REQUIRE(joined.size() == 3);
    CHECK(joined[0].parameters == 1);
    CHECK(joined[1].parameters == 25);
    CHECK(joined[2].parameters == 14);
    CHECK(joined[0].ready_after == 0);
    CHECK(joined[1].ready_after == 25);
    CHECK(joined[2].ready_after == 39);
    CHECK(ls::join_buckets({}, ls::ddp_buckets, 4).empty());
}

TEST_CASE("bounds are values that a template can have") {
    static_assert(ls::bucket_bytes<mib> == ls::bucket_bounds{});
    static_assert(ls::bucket_bytes<5 * mib> == ls::bucket_bounds{5 * mib, 5 * mib});
    static_assert(ls::ddp_buckets == ls::bucket_bounds{mib, 25 * mib});
    static_assert([]<ls::bucket_bounds Bounds>() { return Bounds.bytes; }.operator()<ls::ddp_buckets>() == 25 * mib);
}

// On a CPU nothing is reduced beside the backward pass, so that being ready early is worth nothing and meeting costs
// something: buckets are as large as the cache that keeps them.
static_assert(ls::choose_buckets(ls::cpu_host, 2, 8 * mib, 1e4) == ls::bucket_bytes<mib>);
static_assert(ls::choose_buckets(ls::cpu_host, 16, 100 * mib, 1e5) == ls::bucket_bytes<mib>);

TEST_CASE("a CPU's buckets are of its cache's size") {
    for (std::int64_t cache : {256 * kib, 512 * kib, 2 * mib, 4 * mib}) {
        ls::topology host = ls::cpu_host;
        host.cache_bytes = cache;
        CHECK(ls::choose_buckets(host, 2, 64 * mib, 1e5) == ls::bucket_bounds{cache, cache});
    }
}

TEST_CASE("the slower reductions are to start, and the shorter the backward pass, the fewer are the buckets") {
    std::int64_t const gradients = 100 * mib;
    auto const buckets = [&](ls::topology const& t, double backward) {
        ls::bucket_bounds const b = ls::choose_buckets(t, 64, gradients, backward);
        return b.first_bytes >= gradients ? 1 : 1 + (gradients - b.first_bytes + b.bytes - 1) / b.bytes;
    };
    ls::topology slow = ls::v100_nvlink, quick = ls::v100_nvlink;
    slow.base = {500.0, 500.0, 500.0};
    quick.base = quick.inside.hop = quick.between.hop = {};
    CHECK(buckets(slow, 1e5) < buckets(ls::v100_nvlink, 1e5));
    CHECK(buckets(ls::v100_nvlink, 1e5) < buckets(quick, 1e5));
    CHECK(buckets(ls::v100_nvlink, 1e2) < buckets(ls::v100_nvlink, 1e5));
    // Alone there is nothing to reduce, and every choice is as good.
    CHECK(ls::overlapped_microseconds(ls::h100_nvlink, 1, gradients, 2e4, ls::ddp_buckets) == doctest::Approx(2e4));
}

TEST_CASE("what cannot be chosen for is an error") {
    CHECK_THROWS_AS(static_cast<void>(ls::choose_buckets(ls::h100_nvlink, 8, 0, 1e4)), ls::usage_error);
    CHECK_THROWS_AS(static_cast<void>(ls::choose_buckets(ls::h100_nvlink, 8, mib, -1.0)), ls::usage_error);
    CHECK_THROWS_AS(static_cast<void>(ls::choose_buckets(ls::cpu_host, 1000, mib, 1e4)), ls::usage_error);
}
