// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/file_error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#if LOCKSTEP_WITH_ZLIB
#include <zlib.h>
#endif

namespace lockstep::detail {

/// A file as its bytes, from the first to the last: those stored, or, where it starts with gzip's magic
/// bytes, whatever its name, those compressed (RFC 1952; several members read as one). Throws data_error for
/// what cannot be opened or read, and for gzip data that is damaged or that needs a zlib this build lacks.
class input_file {
public:
    explicit input_file(std::filesystem::path path) : path_(std::move(path)), stored_(buffer_bytes) {
        std::error_code ignored; // what is wrong with the path, fopen says better
        if (std::filesystem::is_directory(path_, ignored))
            throw file_error(path_, "cannot read", "a file", "a directory");
        file_.reset(std::fopen(path_.c_str(), "rb"));
        if (!file_) throw file_error(path_, "cannot open", "a readable file", std::strerror(errno));
        refill();
        begin();
    }

    /// What stands in a file, already in memory.
    input_file(std::filesystem::path name, std::vector<unsigned char> content)
        : path_(std::move(name)), stored_(std::move(content)), stored_bytes_(stored_.size()) {
        begin();
    }

    input_file(input_file const&) = delete;
    input_file& operator=(input_file const&) = delete;

    /// Fills `bytes`, and returns how many there were: fewer only at the end of the file.
    std::size_t read(std::span<unsigned char> bytes) {
        auto const count = compressed_ ? inflate_into(bytes) : copy_into(bytes);
        position_ += static_cast<std::int64_t>(count);
        return count;
    }

    std::filesystem::path const& path() const { return path_; }
    /// Bytes read so far; of a compressed file, bytes after decompression.
    std::int64_t position() const { return position_; }
    bool compressed() const { return compressed_; }
    /// Whether the end came before the gzip data was complete, its checksum included.
    bool ended_early() const { return ended_early_; }

private:
    static constexpr std::size_t buffer_bytes = std::size_t{1} << 16;
    static constexpr unsigned char gzip_magic[2]{0x1f, 0x8b};

    struct closer {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    void begin() {
        compressed_ = stored_bytes_ >= 2 && stored_[0] == gzip_magic[0] && stored_[1] == gzip_magic[1];
        if (compressed_) start_inflating();
    }

    /// Reads the next piece as stored; false at the end of the file.
    bool refill() {
        next_ = stored_bytes_ = 0;
        if (!file_) return false;
        stored_bytes_ = std::fread(stored_.data(), 1, stored_.size(), file_.get());
        if (std::ferror(file_.get()) != 0) throw file_error(path_, "reading failed", "more data", std::strerror(errno));
        return stored_bytes_ > 0;
    }

    std::size_t copy_into(std::span<unsigned char> bytes) {
        std::size_t done = 0;
        while (done < bytes.size() && (next_ < stored_bytes_ || refill())) {
            auto const piece = std::min(bytes.size() - done, stored_bytes_ - next_);
            std::memcpy(bytes.data() + done, stored_.data() + next_, piece);
            done += piece;
            next_ += piece;
        }
        return done;
    }

#if LOCKSTEP_WITH_ZLIB
    struct inflate_ender {
        void operator()(z_stream* stream) const {
            inflateEnd(stream);
            delete stream;
        }
    };

    void start_inflating() {
        auto stream = std::make_unique<z_stream>();
        // The largest window, and 16 for a gzip header and trailer (zlib.h, inflateInit2).
        if (inflateInit2(stream.get(), MAX_WBITS + 16) != Z_OK)
            throw data_error{path_.string() + ": zlib cannot be started"};
        stream_.reset(stream.release());
    }

    std::size_t inflate_into(std::span<unsigned char> bytes) {
        std::size_t done = 0;
        while (done < bytes.size()) {
            if (next_ == stored_bytes_ && !refill()) {
                ended_early_ = !between_members_;
                break;
            }
            if (between_members_) {
                if (stored_[next_] != gzip_magic[0])
                    throw file_error(path_, "trailing bytes", "the end of the file after the gzip data", "more bytes");
                inflateReset(stream_.get());
                between_members_ = false;
            }
            // zlib counts in unsigned int: never hand it more than one piece of output at a time.
            auto const piece = std::min(bytes.size() - done, std::size_t{1} << 20);
            stream_->next_in = stored_.data() + next_;
            stream_->avail_in = static_cast<uInt>(stored_bytes_ - next_);
            stream_->next_out = bytes.data() + done;
            stream_->avail_out = static_cast<uInt>(piece);
            auto const status = inflate(stream_.get(), Z_NO_FLUSH);
            next_ = stored_bytes_ - stream_->avail_in;
            done += piece - stream_->avail_out;
            between_members_ = status == Z_STREAM_END;
            if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
                throw file_error(path_, "damaged gzip file", "valid gzip data",
                                 (stream_->msg != nullptr ? std::string{stream_->msg} : "zlib error") + " after " +
                                     std::to_string(position_ + static_cast<std::int64_t>(done)) +
                                     " uncompressed bytes");
        }
        return done;
    }

    std::unique_ptr<z_stream, inflate_ender> stream_;
    bool between_members_ = false;
#else
    void start_inflating() {
        throw file_error(path_, "compressed file", "uncompressed data, as this build has no zlib",
                         "gzip data (unpack it with gunzip, or install zlib, Debian package zlib1g-dev, and "
                         "configure again)");
    }

    std::size_t inflate_into(std::span<unsigned char>) { return 0; } // never reached: the constructor throws
#endif

    std::filesystem::path path_;
    std::unique_ptr<std::FILE, closer> file_;
    std::vector<unsigned char> stored_; // the piece of the file read last, used up to next_
    std::size_t stored_bytes_ = 0;
    std::size_t next_ = 0;
    std::int64_t position_ = 0;
    bool compressed_ = false;
    bool ended_early_ = false;
};

/// Reads `total` bytes, or up to the end of the file where that comes first, in pieces: never holds more than
/// about twice what the file has delivered, as a damaged header may claim any size.
inline std::vector<unsigned char> read_at_most(input_file& file, std::int64_t total) {
    constexpr std::int64_t first_piece = std::int64_t{1} << 16;
    std::vector<unsigned char> bytes;
    std::int64_t done = 0;
    while (done < total) {
        auto const wanted = std::min(total - done, std::max(first_piece, done));
        bytes.reserve(static_cast<std::size_t>(done + wanted)); // exactly, where resize would round up
        bytes.resize(static_cast<std::size_t>(done + wanted));
        auto const piece = std::span{bytes}.subspan(static_cast<std::size_t>(done));
        auto const found = file.read(piece);
        done += static_cast<std::int64_t>(found);
        if (found == piece.size()) continue;
        bytes.resize(static_cast<std::size_t>(done));
        break;
    }
    return bytes;
}

/// All that is left of a file. Throws data_error for compressed data without its end.
inline std::vector<unsigned char> read_rest(input_file& file) {
    auto bytes = read_at_most(file, std::numeric_limits<std::int64_t>::max());
    if (file.ended_early())
        throw file_error(file.path(), "truncated gzip file",
                         "a checksum after " + std::to_string(file.position()) + " uncompressed bytes",
                         "the end of the file");
    return bytes;
}

} // namespace lockstep::detail
