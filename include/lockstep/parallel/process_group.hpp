// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace lockstep {

/// Memory that is sent to another process, or received from it.
struct message {
    int peer;
    std::byte* data;
    std::size_t bytes;
};

/// Names an exchange that a group has prepared.
enum class exchange_id : int {};

/// Processes that run the same program, each on its part of a batch. Communication is planned like everything else:
/// an exchange, messages from all to all with their addresses, is prepared once and then started as often as wanted,
/// which allocates nothing. To reduce slices is one exchange, to gather them another.
///
///   rank(), size()           this process, 0 to size() - 1, and how many there are
///   local_rank()             how many of those before it run on the same machine
///   prepare(send, receive)   every process prepares the same exchanges in the same order. Between two processes,
///                            messages match in their order. Those of no bytes, and to oneself, are left out.
///   start(id)                neither blocks nor copies: the memory belongs to the exchange until it is finished
///   finished(id)             does not block. Makes progress
///   wait(id)                 until it is finished
///   all_gather(mine, all)    some bytes of each process, in the order of ranks, to all. `mine` may lie in its place
///   broadcast(data, root)    the same number of bytes, from one process to all
///   fail(text)               tells the others that this one ends with an error. Nobody goes on with the group
///
/// Where a process fails or leaves, whoever waits for it, now or later, gets a process_error with its rank and text.
template <class T>
concept process_group =
    requires(T& group, T const& constant, std::span<message const> messages, exchange_id exchange,
             std::span<std::byte const> mine, std::span<std::byte> all, std::string_view text) {
        { constant.rank() } -> std::same_as<int>;
        { constant.size() } -> std::same_as<int>;
        { constant.local_rank() } -> std::same_as<int>;
        { group.prepare(messages, messages) } -> std::same_as<exchange_id>;
        { group.start(exchange) } -> std::same_as<void>;
        { group.finished(exchange) } -> std::same_as<bool>;
        { group.wait(exchange) } -> std::same_as<void>;
        { group.all_gather(mine, all) } -> std::same_as<void>;
        { group.broadcast(all, 0) } -> std::same_as<void>;
        { group.fail(text) } noexcept -> std::same_as<void>;
    };

namespace detail {

inline void check_all_gather(std::size_t mine, std::size_t all, int size) {
    if (mine * static_cast<std::size_t>(size) != all)
        throw usage_error("all_gather: expected " + std::to_string(size) + " times " + std::to_string(mine) +
                          " bytes, found " + std::to_string(all));
}

} // namespace detail

/// The group of a program that is one process: there is nobody to wait for.
struct single_process {
    static constexpr int rank() { return 0; }
    static constexpr int size() { return 1; }
    static constexpr int local_rank() { return 0; }
    constexpr exchange_id prepare(std::span<message const>, std::span<message const>) { return {}; }
    constexpr void start(exchange_id) {}
    constexpr bool finished(exchange_id) { return true; }
    constexpr void wait(exchange_id) {}
    void all_gather(std::span<std::byte const> mine, std::span<std::byte> all) {
        detail::check_all_gather(mine.size(), all.size(), 1);
        if (!mine.empty()) std::memmove(all.data(), mine.data(), mine.size());
    }
    constexpr void broadcast(std::span<std::byte>, int) {}
    constexpr void fail(std::string_view) noexcept {}
};

static_assert(process_group<single_process>);

} // namespace lockstep
