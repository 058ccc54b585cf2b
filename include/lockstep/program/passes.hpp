// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/program/program.hpp>
#include <lockstep/shape/memory_order.hpp>

#include <vector>

namespace lockstep::detail {

/// Whether somebody outside the program reads the buffer.
constexpr bool is_wanted(buffer const& b) {
    return b.kind == buffer_kind::gradient || b.result;
}

/// Drops operations whose results nobody reads: the first layer's data gradient is one.
constexpr void drop_unread(program& p) {
    // Flags; clang cannot evaluate vector<bool> of libstdc++ 12 at compile time.
    std::vector<char> read(p.buffers.size(), false);
    for (std::size_t i = 0; i < p.buffers.size(); ++i) read[i] = is_wanted(p.buffers[i]);
    std::vector<char> kept(p.operations.size(), false);
    for (std::size_t i = p.operations.size(); i-- > 0;) {
        operation const& op = p.operations[i];
        if (!read[op.result]) continue;
        kept[i] = true;
        for (int k = 0; k < op.operand_count; ++k) read[op.operands[k]] = true;
    }
    // In place: most operations stay where they are, and to copy one takes a compiler long.
    std::size_t count = 0;
    int forward = 0;
    for (std::size_t i = 0; i < p.operations.size(); ++i) {
        if (!kept[i]) continue;
        forward += static_cast<int>(i) < p.forward_count;
        if (count != i) p.operations[count] = p.operations[i];
        ++count;
    }
    p.operations.resize(count);
    p.forward_count = forward;
}

/// The last operation that reads each buffer, -1 where none does.
constexpr std::vector<int> last_reads(program const& p) {
    std::vector<int> last(p.buffers.size(), -1);
    for (std::size_t i = 0; i < p.operations.size(); ++i)
        for (int k = 0; k < p.operations[i].operand_count; ++k)
            last[p.operations[i].operands[k]] = static_cast<int>(i);
    return last;
}

/// Marks elementwise operations that follow the primitive whose result they read as its tail.
constexpr void fuse_tails(program& p) {
    for (std::size_t i = 0; i + 1 < p.operations.size(); ++i) {
        operation& first = p.operations[i];
        operation const& next = p.operations[i + 1];
        bool const may_carry = !first.facts.elementwise && !first.facts.is_collective;
        bool const same_pass = (static_cast<int>(i) < p.forward_count) == (static_cast<int>(i) + 1 < p.forward_count);
        if (!may_carry || !next.facts.elementwise || !same_pass) continue;
        // A flatten between the two lets them count rows differently.
        bool const same_rows = rows_of(p.buffers[first.result].shape) == rows_of(p.buffers[next.result].shape);
        if (!same_rows) continue;
        for (int k = 0; k < next.operand_count; ++k)
            if (next.operands[k] == first.result && next.facts.aligned[k]) first.has_tail = true;
    }
}

/// Lets elementwise operations write over an operand that nobody reads after them.
constexpr void share_storage(program& p) {
    auto const last = last_reads(p);
    // The last read of any buffer that uses a storage; sharing hands it on.
    for (std::size_t i = 0; i < p.buffers.size(); ++i) p.buffers[i].storage = static_cast<int>(i);
    for (std::size_t i = 0; i < p.operations.size(); ++i) {
        operation const& op = p.operations[i];
        if (!op.facts.elementwise || p.buffers[op.result].kind != buffer_kind::value) continue;
        bool const is_tail = i > 0 && p.operations[i - 1].has_tail;
        for (int k = 0; k < op.operand_count; ++k) {
            buffer const& from = p.buffers[op.operands[k]];
            bool const dies = last[op.operands[k]] == static_cast<int>(i) && !from.result;
            // A tail may only overwrite what its primitive has just written: the primitive's own operands are
            // still being read for other rows.
            bool const allowed = !is_tail || op.operands[k] == p.operations[i - 1].result;
            if (from.kind != buffer_kind::value || !op.facts.aligned[k] || !dies || !allowed) continue;
            p.buffers[op.result].storage = from.storage;
            break;
        }
    }
}

} // namespace lockstep::detail
