// SPDX-License-Identifier: MIT
#include "fuzz.hpp"

#include <lockstep/loader/npz.hpp>

#include <span>
#include <utility>

using namespace lockstep;

fuzz_target(content) {
    npz_file const archive{detail::random_access_file{"fuzz", std::move(content)}};
    for (auto const& name : archive.names()) {
        auto const array = archive[name];
        if (array.rows() == 0) continue;
        std::vector<double> row(static_cast<std::size_t>(array.row_size()));
        array.read_row(array.rows() - 1, std::span{row});
    }
}
