// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/parallel/parameters.hpp>
#include <lockstep/plan/plan.hpp>

#include <atomic>
#include <exception>
#include <mutex>
#include <string>

namespace lockstep {

/// An operation of a replica failed. The text names both; what was thrown is nested in this one
/// (std::rethrow_if_nested).
class replica_error : public error {
public:
    replica_error(int replica, std::string const& text) : error(text), replica_(replica) {}

    int replica() const { return replica_; }

private:
    int replica_;
};

namespace detail {

/// "operation 12 (matmul, layer 2.0)"
inline std::string name_of_operation(plan const& p, int index) {
    operation const& op = p.operations[index];
    std::string text = "operation " + std::to_string(index) + " (" + op.facts.name;
    for (program_parameter const& parameter : p.parameters) {
        if (parameter.group != op.group) continue;
        std::string const name = name_of(parameter);
        if (auto const dot = name.rfind('.'); dot != std::string::npos) return text + ", layer " + name.substr(0, dot) + ")";
    }
    return text + ", group " + std::to_string(op.group) + ")";
}

/// The first failure of any replica in a step. A failure must not keep a replica from the events that others wait for:
/// it goes on through its schedule, and after a failure nobody computes.
class step_failure {
public:
    bool has_failed() const { return failed_.load(std::memory_order_relaxed); }

    /// Work that may throw. `where()` says what it was.
    template <class Work, class Where>
    void guard(int replica, Work&& work, Where&& where) {
        if (has_failed()) return;
        try {
            work();
        } catch (...) {
            keep(replica, where());
        }
    }

    /// In the caller's thread, when all replicas have ended.
    void rethrow() const {
        if (first_) std::rethrow_exception(first_);
    }
    void clear() {
        first_ = nullptr;
        failed_ = false;
    }

private:
    /// Called in a handler: the exception in flight becomes the nested one.
    void keep(int replica, std::string const& where) {
        std::exception_ptr named;
        try {
            try {
                throw;
            } catch (std::exception const& cause) {
                std::throw_with_nested(replica_error{replica, "replica " + std::to_string(replica) + ", " + where + ": " + cause.what()});
            } catch (...) {
                std::throw_with_nested(replica_error{
                    replica, "replica " + std::to_string(replica) + ", " + where + ": what was thrown is no std::exception"});
            }
        } catch (...) {
            named = std::current_exception();
        }
        std::lock_guard const lock(mutex_);
        if (!first_) first_ = named;
        failed_ = true;
    }

    std::mutex mutex_;
    std::exception_ptr first_;
    std::atomic<bool> failed_{false};
};

} // namespace detail

} // namespace lockstep
