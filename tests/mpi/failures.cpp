// SPDX-License-Identifier: MIT
// Processes that fail, leave, are late or disagree: whoever waits for them gets an error that says so, soon. Run by
// mpirun with several numbers of processes, each of which runs all cases.
#include <lockstep/parallel/mpi.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace ls = lockstep;
using namespace std::chrono_literals;

/// Fails where what a process waits for in its life takes longer than a few seconds.
class soon {
public:
    ~soon() noexcept(false) { CHECK(std::chrono::steady_clock::now() - begin_ < 10s); }

private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// The error of a process, kept until its group is gone.
struct caught {
    int rank = -1;
    std::string text;
};

template <class Work>
caught error_of(Work&& work) {
    try {
        work();
    } catch (ls::process_error const& e) {
        return {e.rank(), e.what()};
    }
    return {};
}

template <class Work>
std::string usage_error_of(Work&& work) {
    try {
        work();
    } catch (ls::usage_error const& e) {
        return e.what();
    }
    return {};
}

std::string text(int rank) { return "rank " + std::to_string(rank); }

/// Every process sends `bytes` to every other one.
class all_to_all {
public:
    all_to_all(ls::mpi_group& group, std::size_t bytes)
        : memory_(2 * static_cast<std::size_t>(group.size()), std::vector<std::byte>(bytes)) {
        std::vector<ls::message> send, receive;
        for (int peer = 0; peer < group.size(); ++peer) {
            send.push_back({peer, memory_[2 * static_cast<std::size_t>(peer)].data(), bytes});
            receive.push_back({peer, memory_[2 * static_cast<std::size_t>(peer) + 1].data(), bytes});
        }
        id = group.prepare(send, receive);
    }

    ls::exchange_id id{};

private:
    std::vector<std::vector<std::byte>> memory_;
};

void gather(ls::mpi_group& group) {
    std::vector<std::byte> all(8 * static_cast<std::size_t>(group.size()));
    group.all_gather(std::span(all).first(8), all);
}

/// After a group has failed, the processes make another one, and it works.
void expect_a_new_group_to_work() {
    ls::mpi_group group;
    gather(group);
}

bool alone() { return ls::mpi::size() == 1; }
int last_rank() { return ls::mpi::size() - 1; }

} // namespace

TEST_CASE("mpi: an exception in one process is an error in all others") {
    if (alone()) return;
    for (int failing : {0, last_rank()}) {
        soon const limit;
        caught const found = error_of([&] {
            try {
                ls::mpi_group group;
                all_to_all exchange{group, 10};
                if (group.rank() == failing) throw std::runtime_error("out of paper");
                group.start(exchange.id);
                group.wait(exchange.id);
            } catch (std::runtime_error const& e) {
                if (e.what() != std::string("out of paper")) throw;
            }
        });
        if (ls::mpi::rank() == failing) {
            CHECK(found.rank == -1);
        } else {
            CHECK(found.rank == failing);
            CHECK(found.text == text(failing) + " failed: an exception ended its work");
        }
    }
    expect_a_new_group_to_work();
}

TEST_CASE("mpi: a failure is told with its text, and is final, whatever the others wait for") {
    if (alone()) return;
    for (std::string const waiting_for : {"finished", "wait", "all_gather", "broadcast", "prepare"}) {
        CAPTURE(waiting_for);
        soon const limit;
        ls::mpi_group group;
        std::string const expected = "rank 0 failed: the disk is full";
        std::vector<std::byte> data(100);
        caught const found = error_of([&] {
            all_to_all exchange{group, 10};
            if (group.rank() == 0) {
                group.fail("the disk is full");
            } else {
                if (waiting_for == "all_gather") gather(group);
                else if (waiting_for == "broadcast") group.broadcast(data, 0);
                else if (waiting_for == "prepare") group.prepare({}, {});
                else group.start(exchange.id);
                if (waiting_for == "wait") group.wait(exchange.id);
                while (!group.finished(exchange.id)) std::this_thread::yield();
            }
        });
        CHECK(found.text == (group.rank() == 0 ? "" : expected));
        ls::exchange_id const exchange{1};
        for (int again = 0; again < 2; ++again) {
            CHECK(error_of([&] { group.start(exchange); }).text == expected);
            CHECK(error_of([&] { group.wait(exchange); }).text == expected);
            CHECK(error_of([&] { gather(group); }).text == expected);
            CHECK(error_of([&] { group.broadcast(data, 0); }).text == expected);
            CHECK(error_of([&] { group.prepare({}, {}); }).text == expected);
        }
    }
    expect_a_new_group_to_work();
}

TEST_CASE("mpi: the text of a failure may be long") {
    if (alone()) return;
    {
        ls::mpi_group group;
        if (group.rank() == 0) group.fail(std::string(5000, 'x'));
        if (group.rank() != 0) CHECK(error_of([&] { gather(group); }).text.starts_with("rank 0 failed: xxxxx"));
    }
    expect_a_new_group_to_work();
}

TEST_CASE("mpi: large messages are under way when a process fails, and their memory is given back") {
    if (alone()) return;
    for (int failing : {0, last_rank()}) {
        soon const limit;
        caught const found = error_of([&] {
            ls::mpi_group group;
            all_to_all exchange{group, std::size_t{4} << 20}; // goes before the group does
            group.start(exchange.id);
            if (group.rank() == failing) {
                group.fail("out of ink");
                return;
            }
            all_to_all other{group, 10}; // in which the failing process has no part any more
        });
        if (ls::mpi::rank() != failing) CHECK(found.text == text(failing) + " failed: out of ink");
    }
    expect_a_new_group_to_work();
}

TEST_CASE("mpi: a process that fails takes all messages that are on their way to it") {
    if (alone()) return;
    soon const limit;
    caught const found = error_of([&] {
        ls::mpi_group group;
        std::vector<std::byte> data(std::size_t{1} << 20);
        std::vector<ls::message> send, receive;
        for (int i = 0; i < 10; ++i)
            for (int peer = 1; peer < group.size(); ++peer) {
                if (group.rank() == peer) send.push_back({0, data.data(), data.size()});
                if (group.rank() == 0) receive.push_back({peer, data.data(), data.size()});
            }
        auto const id = group.prepare(send, receive);
        if (group.rank() == 0) {
            std::this_thread::sleep_for(200ms);
            group.fail("out of toner");
        } else {
            group.start(id);
            gather(group);
        }
    });
    if (ls::mpi::rank() != 0) CHECK(found.text == "rank 0 failed: out of toner");
    expect_a_new_group_to_work();
}

TEST_CASE("mpi: whoever waits for a process that has left is told so") {
    if (alone()) return;
    soon const limit;
    caught found;
    int const leaving = last_rank(), rank = ls::mpi::rank();
    {
        std::optional<ls::mpi_group> group{std::in_place};
        all_to_all exchange{*group, 10};
        if (rank == leaving) group.reset();
        else
            found = error_of([&] {
                group->start(exchange.id);
                group->wait(exchange.id);
            });
    }
    if (rank != leaving) {
        CHECK(found.rank == leaving);
        CHECK(found.text.starts_with(text(leaving) + " has left, though rank "));
    }
    expect_a_new_group_to_work();
}

TEST_CASE("mpi: who has left is missed by nobody who has all its messages") {
    if (alone()) return;
    int const rank = ls::mpi::rank();
    std::vector<std::byte> data(1000, std::byte{7});
    {
        ls::mpi_group group;
        std::vector<ls::message> send, receive;
        if (rank == 0) send.push_back({last_rank(), data.data(), data.size()});
        if (rank == last_rank()) receive.push_back({0, data.data(), data.size()});
        auto const id = group.prepare(send, receive);
        if (rank == last_rank()) {
            data.assign(1000, std::byte{0});
            std::this_thread::sleep_for(1500ms);
        }
        group.start(id);
        group.wait(id);
    }
    CHECK((data == std::vector<std::byte>(1000, std::byte{7})));
}

TEST_CASE("mpi: what makes no progress is an error that names who is missing") {
    if (alone()) return;
    soon const limit;
    int const late = last_rank(), rank = ls::mpi::rank();
    caught found;
    {
        ls::mpi_group group;
        all_to_all exchange{group, 10};
        // Only one process is impatient. All others are told what it found.
        if (rank == 0) group.set_time_limit(300ms);
        if (rank == late) {
            std::this_thread::sleep_for(1500ms);
        } else {
            group.start(exchange.id);
        }
        found = error_of([&] {
            if (rank == late) gather(group);
            else group.wait(exchange.id);
        });
    }
    CHECK(found.rank == late);
    CHECK(found.text == "rank 0: exchange 1 made no progress for 300 ms, not heard of " + text(late));
    expect_a_new_group_to_work();
}

TEST_CASE("mpi: a group that not all processes make") {
    if (alone()) return;
    soon const limit;
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_Comm_dup(MPI_COMM_WORLD, &copy);
    if (ls::mpi::rank() == 0) {
        CHECK(error_of([&] { ls::mpi_group{copy, {.time_limit = 200ms}}; }).text ==
              "rank 0: expected all processes to make a group within 200 ms, found some that did not");
    }
    // Not freed: the duplicate of it is still to be made.
}

TEST_CASE("mpi: processes that disagree about an exchange") {
    if (alone()) return;
    soon const limit;
    int const rank = ls::mpi::rank();
    std::string wrong;
    caught const found = error_of([&] {
        ls::mpi_group group;
        std::vector<std::byte> data(30);
        std::vector<ls::message> send, receive;
        if (rank == 0) {
            send.push_back({last_rank(), data.data(), 20});
            send.push_back({last_rank(), data.data() + 20, 10});
        }
        if (rank == last_rank()) receive.push_back({0, data.data(), 29});
        wrong = usage_error_of([&] { group.prepare(send, receive); });
        if (!wrong.empty()) throw ls::process_error(rank, "told");
        gather(group);
    });
    if (rank == last_rank())
        CHECK(wrong == "exchange 1: " + text(rank) +
                           " expected 1 messages of 29 bytes in all from rank 0, which sends 2 messages of 30 bytes "
                           "in all");
    CHECK(found.rank == last_rank());
    expect_a_new_group_to_work();
}

TEST_CASE("mpi: processes that disagree about the messages of an exchange") {
    if (alone()) return;
    soon const limit;
    int const rank = ls::mpi::rank();
    caught const found = error_of([&] {
        ls::mpi_group group;
        std::vector<std::byte> data(30);
        std::vector<ls::message> send, receive;
        if (rank == 0) send = {{last_rank(), data.data(), 20}, {last_rank(), data.data() + 20, 10}};
        if (rank == last_rank()) receive = {{0, data.data(), 10}, {0, data.data() + 10, 20}};
        auto const id = group.prepare(send, receive);
        group.start(id);
        group.wait(id);
        gather(group);
    });
    CHECK(found.rank == last_rank());
    CHECK(found.text.starts_with(text(last_rank()) + ": exchange 1 failed: "));
    expect_a_new_group_to_work();
}

TEST_CASE("mpi: processes that disagree about a broadcast") {
    if (alone()) return;
    soon const limit;
    int const rank = ls::mpi::rank();
    {
        ls::mpi_group group;
        std::vector<std::byte> data(rank == 0 ? 10 : 20);
        std::string const found = usage_error_of([&] { group.broadcast(data, 0); });
        if (rank == 0)
            CHECK(found == "broadcast: expected the same of all processes, found 10 bytes from rank 0 on rank 0 and "
                           "20 bytes from rank 0 on rank 1");
        CHECK(found.starts_with("broadcast: expected the same of all processes"));
    }
    expect_a_new_group_to_work();
}

TEST_CASE("mpi: calls that cannot be carried out") {
    ls::mpi_group group;
    std::vector<std::byte> data(8);
    auto const refused = [&](auto&& work, std::string const& expected) { CHECK(usage_error_of(work) == expected); };
    std::string const size = std::to_string(group.size()), last = std::to_string(group.size() - 1);
    ls::message const nobody{group.size(), data.data(), 8};
    refused([&] { group.prepare({&nobody, 1}, {}); },
            "prepare: expected messages with rank 0 to " + last + ", found one with rank " + size);
    refused([&] { group.broadcast(data, -1); }, "broadcast: expected a root of 0 to " + last + ", found -1");
    refused([&] { group.all_gather(data, std::span(data).first(3)); },
            "all_gather: expected " + size + " times 8 bytes, found 3");
    auto const id = group.prepare({}, {});
    CHECK(static_cast<int>(id) == 1);
    refused([&] { group.start(ls::exchange_id{2}); }, "exchange 2: expected 1 to 1, which were prepared");
    refused([&] { group.wait(ls::exchange_id{0}); }, "exchange 0: expected 1 to 1, which were prepared");
    refused([&] { group.set_time_limit(0ms); }, "mpi_group: expected a time limit of at least 1 ms, found 0 ms");
    refused([] { ls::mpi_group(MPI_COMM_WORLD, {.piece_bytes = 0}); },
            "mpi_group: expected pieces of 1 to 2^31 - 1 bytes, found 0");
    refused([] { ls::mpi_group{MPI_COMM_NULL}; },
            "mpi_group: expected a communicator of this process, found MPI_COMM_NULL");
    std::string on_thread, made_on_thread;
    std::thread([&] {
        on_thread = usage_error_of([&] { group.start(id); });
        made_on_thread = usage_error_of([] { ls::mpi_group{}; });
    }).join();
    CHECK(on_thread == "mpi_group: expected the thread that made the group, found another one");
    CHECK(made_on_thread.ends_with("found another thread"));

    all_to_all exchange{group, 10};
    group.start(exchange.id);
    if (group.size() > 1)
        refused([&] { group.start(exchange.id); }, "exchange 2: expected to be finished before it is started again");
    group.wait(exchange.id);
    gather(group); // none of it has harmed the group
}
