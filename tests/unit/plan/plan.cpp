// SPDX-License-Identifier: MIT
#include <lockstep/plan/plan.hpp>
#include <lockstep/plan/print.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ls = lockstep;

TEST_CASE("shards cover a batch in order, and differ by one sample at most") {
    for (int shards : {1, 2, 3, 4, 8})
        for (std::int64_t samples : {0, 1, 2, 3, 7, 8, 13, 64, 1000}) {
            CAPTURE(shards);
            CAPTURE(samples);
            std::int64_t next = 0, least = samples, most = 0;
            for (int s = 0; s < shards; ++s) {
                auto const part = ls::shard_of(samples, s, shards);
                CHECK(part.first == next);
                next += part.count;
                least = std::min(least, part.count);
                most = std::max(most, part.count);
            }
            CHECK(next == samples);
            CHECK(most - least <= 1);
        }
}

TEST_CASE("slices cover a bucket, whole cache lines each") {
    for (int owners : {1, 2, 3, 4, 7})
        for (std::int64_t lines : {1, 2, 5, 64}) {
            ls::bucket const b{160, 160 + lines * ls::slice_alignment, 1, 0};
            std::int64_t next = b.begin;
            for (int r = 0; r < owners; ++r) {
                auto const own = ls::slice_of(b, r, owners);
                CHECK(own.begin == next);
                CHECK((own.end - own.begin) % ls::slice_alignment == 0);
                next = own.end;
            }
            CHECK(next == b.end);
        }
}

TEST_CASE("free memory is taken from the smallest hole that fits, and holes grow together") {
    ls::detail::free_list memory;
    CHECK(memory.take(128) == 0);
    CHECK(memory.take(64) == 128);
    CHECK(memory.take(256) == 192);
    CHECK(memory.take(64) == 448);
    memory.give(0, 128);
    memory.give(192, 256);
    CHECK(memory.take(100) == 0);  // fits the first hole, the smaller one
    CHECK(memory.take(200) == 192);
    memory.give(0, 100);
    memory.give(128, 64);          // touches holes on both sides: 0 to 192
    CHECK(memory.take(192) == 0);
    CHECK(memory.end() == 512);
    memory.give(448, 64);
    CHECK(memory.take(1000) == 392); // the last hole reaches the end and grows
    CHECK(memory.end() == 1392);
}

namespace {

/// A program of buffers a -> b -> c -> d, each written by one operation from the one before.
ls::program chain(int length) {
    ls::program p;
    for (int i = 0; i <= length; ++i) {
        ls::buffer b;
        b.shape = {1, {16}};
        b.kind = i == 0 ? ls::buffer_kind::input : ls::buffer_kind::value;
        b.storage = i;
        b.result = i == length;
        p.buffers.push_back(b);
    }
    for (int i = 0; i < length; ++i) {
        ls::operation op;
        op.result = i + 1;
        op.operands[0] = i;
        op.operand_count = 1;
        p.operations.push_back(op);
    }
    p.forward_count = length;
    return p;
}

} // namespace

TEST_CASE("arena: a value's memory is free once it was read for the last time") {
    ls::program const p = chain(6);
    ls::arena const a = ls::plan_arena(p, 4, 4);
    CHECK(a.bytes == 2 * 16 * 4 * 4); // never more than two values at a time
    CHECK_FALSE(a.placements[0].in_arena());
    for (int i = 1; i < 6; ++i) {
        auto const& here = a.placements[static_cast<std::size_t>(i)];
        auto const& next = a.placements[static_cast<std::size_t>(i + 1)];
        CHECK(here.bytes == 256);
        CHECK(here.offset != next.offset);
    }
}

TEST_CASE("arena: a tail's result is there while the operation before it runs") {
    ls::program p = chain(3);
    p.operations[1].has_tail = true;
    ls::arena const a = ls::plan_arena(p, 1, 4);
    // Operation 1 writes 2 while its tail already writes 3, and both still read 1.
    CHECK(a.placements[3].first == 1);
    CHECK(a.bytes == 3 * 64);
}

TEST_CASE("a plan as a text names memory, buckets and operations") {
    ls::program const p = chain(2);
    std::vector<ls::placement> const placements = ls::plan_arena(p, 8, 4).placements;
    ls::plan plan;
    plan.settings = {2, 4, 32, 4};
    plan.buffers = p.buffers;
    plan.operations = p.operations;
    plan.placements = placements;
    plan.forward_count = 1;
    plan.arena_bytes = 2048;
    std::string const text = ls::to_text(plan);
    CHECK(text.find("a batch of 32 samples, 4 shards of up to 8, 2 replicas") != std::string::npos);
    CHECK(text.find("2 operations, ") != std::string::npos);
    CHECK(text.find("arena 2.0 KiB") != std::string::npos);
    CHECK(text.find("-- backward --") != std::string::npos);
    CHECK(text.find("[16]") != std::string::npos);
}
