// SPDX-License-Identifier: MIT
// How a program of several processes ends: `ending <scenario>`, of which tests/mpi/ending.cmake checks the output, the
// exit status and the time.
#include <lockstep/parallel/mpi.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace ls = lockstep;

namespace {

constexpr int errors_status = 3;

/// Until another process ends, or forever.
void work_together(ls::mpi_group& group) {
    std::array<std::byte, 8> mine{};
    std::array<std::byte, 8 * 16> all{};
    while (true) group.all_gather(mine, std::span(all).first(8 * static_cast<std::size_t>(group.size())));
}

/// Process 1 ends as `how` says, amid the others.
template <class How>
int with_one_that(How&& how) {
    try {
        ls::mpi_group group;
        std::array<std::byte, 8> all{};
        group.all_gather(std::span(all).first(1), std::span(all).first(static_cast<std::size_t>(group.size())));
        if (group.rank() != 1) work_together(group);
        std::fprintf(stderr, "process 1 of %d ends\n", group.size());
        how();
    } catch (std::exception const& e) {
        std::fprintf(stderr, "process %d of %d: %s\n", ls::mpi::rank(), ls::mpi::size(), e.what());
        return errors_status;
    }
    return 0;
}

/// What a group says where MPI is as `begin` left it.
template <class Begin>
int refused(Begin&& begin) {
    begin();
    try {
        ls::mpi_group{};
    } catch (ls::usage_error const& e) {
        std::fprintf(stderr, "refused: %s\n", e.what());
    }
    return 0;
}

int begin_mpi(int level) {
    int granted = 0;
    MPI_Init_thread(nullptr, nullptr, level, &granted);
    return granted;
}

int run(std::string_view scenario) {
    if (scenario == "throws") return with_one_that([] { throw std::runtime_error("out of paper"); });
    if (scenario == "killed") return with_one_that([] { std::raise(SIGKILL); });
    if (scenario == "exits") return with_one_that([] { std::exit(0); });
    if (scenario == "terminates") return with_one_that([] { std::terminate(); });
    if (scenario == "returns_before") {
        if (ls::mpi::rank() == 1) return 0;
        return with_one_that([] {});
    }
    if (scenario == "users_mpi") {
        if (begin_mpi(MPI_THREAD_FUNNELED) < MPI_THREAD_FUNNELED) return 1;
        {
            ls::mpi_group group;
            std::array<std::byte, 1> mine{std::byte{1}};
            std::array<std::byte, 16> all{};
            group.all_gather(mine, std::span(all).first(static_cast<std::size_t>(group.size())));
        }
        // Still the user's.
        if (MPI_Barrier(MPI_COMM_WORLD) != MPI_SUCCESS) return 1;
        return refused([] { MPI_Finalize(); });
    }
    if (scenario == "finalized_amid") {
        begin_mpi(MPI_THREAD_FUNNELED);
        ls::mpi_group group;
        MPI_Finalize();
        return 0;
    }
    if (scenario == "without_threads") {
        int const status = refused([] { begin_mpi(MPI_THREAD_SINGLE); });
        MPI_Finalize();
        return status;
    }
    return 1;
}

} // namespace

int main(int count, char** arguments) { return run(count == 2 ? arguments[1] : ""); }
