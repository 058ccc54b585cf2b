// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>

namespace lockstep {

/// What lockstep throws. The text names the file, device or layer, what was expected and what was found.
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The data, a file or the machine is not as required: a file that is no IDX, a full disk.
class data_error : public error {
public:
    using error::error;
};

/// A call or an option that cannot be carried out as asked: a batch larger than the dataset.
class usage_error : public error {
public:
    using error::error;
};

/// Another process failed, left too early or does not answer, or MPI reports an error. What is computed together
/// cannot go on.
class process_error : public error {
public:
    process_error(int rank, std::string const& text) : error(text), rank_(rank) {}

    /// The process where it began: the one that failed, or is waited for.
    int rank() const { return rank_; }

private:
    int rank_;
};

} // namespace lockstep
