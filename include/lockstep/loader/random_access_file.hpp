// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/file_error.hpp>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lockstep::detail {

/// A file whose bytes are read from any place by several threads at once, or what stands in one, already in
/// memory. Copies share the open file.
///
/// It is not mapped into memory: who reads mapped memory beyond the end of a file that was truncated meanwhile
/// gets SIGBUS, which ends the process, and no check before the access is late enough. pread() answers the same
/// case with a count, reads through the same page cache, and costs a call a sample, whose bytes are copied into
/// a batch anyway.
class random_access_file {
public:
    /// Throws data_error for what is no readable file.
    explicit random_access_file(std::filesystem::path path) {
        auto opened = std::make_shared<state>(std::move(path));
        // Without waiting for a writer, should it be a pipe; of no effect on files.
        opened->descriptor = ::open(opened->path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (opened->descriptor < 0)
            throw file_error(opened->path, "cannot open", "a readable file", std::strerror(errno));
        struct stat found{};
        if (::fstat(opened->descriptor, &found) != 0)
            throw file_error(opened->path, "cannot read", "a file's size", std::strerror(errno));
        if (!S_ISREG(found.st_mode))
            throw file_error(opened->path, "cannot read", "a regular file",
                             S_ISDIR(found.st_mode) ? "a directory" : "a device, pipe or socket");
        opened->size = found.st_size;
        state_ = std::move(opened);
    }

    random_access_file(std::filesystem::path name, std::vector<unsigned char> content) {
        auto opened = std::make_shared<state>(std::move(name));
        opened->size = static_cast<std::int64_t>(content.size());
        opened->content = std::move(content);
        state_ = std::move(opened);
    }

    std::filesystem::path const& path() const { return state_->path; }
    /// Bytes that there were when it was opened.
    std::int64_t size() const { return state_->size; }

    /// Fills `bytes` from `offset` on, all of which are within size(). Throws data_error where the file has
    /// become shorter or cannot be read.
    void read(std::int64_t offset, std::span<unsigned char> bytes) const {
        if (state_->descriptor < 0) {
            if (!bytes.empty()) std::memcpy(bytes.data(), state_->content.data() + offset, bytes.size());
            return;
        }
        while (!bytes.empty()) {
            auto const count = ::pread(state_->descriptor, bytes.data(), bytes.size(), offset);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) throw file_error(path(), "reading failed", "more data", std::strerror(errno));
            if (count == 0)
                throw file_error(path(), "the file has become shorter",
                                 std::to_string(size()) + " bytes, as when it was opened",
                                 "its end at or before byte " + std::to_string(offset));
            bytes = bytes.subspan(static_cast<std::size_t>(count));
            offset += count;
        }
    }

    std::vector<unsigned char> read(std::int64_t offset, std::int64_t count) const {
        std::vector<unsigned char> bytes(static_cast<std::size_t>(count));
        read(offset, bytes);
        return bytes;
    }

private:
    struct state {
        explicit state(std::filesystem::path name) : path(std::move(name)) {}
        state(state const&) = delete;
        state& operator=(state const&) = delete;
        ~state() {
            if (descriptor >= 0) ::close(descriptor);
        }

        std::filesystem::path path;
        int descriptor = -1; // none for content in memory
        std::int64_t size = 0;
        std::vector<unsigned char> content;
    };

    std::shared_ptr<state const> state_;
};

} // namespace lockstep::detail
