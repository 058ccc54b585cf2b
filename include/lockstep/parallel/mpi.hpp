// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/parallel/mpi_channel.hpp>
#include <lockstep/parallel/mpi_notices.hpp>
#include <lockstep/parallel/mpi_process.hpp>
#include <lockstep/parallel/process_group.hpp>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lockstep {

/// How processes work together through MPI; the same in all of them.
struct mpi_options {
    /// For so long what a process waits for may make no progress before it is a process_error.
    std::chrono::milliseconds time_limit = std::chrono::minutes(10);
    /// Longer messages are sent in pieces of so many bytes: MPI counts with int.
    std::size_t piece_bytes = std::size_t{1} << 30;
};

/// The processes of an MPI communicator as a process_group. Begins MPI, with MPI_THREAD_FUNNELED, where nobody has, and
/// then ends it at exit. To be used by the thread that made it alone. An exchange is a list of persistent requests,
/// which is started and tested without an allocation.
///
/// The destructor tells the others that this process has left, or that it failed, where an exception is under way;
/// then it waits, for 5 seconds at most, until all others have told so. A process_error is final: all further calls
/// throw it. Before it is thrown, and by fail, messages under way are brought to an end, for 5 seconds at most.
class mpi_group {
public:
    /// Made by all processes of the communicator, of which it takes a duplicate. Throws usage_error for impossible
    /// options and where MPI was begun without threads or is over, process_error where a process ends instead of
    /// coming here or is not there within the time limit.
    explicit mpi_group(MPI_Comm parent = MPI_COMM_WORLD, mpi_options options = {})
        : piece_bytes_(options.piece_bytes), channel_(join(parent, options), options.time_limit) {
        std::size_t const peers = static_cast<std::size_t>(size()) - 1;
        channel_.add({});
        channel_[collective].requests.reserve(2 * peers);
        channel_[collective].peers.reserve(2 * peers);
        channel_.reserve_results(2 * peers);
        local_rank_ = rank_on_this_machine();
    }

    int rank() const { return channel_.rank(); }
    int size() const { return channel_.size(); }
    int local_rank() const { return local_rank_; }

    void set_time_limit(std::chrono::milliseconds limit) {
        check_time_limit(limit);
        channel_.set_time_limit(limit);
    }

    /// Throws usage_error for a message of no process, and where two processes disagree about what one sends to the
    /// other. The memory stays where it is as long as the exchange is in use.
    exchange_id prepare(std::span<message const> send, std::span<message const> receive) {
        channel_.expect_usable();
        std::size_t const id = channel_.exchanges();
        if (id >= channel_.most_exchanges())
            throw usage_error("prepare: expected at most " + std::to_string(id - 1) +
                              " exchanges, for MPI has no more tags");
        agree(send, receive);
        detail::mpi_exchange added;
        added.name = "exchange " + std::to_string(id);
        // Receives first: a message that finds its receive started is not copied on its way.
        for (message const& each : receive) add_pieces(added, each, MPI_Recv_init, id);
        added.receives = added.requests.size();
        for (message const& each : send) add_pieces(added, each, MPI_Send_init, id);
        channel_.add(std::move(added));
        return static_cast<exchange_id>(id);
    }

    void start(exchange_id id) {
        channel_.expect_usable();
        detail::mpi_exchange& e = at(id);
        if (e.pending > 0) throw usage_error(e.name + ": expected to be finished before it is started again");
        channel_.start(e);
    }

    bool finished(exchange_id id) {
        channel_.expect_usable();
        return channel_.finished(at(id));
    }

    void wait(exchange_id id) {
        channel_.expect_usable();
        channel_.wait(at(id));
    }

    /// n - 1 messages by each of n processes, for few bytes: at most 2^31 - 1. Allocates where `all` is longer than
    /// ever before. Throws usage_error where `all` has no place for each.
    void all_gather(std::span<std::byte const> mine, std::span<std::byte> all) {
        channel_.expect_usable();
        detail::check_all_gather(mine.size(), all.size(), size());
        if (mine.size() > INT_MAX)
            throw usage_error("all_gather: expected at most 2^31 - 1 bytes, found " + std::to_string(mine.size()));
        if (mine.empty()) return;
        reserve_staging(all.size());
        auto const place = [&](int r) { return staging_.data() + static_cast<std::size_t>(r) * mine.size(); };
        std::memcpy(place(rank()), mine.data(), mine.size());
        name_collective("all_gather");
        for (int k = 1; k < size(); ++k) {
            int const peer = (rank() + size() - k) % size();
            receive(peer, place(peer), mine.size());
        }
        for (int k = 1; k < size(); ++k) send((rank() + k) % size(), place(rank()), mine.size());
        complete_collective();
        std::memcpy(all.data(), staging_.data(), all.size());
    }

    /// Along a binomial tree, in pieces. Throws usage_error where the processes disagree about root or size.
    void broadcast(std::span<std::byte> data, int root) {
        channel_.expect_usable();
        agree_on_broadcast(data.size(), root);
        name_collective("broadcast");
        // Places are counted from the root. A process hears from the place with its lowest bit cleared, and passes on
        // to those that have one lower bit set.
        int const place = (rank() + size() - root) % size();
        auto const rank_at = [&](int other) { return (other + root) % size(); };
        int lowest = 1;
        while (lowest < size() && !(place & lowest)) lowest *= 2;
        reserve_staging(std::min(data.size(), broadcast_piece));
        for (std::size_t first = 0; first < data.size(); first += broadcast_piece) {
            std::span<std::byte> const piece = data.subspan(first, std::min(broadcast_piece, data.size() - first));
            if (place == 0) {
                std::memcpy(staging_.data(), piece.data(), piece.size());
            } else {
                receive(rank_at(place - lowest), staging_.data(), piece.size());
                complete_collective();
                std::memcpy(piece.data(), staging_.data(), piece.size());
            }
            for (int bit = lowest / 2; bit > 0; bit /= 2)
                if (place + bit < size()) send(rank_at(place + bit), staging_.data(), piece.size());
            complete_collective();
        }
    }

    void fail(std::string_view text) noexcept { channel_.fail(text); }

private:
    static constexpr std::size_t broadcast_piece = std::size_t{1} << 20;
    /// The exchange that all_gather and broadcast make anew each time. Through memory of the group's own: where they
    /// end with an error, MPI may still write there.
    static constexpr std::size_t collective = 0;

    static void check_time_limit(std::chrono::milliseconds limit) {
        if (limit < std::chrono::milliseconds(1))
            throw usage_error("mpi_group: expected a time limit of at least 1 ms, found " +
                              std::to_string(limit.count()) + " ms");
    }
    static MPI_Comm join(MPI_Comm parent, mpi_options const& options) {
        check_time_limit(options.time_limit);
        if (options.piece_bytes < 1 || options.piece_bytes > INT_MAX)
            throw usage_error("mpi_group: expected pieces of 1 to 2^31 - 1 bytes, found " +
                              std::to_string(options.piece_bytes));
        detail::mpi_process& process = detail::mpi_process::get();
        process.check_thread();
        if (parent == MPI_COMM_NULL)
            throw usage_error("mpi_group: expected a communicator of this process, found MPI_COMM_NULL");
        return detail::duplicate(parent, options.time_limit, process.world());
    }

    int rank_on_this_machine() {
        MPI_Comm local = MPI_COMM_NULL;
        int rank = 0;
        channel_.check(MPI_Comm_split_type(channel_.comm(), MPI_COMM_TYPE_SHARED, channel_.rank(), MPI_INFO_NULL, &local),
                       "MPI_Comm_split_type");
        channel_.check(MPI_Comm_rank(local, &rank), "MPI_Comm_rank");
        channel_.check(MPI_Comm_free(&local), "MPI_Comm_free");
        return rank;
    }

    detail::mpi_exchange& at(exchange_id id) {
        auto const index = static_cast<std::size_t>(id);
        if (index == collective || index >= channel_.exchanges())
            throw usage_error("exchange " + std::to_string(static_cast<int>(id)) + ": expected 1 to " +
                              std::to_string(channel_.exchanges() - 1) + ", which were prepared");
        return channel_[index];
    }

    void reserve_staging(std::size_t bytes) {
        if (bytes > staging_.size()) staging_.resize(bytes);
    }

    /// `init` is MPI_Recv_init or MPI_Send_init.
    template <class Init>
    void add_pieces(detail::mpi_exchange& e, message const& m, Init const& init, std::size_t id) {
        if (m.peer == rank()) return;
        for (std::size_t first = 0; first < m.bytes; first += piece_bytes_) {
            auto const bytes = static_cast<int>(std::min(piece_bytes_, m.bytes - first));
            MPI_Request* const request = e.add(m.peer);
            channel_.check(
                init(m.data + first, bytes, MPI_BYTE, m.peer, channel_.tag_of(id), channel_.comm(), request), e.name);
        }
    }

    /// What one process sends to another in an exchange.
    struct traffic {
        std::uint64_t messages = 0, bytes = 0;

        bool operator==(traffic const&) const = default;
        std::string text() const {
            return std::to_string(messages) + " messages of " + std::to_string(bytes) + " bytes in all";
        }
    };
    /// By peer.
    std::vector<traffic> traffic_of(std::span<message const> messages) const {
        std::vector<traffic> result(static_cast<std::size_t>(size()));
        for (message const& each : messages) {
            if (each.peer < 0 || each.peer >= size())
                throw usage_error("prepare: expected messages with rank 0 to " + std::to_string(size() - 1) +
                                  ", found one with rank " + std::to_string(each.peer));
            if (each.peer == rank() || each.bytes == 0) continue;
            traffic& sum = result[static_cast<std::size_t>(each.peer)];
            ++sum.messages;
            sum.bytes += each.bytes;
        }
        return result;
    }
    /// Every process says what it sends to every other, and compares with what it expects.
    void agree(std::span<message const> send, std::span<message const> receive) {
        std::vector<traffic> const sent = traffic_of(send), expected = traffic_of(receive);
        std::vector<traffic> all(sent.size() * sent.size());
        all_gather(std::as_bytes(std::span(sent)), std::as_writable_bytes(std::span(all)));
        for (std::size_t peer = 0; peer < sent.size(); ++peer) {
            traffic const& found = all[peer * sent.size() + static_cast<std::size_t>(rank())];
            if (found == expected[peer]) continue;
            throw usage_error("exchange " + std::to_string(channel_.exchanges()) + ": rank " + std::to_string(rank()) +
                              " expected " + expected[peer].text() + " from rank " + std::to_string(peer) +
                              ", which sends " + found.text());
        }
    }

    void agree_on_broadcast(std::size_t bytes, int root) {
        if (root < 0 || root >= size())
            throw usage_error("broadcast: expected a root of 0 to " + std::to_string(size() - 1) + ", found " +
                              std::to_string(root));
        struct call {
            std::uint64_t bytes, root;
        };
        call const mine{bytes, static_cast<std::uint64_t>(root)};
        std::vector<call> all(static_cast<std::size_t>(size()));
        all_gather(std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(all)));
        for (std::size_t r = 0; r < all.size(); ++r)
            if (all[r].bytes != mine.bytes || all[r].root != mine.root)
                throw usage_error("broadcast: expected the same of all processes, found " + std::to_string(bytes) +
                                  " bytes from rank " + std::to_string(root) + " on rank " + std::to_string(rank()) +
                                  " and " + std::to_string(all[r].bytes) + " bytes from rank " +
                                  std::to_string(all[r].root) + " on rank " + std::to_string(r));
    }

    void name_collective(char const* name) { channel_[collective].name = name; }
    void receive(int peer, std::byte* data, std::size_t bytes) {
        detail::mpi_exchange& e = channel_[collective];
        channel_.check(MPI_Irecv(data, static_cast<int>(bytes), MPI_BYTE, peer, channel_.tag_of(collective),
                                 channel_.comm(), e.add(peer)),
                       "MPI_Irecv");
        e.receives = e.requests.size();
        e.count_started();
    }
    void send(int peer, std::byte const* data, std::size_t bytes) {
        detail::mpi_exchange& e = channel_[collective];
        channel_.check(MPI_Isend(data, static_cast<int>(bytes), MPI_BYTE, peer, channel_.tag_of(collective),
                                 channel_.comm(), e.add(peer)),
                       "MPI_Isend");
        e.count_started();
    }
    void complete_collective() {
        detail::mpi_exchange& e = channel_[collective];
        channel_.wait(e);
        e.requests.clear();
        e.peers.clear();
        e.receives = 0;
    }

    std::size_t piece_bytes_;
    int local_rank_ = 0;
    std::vector<std::byte> staging_;
    detail::mpi_channel channel_; // the last: MPI may write to the memory before it until this has ended
};

static_assert(process_group<mpi_group>);

/// A policy of parallel: parallel<Model, cpu_devices<2>, mpi> is the same model in all processes of the program, each
/// with as many replicas as it has devices.
struct mpi {
    using group = mpi_group;

    /// This process among all of the program, and how many there are: under mpirun -n 4, 0 to 3 of 4. Begins MPI
    /// where nobody has.
    static int rank() {
        detail::mpi_process::get();
        int rank = 0;
        detail::check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank", 0);
        return rank;
    }
    static int size() {
        detail::mpi_process::get();
        int size = 1;
        detail::check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size", rank());
        return size;
    }
};

} // namespace lockstep
