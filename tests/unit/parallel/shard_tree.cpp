// SPDX-License-Identifier: MIT
#include <lockstep/parallel/reduce.hpp>
#include <lockstep/parallel/shard_tree.hpp>

#include <doctest/doctest.h>

#include <random>
#include <vector>

namespace {

namespace ls = lockstep;

/// Numbers whose sum depends on the order of additions.
std::vector<float> numbers(int count) {
    std::mt19937 generator(static_cast<unsigned>(count));
    std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
    std::vector<float> values;
    for (int i = 0; i < count; ++i) values.push_back(uniform(generator) * static_cast<float>(1 << (i % 13)));
    return values;
}

/// Each process adds up its nodes, then the sums of all nodes are added.
float sum_cut_at(ls::shard_tree const& tree, std::vector<float> const& values) {
    std::vector<float> sums;
    for (ls::shard_node const node : tree.nodes())
        sums.push_back(ls::shard_tree::sum_of_node(node, [&](int shard) { return values[static_cast<std::size_t>(shard)]; }));
    tree.add_in_place(sums.data(), 1, 1);
    return sums[0];
}

template <int Shards>
void compare_cuts() {
    std::vector<float> const values = numbers(Shards);
    float const whole = ls::sum_over_shards<Shards>([&](int shard) { return values[static_cast<std::size_t>(shard)]; });
    for (int processes = 1; processes <= Shards; ++processes) {
        if (Shards % processes != 0) continue;
        CAPTURE(processes);
        ls::shard_tree const tree = ls::shard_tree::over_shards(Shards, processes);
        CHECK(sum_cut_at(tree, values) == whole);
        std::vector<float> scratch(static_cast<std::size_t>(tree.size()));
        CHECK(tree.sum([&](int shard) { return values[static_cast<std::size_t>(shard)]; }, scratch.data()) == whole);

        // Nodes cover the shards in order, each within one process, and are sums that a kernel exists for.
        int next = 0;
        for (int p = 0; p < processes; ++p) {
            int const each = Shards / processes;
            CHECK(next == p * each);
            for (int n = tree.first_node(p); n < tree.first_node(p + 1); ++n) {
                ls::shard_node const node = tree.nodes()[static_cast<std::size_t>(n)];
                CHECK(node.first == next);
                next += node.count;
                CHECK(next <= (p + 1) * each);
                CHECK(ls::detail::is_node_size(Shards, node.count));
            }
        }
        CHECK(next == Shards);
    }
}

} // namespace

TEST_CASE("a tree that is cut at processes' limits has the bits of the whole one") {
    compare_cuts<1>();
    compare_cuts<2>();
    compare_cuts<4>();
    compare_cuts<6>();
    compare_cuts<8>();
    compare_cuts<12>();
    compare_cuts<15>();
    compare_cuts<16>();
}

TEST_CASE("a process has one node where the number of processes is a power of two") {
    for (int const processes : {1, 2, 4, 8}) CHECK(ls::shard_tree::over_shards(16, processes).size() == processes);
    CHECK(ls::shard_tree::over_shards(6, 3).size() > 3);
}

TEST_CASE("a tree over processes adds their own sums") {
    std::vector<float> const values = numbers(6);
    ls::shard_tree const tree = ls::shard_tree::over_processes(2, 3);
    CHECK(tree.size() == 3);
    CHECK(sum_cut_at(tree, values) == (values[0] + values[1]) + ((values[2] + values[3]) + (values[4] + values[5])));
}

TEST_CASE("blocks are added element by element") {
    ls::shard_tree const tree = ls::shard_tree::over_shards(4, 4);
    std::vector<float> blocks{1, 2, 0, 10, 20, 0, 100, 200, 0, 1000, 2000, 0};
    tree.add_in_place(blocks.data(), 3, 2);
    CHECK(blocks[0] == 1111);
    CHECK(blocks[1] == 2222);
    CHECK(blocks[2] == 0);
}
