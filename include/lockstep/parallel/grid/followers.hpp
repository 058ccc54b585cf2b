// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/follower.hpp>
#include <lockstep/device/grid/platform.hpp>
#include <lockstep/plan/plan.hpp>

#include <cstddef>
#include <vector>

/// Which operations of a plan a library may compute together with the one before them.
namespace lockstep::grid {

template <class P>
operation_kernel<P> const& kernel_of(operation const& op) {
    return *static_cast<operation_kernel<P> const*>(op.kernel);
}

/// Looks for the followers of a plan's operations. Vectors begin at a multiple of 16 bytes on every device, as libraries
/// want it: parameters and gradients lie at a multiple of 16 elements, and values in an arena too.
template <class P>
class follower_search {
public:
    explicit follower_search(plan const& p) : plan_(&p) {}

    /// That of an operation, if it has one.
    follower of(int index) const {
        int const end = static_cast<int>(plan_->operations.size());
        bool const same_pass = index + 1 < end && index + 1 != plan_->forward_count;
        if (!same_pass) return {};
        operation const &first = operation_at(index), &next = operation_at(index + 1);
        follower const found = kernel_of<P>(next).as_follower;
        auto const takes = kernel_of<P>(first).takes;
        if (found.kind == follower_kind::none || takes == nullptr) return {};
        return found.kind == follower_kind::column_sums ? sums(first, next, found, takes) : chain(first, next, found, takes);
    }

private:
    using query = bool (*)(follower const&, int);

    operation const& operation_at(int index) const { return plan_->operations[static_cast<std::size_t>(index)]; }
    buffer const& buffer_at(int index) const { return plan_->buffers[static_cast<std::size_t>(index)]; }
    static int operand(operation const& op, int number) { return op.operands[static_cast<std::size_t>(number)]; }

    /// A chain whose result takes the place of the only thing that it reads of the product, so that nobody else does.
    /// Another place might be that of the product's own operands.
    follower chain(operation const& first, operation const& next, follower found, query takes) const {
        buffer const &before = buffer_at(first.result), &after = buffer_at(next.result);
        bool const in_place = operand(next, found.matrix) == first.result && before.kind == buffer_kind::value &&
                              after.kind == buffer_kind::value && before.storage == after.storage;
        if (!in_place || !takes(found, -1)) return {};
        if (!found.adds_vector()) return found;
        buffer const& vector = buffer_at(operand(next, found.vector));
        if (vector.content == before.content) return found;
        found.reads_rounded = is_rounded(before.content) && is_rounded_too(vector);
        return found.reads_rounded ? found : follower{};
    }
    /// Sums that go to a bucket, where they may lie before their turn.
    follower sums(operation const& first, operation const& next, follower const& found, query takes) const {
        if (buffer_at(next.result).kind != buffer_kind::gradient) return {};
        if (buffer_at(next.result).content != buffer_at(first.result).content) return {};
        for (int k = 0; k < first.operand_count; ++k)
            if (operand(first, k) == operand(next, found.matrix) && takes(found, k)) return found;
        return {};
    }
    /// Whether it is a parameter of which there is a rounded copy besides. Of states there is none that is kept up to date.
    bool is_rounded_too(buffer const& b) const {
        return b.kind == buffer_kind::parameter && b.content == leaf_content::number &&
               plan_->parameters[static_cast<std::size_t>(b.parameter)].declared.is_trained() &&
               plan_->rounded_parameter_bytes() > 0;
    }

    plan const* plan_;
};

/// For each operation of a plan the one behind it where its library takes that, or else none.
template <class P>
std::vector<follower> followers_of(plan const& p) {
    std::vector<follower> found;
    found.reserve(p.operations.size());
    for (std::size_t i = 0; i < p.operations.size(); ++i)
        found.push_back(follower_search<P>(p).of(static_cast<int>(i)));
    return found;
}

} // namespace lockstep::grid
