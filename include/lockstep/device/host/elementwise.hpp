// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/chain.hpp>
#include <lockstep/device/host/shared_chain.hpp>

#include <cstdint>

namespace lockstep::host {

/// An elementwise expression over numbered operands, evaluated in one pass over its result: rows outside, columns
/// of a constant count inside.
template <class T, class E>
class elementwise {
    using code = chain<T, E>;
    static constexpr std::int64_t columns = code::columns;

public:
    static void run(kernel_call const& call) {
        std::int64_t const rows = code::rows(call);
        run_rows(call, 0, rows);
        call.tail(0, rows);
    }

    static void run_rows(kernel_call const& call, std::int64_t first_row, std::int64_t rows) {
        T* const out = static_cast<T*>(call.result);
        if constexpr (has_shared_form<T, E>) shared_rows<T, shared_form<T, E>>::run(call, out, first_row, rows, columns);
        else
            for (std::int64_t row = first_row; row < first_row + rows; ++row)
                row_blocks(out + row * columns, code::at_row(call, row));
    }

private:
    using place = typename code::place;
    static constexpr int widest = 64;

    template <int Width>
    static void rest_blocks(T* out, place const& at, std::int64_t first) {
        if constexpr (Width > 0) {
            if constexpr ((columns % (2 * Width)) >= Width) {
                code::template block<Width>(out + first, at, first);
                first += Width;
            }
            rest_blocks<Width / 2>(out, at, first);
        }
    }
    static void row_blocks(T* out, place const at) {
        std::int64_t first = 0;
        for (; first + widest <= columns; first += widest) code::template block<widest>(out + first, at, first);
        rest_blocks<widest / 2>(out, at, first);
    }
};

} // namespace lockstep::host
