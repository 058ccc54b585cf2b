// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace lockstep {

/// Neighbouring shards whose sum is a node of the tree in which all shards are added.
struct shard_node {
    int first = 0;
    int count = 0;
};

namespace detail {

/// The shards of a batch that this process computes: those from `first` on, `count` of `total`.
struct shard_share {
    int first = 0;
    int count = 1;
    int total = 1;
};

} // namespace detail

/// The tree in which the shards of several processes are added, cut at the processes' limits: each process adds the
/// shards of its own nodes, and whoever has the sums of all nodes adds these, in the order of the tree. With one tree over
/// all shards the bits of a sum don't depend on how many processes there are.
class shard_tree {
public:
    /// One balanced tree over all shards. Each process has the same number of them.
    static shard_tree over_shards(int shards, int processes) {
        shard_tree tree(shards, processes);
        tree.cut(0, shards);
        return tree;
    }
    /// A balanced tree over the processes' own sums, each a tree over its shards.
    static shard_tree over_processes(int shards_each, int processes) {
        shard_tree tree(shards_each * processes, processes);
        for (int p = 0; p < processes; ++p) tree.nodes_.push_back({p * shards_each, shards_each});
        tree.add_processes(0, processes);
        return tree;
    }

    int shards() const { return shards_; }
    /// In the order of their shards.
    std::vector<shard_node> const& nodes() const { return nodes_; }
    int size() const { return static_cast<int>(nodes_.size()); }
    /// The first of a process' nodes; those of the next one follow.
    int first_node(int process) const {
        int node = 0;
        while (node < size() && nodes_[static_cast<std::size_t>(node)].first < process * each_) ++node;
        return node;
    }

    /// Adds the nodes' values, which lie `stride` apart, `count` numbers each; the sum is left with the first node.
    template <class T>
    void add_in_place(T* values, std::int64_t stride, std::int64_t count) const {
        for (auto const& [into, from] : additions_)
            for (std::int64_t i = 0; i < count; ++i) values[into * stride + i] += values[from * stride + i];
    }

    /// The sum of a number that each shard has. `sums` has a place for each node.
    template <class T, class Value>
    T sum(Value const& value, T* sums) const {
        for (int n = 0; n < size(); ++n) sums[n] = sum_of_node(nodes_[static_cast<std::size_t>(n)], value);
        add_in_place(sums, 1, 1);
        return sums[0];
    }
    /// The part of it that is a node's.
    template <class Value>
    static auto sum_of_node(shard_node node, Value const& value) {
        if (node.count == 1) return value(node.first);
        int const left = node.count / 2;
        return sum_of_node({node.first, left}, value) + sum_of_node({node.first + left, node.count - left}, value);
    }

private:
    shard_tree(int shards, int processes) : shards_(shards), each_(shards / processes) {}

    /// Takes a node that one process has as it is, and cuts others in two. Returns the number of its first node.
    int cut(int first, int count) {
        if (first / each_ == (first + count - 1) / each_) {
            nodes_.push_back({first, count});
            return size() - 1;
        }
        int const left = cut(first, count / 2);
        int const right = cut(first + count / 2, count - count / 2);
        additions_.emplace_back(left, right);
        return left;
    }
    void add_processes(int first, int count) {
        if (count == 1) return;
        add_processes(first, count / 2);
        add_processes(first + count / 2, count - count / 2);
        additions_.emplace_back(first, first + count / 2);
    }

    int shards_, each_;
    std::vector<shard_node> nodes_;
    /// The second node is added to the first.
    std::vector<std::pair<int, int>> additions_;
};

} // namespace lockstep
