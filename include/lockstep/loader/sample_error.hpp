// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>

#include <cstdint>
#include <exception>
#include <string>

namespace lockstep {

/// A sample could not be read. The dataset's own exception is nested in this one (std::rethrow_if_nested).
class sample_error : public data_error {
public:
    sample_error(std::int64_t sample, std::string const& text) : data_error(text), sample_(sample) {}

    /// The sample's index in the dataset.
    std::int64_t sample() const { return sample_; }

private:
    std::int64_t sample_;
};

namespace detail {

/// What the exception says that is being handled.
inline std::string text_of_exception() {
    try {
        throw;
    } catch (std::exception const& cause) {
        return cause.what();
    } catch (...) {
        return "what was thrown is no std::exception";
    }
}

/// Throws the exception that is being handled as the sample's: "sample 7 (batch 1 of epoch 0): ...".
[[noreturn]] inline void throw_sample_error(std::int64_t sample, std::string const& where) {
    std::throw_with_nested(
        sample_error{sample, "sample " + std::to_string(sample) + " (" + where + "): " + text_of_exception()});
}

} // namespace detail
} // namespace lockstep
