// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep::host {

/// What a kernel calls when rows of its result are final and still in cache: the elementwise chain that
/// follows (bias, relu) then works in place. Rows are those of a row-major result matrix; of images, a row is
/// one pixel with all its channels. Every row is handed over exactly once.
struct row_tail {
    void (*run)(void const* context, std::int64_t first_row, std::int64_t rows) = nullptr;
    void const* context = nullptr;

    void operator()(std::int64_t first_row, std::int64_t rows) const {
        if (run != nullptr && rows > 0) run(context, first_row, rows);
    }
};

} // namespace lockstep::host
