// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/merge.hpp>
#include <lockstep/parallel/process_group.hpp>
#include <lockstep/parallel/reduce.hpp>
#include <lockstep/parallel/shard_passes.hpp>
#include <lockstep/parallel/shard_tree.hpp>
#include <lockstep/parallel/step_header.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/tensor/memory.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lockstep::detail {

/// The exchanges of a training step between processes: what each sends, where what comes lies, and what is made of it.
/// Everything is prepared once. Plan is the static_plan of a training step, Group models process_group.
template <class T, class Plan, class Group>
class step_exchanges {
    static constexpr plan p = Plan::value;
    static constexpr int count = static_cast<int>(p.steps.exchanges.size());
    static constexpr int replicas = p.settings.replicas;
    using passes = shard_passes<T, Plan>;

public:
    /// `tree`: of all shards of all processes. Every process makes the same exchanges.
    step_exchanges(Group& processes, shard_tree const& tree, passes& own, T* parameters)
        : group_(&processes), tree_(tree), shards_(&own), headers_(static_cast<std::size_t>(processes.size())),
          scratch_(static_cast<std::size_t>(tree_.size() * block * replicas)), sums_(static_cast<std::size_t>(tree_.size())) {
        std::int64_t received = 0;
        for (bucket const& b : p.buckets) {
            received_at_.push_back(received);
            received += own_slice(b).end - own_slice(b).begin;
        }
        received_elements_ = received;
        received_ = host_memory(static_cast<std::size_t>(tree_.size() * received) * sizeof(T));
        for (int i = 0; i < count; ++i) prepare(i, parameters);
    }

    shard_tree const& tree() const { return tree_; }
    /// The sum of a number that every shard of the batch has. In the caller's thread.
    template <class Value>
    double sum(Value const& value) {
        return tree_.sum(value, sums_.data());
    }
    /// What all samples of the batch count, when the results of all shards are there and counted.
    double divisor() const { return divisor_; }
    void count_results() { divisor_ = sum([&](int s) { return shards_->result(s).divisor; }); }
    /// The elements of a bucket that this process reduces.
    bucket_slice own_slice(bucket const& b) const { return slice_of(b, group_->rank(), group_->size()); }

    // ---- the commands of a schedule ----

    void set_header(step_header const& header) { headers_[static_cast<std::size_t>(group_->rank())] = header; }
    void start(int i) { group_->start(ids_[i]); }
    bool has_finished(int i) {
        if (!group_->finished(ids_[i])) return false;
        receive(i);
        return true;
    }
    void finish(int i) {
        group_->wait(ids_[i]);
        receive(i);
    }

    /// Before an exchange of sums: those of this process' nodes.
    void pack(int i) {
        T* const sums = shared_[i].template as<T>().data();
        std::int64_t const size = shared_elements(i);
        for (int n = first_node(group_->rank()); n < first_node(group_->rank() + 1); ++n) {
            shard_node const node = tree_.nodes()[static_cast<std::size_t>(n)];
            if (p.steps.exchanges[i].kind == exchange_kind::states) pack_states(node, sums + n * size);
            else pack_collective(node, p.steps.exchanges[i].index, sums + n * size);
        }
    }

    /// A collective operation of a replica's shards, when the sums of all nodes are there.
    void add_shards(int r, int operation) {
        T const* const sum = shared_[number_of(exchange_kind::collective, operation)].template as<T>().data();
        int const result = p.operations[operation].result;
        for (int s = shards_->first_shard(r); s < shards_->first_shard(r + 1); ++s)
            std::copy_n(sum, p.buffers[result].shape.size(), shards_->value(s, result));
    }

    /// The observations of all shards change the states; every process comes to the same bits.
    void merge_states(int r, T* parameters) {
        T const* const nodes = shared_[number_of(exchange_kind::states)].template as<T>().data();
        std::int64_t const size = p.parameter_elements - p.trained_elements;
        std::int64_t samples = 0;
        for (shard_result const& each : shards_->results()) samples += each.samples;
        T* const values = scratch_of(r);
        for_own_states(p, r, replicas, [&](local_parameter const& declared, std::int64_t element) {
            for (int n = 0; n < tree_.size(); ++n) values[n] = nodes[n * size + element - p.trained_elements];
            if (declared.merge.how == merge_kind::maximum) values[0] = *std::max_element(values, values + tree_.size());
            else tree_.add_in_place(values, 1, 1);
            merge_into(parameters[element], values[0], static_cast<T>(samples), declared.merge);
        });
    }

    /// The sums over this process' shards, node by node, in the place of each node's first shard's gradient.
    void reduce(bucket_slice part) {
        for (int n = first_node(group_->rank()); n < first_node(group_->rank() + 1); ++n) {
            shard_node const node = tree_.nodes()[static_cast<std::size_t>(n)];
            for_node_size<passes::max_shards>(node.count, [&]<int Count>() {
                auto const gradients = shards_->template gradients<Count>(local(node));
                T* const sum = shards_->gradient(local(node));
                for_each_element(part, [&](std::int64_t i) {
                    sum[i] = sum_over_shards<Count>([&](int shard) { return gradients[shard][i]; });
                });
            });
        }
    }
    /// The sums over all processes of a part of the own slice of a bucket: use(first, sums, how many) for a block of them.
    template <class Use>
    void combine(int r, int bucket_number, bucket_slice part, Use const& use) {
        T* const values = scratch_of(r);
        for (std::int64_t first = part.begin; first < part.end; first += block) {
            std::int64_t const size = std::min(block, part.end - first);
            for (int n = 0; n < tree_.size(); ++n) std::copy_n(node_sums(bucket_number, n) + first, size, values + n * block);
            tree_.add_in_place(values, block, size);
            use(first, values, size);
        }
    }

    // ---- outside of a schedule ----

    /// All exchanges of a kind, one after the other started and then waited for.
    void exchange_all(exchange_kind kind) {
        for (int i = 0; i < count; ++i)
            if (p.steps.exchanges[i].kind == kind) start(i);
        for (int i = 0; i < count; ++i)
            if (p.steps.exchanges[i].kind == kind) finish(i);
    }
    void exchange_one(exchange_kind kind, int index = -1) {
        int const i = number_of(kind, index);
        if (kind == exchange_kind::states || kind == exchange_kind::collective) pack(i);
        start(i);
        finish(i);
    }
    /// Every process is about to do the same.
    void agree(step_header const& header) {
        set_header(header);
        exchange_one(exchange_kind::header);
    }

    /// Each process' slice of a bucket to all others, in memory of the caller's.
    void gather_slices(bucket const& b, T* values) {
        for (int rank = 0; rank < group_->size(); ++rank) {
            bucket_slice const part = slice_of(b, rank, group_->size());
            group_->broadcast({reinterpret_cast<std::byte*>(values + part.begin),
                               static_cast<std::size_t>(part.end - part.begin) * sizeof(T)}, rank);
        }
    }

private:
    static constexpr std::int64_t block = 16 * slice_alignment;

    static int number_of(exchange_kind kind, int index = -1) {
        int i = 0;
        while (p.steps.exchanges[i].kind != kind || (index >= 0 && p.steps.exchanges[i].index != index)) ++i;
        return i;
    }
    static std::int64_t shared_elements(int i) {
        exchange const& e = p.steps.exchanges[i];
        if (e.kind == exchange_kind::states) return p.parameter_elements - p.trained_elements;
        return p.buffers[p.operations[e.index].result].shape.size();
    }
    int first_node(int process) const { return tree_.first_node(process); }
    /// A node's first shard, numbered within the process.
    int local(shard_node node) const { return node.first - shards_->share().first; }
    T* scratch_of(int r) { return scratch_.data() + r * tree_.size() * block; }

    /// A node's sums of a bucket, addressed as the bucket's elements are: own ones where reduce has left them.
    T const* node_sums(int bucket_number, int n) const {
        if (n >= first_node(group_->rank()) && n < first_node(group_->rank() + 1))
            return shards_->gradient(local(tree_.nodes()[static_cast<std::size_t>(n)]));
        return received(bucket_number, n) - own_slice(p.buckets[bucket_number]).begin;
    }
    T* received(int bucket_number, int n) const {
        return received_.template as<T>().data() + n * received_elements_ +
               received_at_[static_cast<std::size_t>(bucket_number)];
    }

    void pack_states(shard_node node, T* sums) const {
        for_own_states(p, 0, 1, [&](local_parameter const& declared, std::int64_t element) {
            T& sum = sums[element - p.trained_elements];
            auto const seen = [&](int shard) {
                int const s = shard - shards_->share().first;
                return observed_by(declared.merge, shards_->gradient(s)[element], shards_->samples(s));
            };
            if (declared.merge.how == merge_kind::maximum) {
                sum = seen(node.first);
                for (int s = 1; s < node.count; ++s) sum = std::max(sum, seen(node.first + s));
            } else sum = shard_tree::sum_of_node(node, seen);
        });
    }
    void pack_collective(shard_node node, int operation, T* sums) const {
        int const operand = p.operations[operation].operands[0];
        for (std::int64_t i = 0; i < p.buffers[p.operations[operation].result].shape.size(); ++i)
            sums[i] = shard_tree::sum_of_node(
                node, [&](int shard) { return shards_->value(shard - shards_->share().first, operand)[i]; });
    }

    /// What follows an exchange in the leader's thread.
    void receive(int i) {
        exchange const& e = p.steps.exchanges[i];
        if (e.kind == exchange_kind::header) compare_headers(headers_, group_->rank());
        if (e.kind == exchange_kind::results) count_results();
        if (e.kind == exchange_kind::collective)
            tree_.add_in_place(shared_[i].template as<T>().data(), shared_elements(i), shared_elements(i));
    }

    template <class U>
    static message part_of(int peer, U* data, std::int64_t elements) {
        return {peer, reinterpret_cast<std::byte*>(data), static_cast<std::size_t>(elements) * sizeof(U)};
    }

    /// Who sends what to whom.
    void prepare(int i, T* parameters) {
        exchange const& e = p.steps.exchanges[i];
        if (e.kind == exchange_kind::states || e.kind == exchange_kind::collective)
            shared_[i] = host_memory(static_cast<std::size_t>(tree_.size() * shared_elements(i)) * sizeof(T));
        std::vector<message> send, receive;
        int const own = group_->rank();
        for (int peer = 0; peer < group_->size(); ++peer) {
            if (peer == own) continue;
            switch (e.kind) {
            case exchange_kind::header:
                send.push_back(part_of(peer, &headers_[static_cast<std::size_t>(own)], 1));
                receive.push_back(part_of(peer, &headers_[static_cast<std::size_t>(peer)], 1));
                break;
            case exchange_kind::results: {
                int const each = shards_->share().count;
                send.push_back(part_of(peer, shards_->results().data() + own * each, each));
                receive.push_back(part_of(peer, shards_->results().data() + peer * each, each));
                break;
            }
            case exchange_kind::states:
            case exchange_kind::collective: {
                T* const sums = shared_[i].template as<T>().data();
                std::int64_t const size = shared_elements(i);
                auto const nodes_of = [&](int rank) {
                    return part_of(peer, sums + first_node(rank) * size, (first_node(rank + 1) - first_node(rank)) * size);
                };
                send.push_back(nodes_of(own));
                receive.push_back(nodes_of(peer));
                break;
            }
            case exchange_kind::scatter: {
                bucket const& b = p.buckets[e.index];
                bucket_slice const theirs = slice_of(b, peer, group_->size()), mine = own_slice(b);
                for (int n = first_node(own); n < first_node(own + 1); ++n)
                    send.push_back(part_of(peer, shards_->gradient(local(tree_.nodes()[static_cast<std::size_t>(n)])) + theirs.begin,
                                           theirs.end - theirs.begin));
                for (int n = first_node(peer); n < first_node(peer + 1); ++n)
                    receive.push_back(part_of(peer, received(e.index, n), mine.end - mine.begin));
                break;
            }
            case exchange_kind::gather:
            case exchange_kind::publish: {
                T* const values = e.kind == exchange_kind::gather ? shards_->gradient(0) : parameters;
                bucket const& b = p.buckets[e.index];
                bucket_slice const theirs = slice_of(b, peer, group_->size()), mine = own_slice(b);
                send.push_back(part_of(peer, values + mine.begin, mine.end - mine.begin));
                receive.push_back(part_of(peer, values + theirs.begin, theirs.end - theirs.begin));
                break;
            }
            }
        }
        ids_[static_cast<std::size_t>(i)] = group_->prepare(send, receive);
    }

    Group* group_;
    shard_tree tree_;
    passes* shards_;
    std::vector<step_header> headers_;
    /// Of all nodes, for the parts of buckets that this process adds up.
    host_memory received_;
    std::int64_t received_elements_ = 0;
    std::vector<std::int64_t> received_at_;
    /// Sums that all processes get, for each exchange of such, of all nodes.
    std::array<host_memory, static_cast<std::size_t>(count)> shared_;
    std::array<exchange_id, static_cast<std::size_t>(count)> ids_{};
    std::vector<T> scratch_;
    std::vector<double> sums_;
    double divisor_ = 0.0;
};

} // namespace lockstep::detail
