// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lockstep {

/// A file that appears whole or not at all. It is written beside its place, as NAME.partial-PID, and renamed
/// over it by commit(); without a commit the partial file is removed and an older file stays as it was.
///
///     atomic_file file{"net.safetensors"};
///     file.write(header);
///     file.commit();
///
/// Every failure is a data_error with the path, what failed and the system's reason. Constructing one and
/// dropping it asks whether the path could be written, say before an hour of training.
class atomic_file {
public:
    explicit atomic_file(std::string path) : path_(std::move(path)), target_(path_) {
        if (path_.empty() || path_.ends_with('/')) fail("expected the name of a file");
        struct stat old {};
        bool const replaces = ::stat(path_.c_str(), &old) == 0;
        if (replaces) check_replaceable(old);
        std::string beside = target_ + ".partial-" + std::to_string(::getpid());
        file_ = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (file_ < 0) fail("creating a file in the directory '" + directory() + "'", errno);
        partial_ = std::move(beside);
        // Where a filesystem knows no permissions, the file keeps those it was created with.
        if (replaces) ::fchmod(file_, old.st_mode & 0777);
    }
    atomic_file(atomic_file const&) = delete;
    atomic_file& operator=(atomic_file const&) = delete;
    ~atomic_file() { discard(); }

    void write(std::span<std::byte const> bytes) {
        // Linux writes 2 GiB at most in one call, macOS refuses to try more.
        constexpr std::size_t most = std::size_t{1} << 30;
        while (!bytes.empty()) {
            auto const written = ::write(file_, bytes.data(), bytes.size() < most ? bytes.size() : most);
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) fail("writing", errno);
            bytes = bytes.subspan(static_cast<std::size_t>(written));
        }
    }
    void write(std::string_view text) { write(std::as_bytes(std::span<char const>(text))); }

    /// Puts the file in its place once its content is on the disk: after a power cut there is the old file or
    /// the new one. Nothing can be written afterwards.
    void commit() {
        if (::fsync(file_) != 0) fail("writing to the disk", errno);
        int const closed = ::close(file_);
        file_ = -1;
        if (closed != 0) fail("closing", errno);
        if (::rename(partial_.c_str(), target_.c_str()) != 0) fail("renaming " + partial_, errno);
        partial_.clear();
        // Asks for the new name to reach the disk too. The file is complete already, so nothing hangs on it.
        int const folder = ::open(directory().c_str(), O_RDONLY | O_CLOEXEC);
        if (folder < 0) return;
        ::fsync(folder);
        ::close(folder);
    }

private:
    /// A rename would put a plain file in place of a device or a link, and replaces what may not be written.
    void check_replaceable(struct stat const& old) {
        if (S_ISDIR(old.st_mode)) fail("expected the name of a file, found a directory");
        if (!S_ISREG(old.st_mode)) fail("expected a regular file, found a device, pipe or socket");
        if (::access(path_.c_str(), W_OK) != 0) fail("replacing the old file", errno);
        if (char* const real = ::realpath(path_.c_str(), nullptr)) {
            target_ = real;
            std::free(real);
        }
    }

    std::string directory() const {
        auto const slash = target_.rfind('/');
        return slash == std::string::npos ? "." : slash == 0 ? "/" : target_.substr(0, slash);
    }

    void discard() {
        if (file_ >= 0) ::close(file_);
        file_ = -1;
        if (!partial_.empty()) ::unlink(partial_.c_str());
        partial_.clear();
    }

    [[noreturn]] void fail(std::string const& what) {
        discard();
        throw data_error("cannot write '" + path_ + "': " + what);
    }
    [[noreturn]] void fail(std::string const& what, int reason) {
        fail(what + " failed: " + std::strerror(reason));
    }

    std::string path_;    // as the caller named it
    std::string target_;  // the same behind symbolic links
    std::string partial_; // empty when there is no such file (any more)
    int file_ = -1;
};

/// Writes a whole file, or leaves what was there. Throws data_error.
inline void write_file(std::string const& path, std::string_view text) {
    atomic_file file{path};
    file.write(text);
    file.commit();
}

} // namespace lockstep
