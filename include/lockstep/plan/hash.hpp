// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/plan.hpp>

#include <cstdint>

namespace lockstep {

namespace detail {

/// FNV-1a, by 64 bits at a time (Fowler, Noll and Vo).
class plan_hash {
public:
    constexpr void add(std::int64_t value) {
        for (int byte = 0; byte < 8; ++byte) {
            state_ ^= static_cast<std::uint64_t>(value) >> (8 * byte) & 0xff;
            state_ *= 0x100000001b3;
        }
    }
    constexpr void add(char const* text) {
        for (; *text != '\0'; ++text) add(static_cast<std::int64_t>(*text));
    }
    constexpr std::uint64_t value() const { return state_; }

private:
    std::uint64_t state_ = 0xcbf29ce484222325;
};

} // namespace detail

/// A number of all that makes up a plan: operations by their names, shapes, buckets and exchanges, whatever their
/// kernels' addresses and the number of replicas. Constants within an operation are no part of a plan: see hash_of_type.
constexpr std::uint64_t hash_of(plan const& p) {
    detail::plan_hash hash;
    for (std::int64_t const number : {std::int64_t{p.settings.batch}, std::int64_t{p.settings.element_bytes},
                                      std::int64_t{p.settings.optimizer_states}, std::int64_t{p.settings.needs_norm},
                                      std::int64_t{p.settings.sharded_optimizer}, p.parameter_elements, p.trained_elements})
        hash.add(number);
    for (buffer const& b : p.buffers) {
        hash.add(static_cast<std::int64_t>(b.kind));
        for (int axis = 0; axis < b.shape.rank; ++axis) hash.add(b.shape.extent[axis]);
    }
    for (operation const& op : p.operations) {
        hash.add(op.facts.name);
        hash.add(op.result);
        for (int k = 0; k < op.operand_count; ++k) hash.add(op.operands[k]);
    }
    for (bucket const& b : p.buckets) hash.add(b.end);
    for (exchange const& e : p.steps.exchanges) {
        hash.add(static_cast<std::int64_t>(e.kind));
        hash.add(e.index);
    }
    return hash.value();
}

/// A number of types' names, as the compiler writes them, constants among their arguments included.
template <class... Types>
std::uint64_t hash_of_type() {
    detail::plan_hash hash;
    hash.add(__PRETTY_FUNCTION__);
    return hash.value();
}

} // namespace lockstep
