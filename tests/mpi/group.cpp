// SPDX-License-Identifier: MIT
// What processes do together. Run by mpirun with several numbers of processes, each of which runs all cases.
#include <lockstep/parallel/mpi.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<bool> counting{false};
std::atomic<int> allocations{0};

void* counted(std::size_t bytes) {
    if (counting) ++allocations;
    void* const memory = std::malloc(bytes);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}

} // namespace

// MPI is written in C and allocates otherwise: what is counted is lockstep's.
[[gnu::noinline]] void* operator new(std::size_t bytes) { return counted(bytes); }
[[gnu::noinline]] void* operator new[](std::size_t bytes) { return counted(bytes); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

namespace ls = lockstep;

/// What is sent from one rank to another in some round: no two messages are alike.
std::byte value(int from, int to, int round, std::size_t at) {
    return static_cast<std::byte>(std::size_t(from * 31 + to * 7 + round * 13) + at * 3 + at / 251);
}

/// Bytes from one rank to another: all differ, and some are none.
std::size_t bytes_between(int from, int to, std::size_t unit) {
    return static_cast<std::size_t>((from * 5 + to * 3) % 7) * unit;
}

/// Memory for messages from all to all, and the exchange of them.
class all_to_all {
public:
    all_to_all(ls::mpi_group& group, std::size_t unit) : group_(&group), sent_(ranks()), received_(ranks()) {
        std::vector<ls::message> send, receive;
        for (int peer = 0; peer < group.size(); ++peer) {
            auto const p = static_cast<std::size_t>(peer);
            sent_[p].resize(bytes_between(group.rank(), peer, unit));
            received_[p].resize(bytes_between(peer, group.rank(), unit));
            send.push_back({peer, sent_[p].data(), sent_[p].size()});
            receive.push_back({peer, received_[p].data(), received_[p].size()});
        }
        id_ = group.prepare(send, receive);
    }

    ls::exchange_id id() const { return id_; }
    void start(int round) {
        for (std::size_t p = 0; p < ranks(); ++p)
            for (std::size_t i = 0; i < sent_[p].size(); ++i)
                sent_[p][i] = value(group_->rank(), static_cast<int>(p), round, i);
        group_->start(id_);
    }
    /// The number of bytes that are not what the others sent in the round.
    int wrong(int round) const {
        int result = 0;
        for (std::size_t p = 0; p < ranks(); ++p)
            for (std::size_t i = 0; static_cast<int>(p) != group_->rank() && i < received_[p].size(); ++i)
                if (received_[p][i] != value(static_cast<int>(p), group_->rank(), round, i)) ++result;
        return result;
    }

private:
    std::size_t ranks() const { return static_cast<std::size_t>(group_->size()); }

    ls::mpi_group* group_;
    std::vector<std::vector<std::byte>> sent_, received_;
    ls::exchange_id id_{};
};

template <class T>
std::vector<T> gathered(ls::mpi_group& group, T const& mine) {
    std::vector<T> all(static_cast<std::size_t>(group.size()));
    group.all_gather(std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(all)));
    return all;
}

} // namespace

TEST_CASE("mpi: the group is the program's processes") {
    ls::mpi_group group;
    CHECK(group.size() == std::atoi(std::getenv("LOCKSTEP_TEST_PROCESSES")));
    CHECK(group.rank() == ls::mpi::rank());
    CHECK(group.size() == ls::mpi::size());
    std::vector<int> ranks(static_cast<std::size_t>(group.size()));
    std::iota(ranks.begin(), ranks.end(), 0);
    CHECK(gathered(group, group.rank()) == ranks);
}

TEST_CASE("mpi: an exchange brings every message to its place, round after round") {
    ls::mpi_group group;
    for (std::size_t unit : {1, 1000, 60'000}) {
        CAPTURE(unit);
        all_to_all exchange{group, unit};
        for (int round = 0; round < (unit == 1 ? 300 : 20); ++round) {
            exchange.start(round);
            group.wait(exchange.id());
            CHECK(exchange.wrong(round) == 0);
        }
    }
}

TEST_CASE("mpi: exchanges under way at once don't mix, in whatever order they are waited for") {
    ls::mpi_group group;
    all_to_all first{group, 300}, second{group, 301}, third{group, 20'000};
    for (int round = 0; round < 20; ++round) {
        first.start(round);
        second.start(round + 1);
        third.start(round + 2);
        group.wait(second.id());
        CHECK(second.wrong(round + 1) == 0);
        second.start(round + 3);
        gathered(group, round);
        group.wait(third.id());
        group.wait(second.id());
        group.wait(first.id());
        CHECK(first.wrong(round) == 0);
        CHECK(second.wrong(round + 3) == 0);
        CHECK(third.wrong(round + 2) == 0);
    }
}

TEST_CASE("mpi: finished tells that others are late, and does not wait for them") {
    using namespace std::chrono_literals;
    ls::mpi_group group;
    if (group.size() == 1) return;
    std::byte mine{}, other{};
    std::vector<ls::message> send, receive;
    int const last = group.size() - 1;
    if (group.rank() == 0) receive.push_back({last, &other, 1});
    if (group.rank() == last) send.push_back({0, &mine, 1});
    auto const id = group.prepare(send, receive);
    CHECK(group.finished(id));
    mine = std::byte{42};
    if (group.rank() == 0) {
        group.start(id);
        auto const before = std::chrono::steady_clock::now();
        CHECK_FALSE(group.finished(id));
        CHECK(std::chrono::steady_clock::now() - before < 1s);
    }
    gathered(group, 0);
    if (group.rank() != 0) group.start(id);
    while (!group.finished(id)) std::this_thread::yield();
    if (group.rank() == 0) CHECK(other == std::byte{42});
}

TEST_CASE("mpi: several messages between two processes match in their order, cut into pieces too") {
    for (std::size_t piece : {std::size_t{7}, std::size_t{1} << 20}) {
        CAPTURE(piece);
        ls::mpi_group group{MPI_COMM_WORLD, {.piece_bytes = piece}};
        int const to = (group.rank() + 1) % group.size(), from = (group.rank() + group.size() - 1) % group.size();
        std::vector<std::byte> sent(100), received(100);
        std::size_t const cuts[] = {0, 14, 14, 50, 51, 100};
        std::vector<ls::message> send, receive;
        for (std::size_t c = 0; c + 1 < std::size(cuts); ++c) {
            send.push_back({to, sent.data() + cuts[c], cuts[c + 1] - cuts[c]});
            receive.push_back({from, received.data() + cuts[c], cuts[c + 1] - cuts[c]});
        }
        auto const id = group.prepare(send, receive);
        for (int round = 0; round < 30; ++round) {
            for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = value(group.rank(), to, round, i);
            group.start(id);
            group.wait(id);
            int wrong = 0;
            for (std::size_t i = 0; i < received.size(); ++i)
                if (received[i] != value(from, group.rank(), round, i)) ++wrong;
            if (group.size() > 1) CHECK(wrong == 0); // what is for oneself is left out
        }
    }
}

TEST_CASE("mpi: what a process sent before it left is received after that was heard") {
    using namespace std::chrono_literals;
    ls::mpi_group group;
    if (group.size() < 3) return;
    std::byte early{}, late{};
    auto const from = [&](int sender, std::byte& value) {
        std::vector<ls::message> send, receive;
        if (group.rank() == sender) send.push_back({1, &value, 1});
        if (group.rank() == 1) receive.push_back({sender, &value, 1});
        return group.prepare(send, receive);
    };
    auto const of_leaver = from(0, early), of_other = from(2, late);
    if (group.rank() == 0) early = std::byte{17};
    if (group.rank() == 2) {
        late = std::byte{42};
        std::this_thread::sleep_for(200ms);
    }
    if (group.rank() != 0) group.start(of_other);
    if (group.rank() != 0) group.wait(of_other); // rank 1 hears meanwhile that rank 0 has left
    if (group.rank() != 2) group.start(of_leaver);
    if (group.rank() != 2) group.wait(of_leaver);
    if (group.rank() == 1) CHECK(early == std::byte{17});
    if (group.rank() == 1) CHECK(late == std::byte{42});
}

TEST_CASE("mpi: broadcast from every process, of no, few and many bytes") {
    ls::mpi_group group;
    for (int root = 0; root < group.size(); ++root)
        for (std::size_t bytes : {std::size_t{0}, std::size_t{5}, (std::size_t{2} << 20) + 12'345}) {
            CAPTURE(root);
            CAPTURE(bytes);
            std::vector<std::byte> data(bytes), expected(bytes);
            for (std::size_t i = 0; i < bytes; ++i) expected[i] = value(root, 0, 1, i);
            if (group.rank() == root) data = expected;
            group.broadcast(data, root);
            CHECK((data == expected));
        }
}

TEST_CASE("mpi: all_gather takes what lies in its place already") {
    ls::mpi_group group;
    std::vector<double> all(3 * static_cast<std::size_t>(group.size()), -1.0);
    auto const mine = std::span(all).subspan(3 * static_cast<std::size_t>(group.rank()), 3);
    for (std::size_t i = 0; i < 3; ++i) mine[i] = 10.0 * group.rank() + static_cast<double>(i);
    group.all_gather(std::as_bytes(mine), std::as_writable_bytes(std::span(all)));
    for (std::size_t i = 0; i < all.size(); ++i)
        CHECK(all[i] == 10.0 * static_cast<double>(i / 3) + static_cast<double>(i % 3));
}

TEST_CASE("mpi: a round of exchanges and headers allocates nothing") {
    ls::mpi_group group;
    all_to_all small{group, 10}, large{group, 50'000};
    std::vector<std::byte> header(64), headers(64 * static_cast<std::size_t>(group.size()));
    auto const round = [&](int number) {
        group.all_gather(header, headers);
        small.start(number);
        large.start(number);
        while (!group.finished(large.id())) std::this_thread::yield();
        group.wait(small.id());
    };
    allocations = 0;
    counting = true;
    ::operator delete(::operator new(1));
    CHECK(allocations >= 1); // the counter counts
    round(0);
    allocations = 0;
    for (int number = 1; number < 50; ++number) round(number);
    counting = false;
    CHECK(allocations == 0);
    CHECK(large.wrong(49) == 0);
}

TEST_CASE("mpi: groups one after the other, and at once") {
    for (int i = 0; i < 5; ++i) {
        ls::mpi_group one, other;
        CHECK(gathered(one, i) == std::vector(static_cast<std::size_t>(one.size()), i));
        CHECK(gathered(other, -i) == std::vector(static_cast<std::size_t>(other.size()), -i));
    }
}

TEST_CASE("mpi: a group of some of the processes") {
    int const rank = ls::mpi::rank(), color = rank % 2;
    MPI_Comm half = MPI_COMM_NULL;
    MPI_Comm_split(MPI_COMM_WORLD, color, rank, &half);
    {
        ls::mpi_group group{half};
        CHECK(group.rank() == rank / 2);
        for (int each : gathered(group, rank)) CHECK(each % 2 == color);
    }
    MPI_Comm_free(&half);
}
