// SPDX-License-Identifier: MIT
#include <lockstep/parallel/process_group.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <span>

namespace ls = lockstep;

static_assert(ls::single_process::rank() == 0 && ls::single_process::size() == 1);
static_assert(!ls::process_group<int>);
// Nothing of it is left at run time.
static_assert([] {
    ls::single_process group;
    ls::exchange_id const id = group.prepare({}, {});
    group.start(id);
    group.wait(id);
    return group.finished(id);
}());

TEST_CASE("single_process: what one process gathers is its own, from elsewhere or in its place") {
    ls::single_process group;
    int const mine = 42;
    int all = 0;
    group.all_gather(std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(&all, 1)));
    CHECK(all == 42);
    group.all_gather(std::as_bytes(std::span(&all, 1)), std::as_writable_bytes(std::span(&all, 1)));
    CHECK(all == 42);
    group.broadcast(std::as_writable_bytes(std::span(&all, 1)), 0);
    CHECK(all == 42);
    CHECK_THROWS_WITH_AS(group.all_gather(std::as_bytes(std::span(&mine, 1)), {}),
                         "all_gather: expected 1 times 4 bytes, found 0", ls::usage_error);
}
