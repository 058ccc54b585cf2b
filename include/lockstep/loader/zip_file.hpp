// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/random_access_file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if LOCKSTEP_WITH_ZLIB
#include <zlib.h>
#endif

namespace lockstep::detail {

/// A file in a ZIP archive.
struct zip_member {
    std::string name;
    int method = 0; // 0 stored, 8 deflated
    bool encrypted = false;
    std::uint32_t checksum = 0;
    std::int64_t stored_bytes = 0;
    std::int64_t bytes = 0;
    std::int64_t header_offset = 0;
};

/// A ZIP archive (PKWARE's APPNOTE.TXT), its 64-bit form included, whose members are read in any order by several
/// threads at once: what zlib's minizip and libzip cannot do with one open archive. Copies share the open file.
class zip_file {
public:
    /// Throws data_error for what cannot be read, is no ZIP archive, is damaged or split over several files, and where
    /// this build has no zlib.
    explicit zip_file(random_access_file file) : file_(std::move(file)) {
#if LOCKSTEP_WITH_ZLIB
        auto const [count, offset, bytes] = find_directory();
        read_directory(count, file_.read(offset, bytes));
#else
        throw file_error(path(), "ZIP archive", "other files, as this build has no zlib",
                         "one (unpack it, or install zlib, Debian package zlib1g-dev, and configure again)");
#endif
    }

    std::filesystem::path const& path() const { return file_.path(); }
    std::vector<zip_member> const& members() const { return *members_; }

    /// The content of a member. Throws data_error where it is damaged, encrypted or compressed in another way.
    std::vector<unsigned char> read(zip_member const& member) const {
        check(member);
        auto bytes = file_.read(data_offset(member), member.stored_bytes);
        if (member.method != 0) bytes = inflate_all(bytes, member);
        if (checksum_of(bytes) != member.checksum)
            throw file_error(path_of(member), "damaged member of a ZIP archive", "its checksum", "another one");
        return bytes;
    }

    /// What errors call a member: archive.npz/x.npy
    std::filesystem::path path_of(zip_member const& member) const { return path() / member.name; }

private:
    static constexpr std::int64_t end_bytes = 22, locator_bytes = 20, end64_bytes = 56, entry_bytes = 46,
                                  header_bytes = 30;

    /// Little-endian numbers of a record, which is long enough.
    class record {
    public:
        explicit record(std::span<unsigned char const> bytes) : bytes_(bytes) {}
        std::int64_t u16(std::size_t at) const { return bytes_[at] | bytes_[at + 1] << 8; }
        std::int64_t u32(std::size_t at) const { return u16(at) | u16(at + 2) << 16; }
        /// As a number that is no offset in any file where the highest bit is set.
        std::int64_t u64(std::size_t at) const {
            return static_cast<std::int64_t>(static_cast<std::uint64_t>(u32(at)) |
                                             static_cast<std::uint64_t>(u32(at + 4)) << 32);
        }

    private:
        std::span<unsigned char const> bytes_;
    };

    struct directory {
        std::int64_t count, offset, bytes;
    };

    [[noreturn]] void damaged(std::string const& expected, std::string const& found) const {
        throw file_error(path(), "damaged ZIP archive", expected, found);
    }

    /// Finds the record at the end of the archive, which only a comment may follow.
    directory find_directory() const {
        auto const tail_bytes = std::min<std::int64_t>(file_.size(), end_bytes + 0xffff);
        auto const tail = file_.read(file_.size() - tail_bytes, tail_bytes);
        for (auto at = tail_bytes - end_bytes; at >= 0; --at) {
            auto const bytes = std::span{tail}.subspan(static_cast<std::size_t>(at));
            if (!(bytes[0] == 'P' && bytes[1] == 'K' && bytes[2] == 5 && bytes[3] == 6)) continue;
            record const end{bytes};
            if (at + end_bytes + end.u16(20) != tail_bytes) continue;
            auto const position = file_.size() - tail_bytes + at;
            directory found{end.u16(10), end.u32(16), end.u32(12)};
            bool split = end.u16(4) != 0 || end.u16(6) != 0;
            if (found.count == 0xffff || found.offset == 0xffffffff || found.bytes == 0xffffffff)
                if (auto const larger = find_directory64(position)) found = *larger, split = false;
            if (split) damaged("one file", "a part of several");
            if (found.count < 0 || found.offset < 0 || found.bytes < 0 || found.offset > position - found.bytes)
                damaged("a directory before its end record", "offset " + std::to_string(found.offset));
            return found;
        }
        throw file_error(path(), "no ZIP archive", "an end record", first_bytes_text(tail));
    }

    std::optional<directory> find_directory64(std::int64_t end_position) const {
        if (end_position < locator_bytes) return std::nullopt;
        auto const locator = file_.read(end_position - locator_bytes, locator_bytes);
        if (record{locator}.u32(0) != 0x07064b50) return std::nullopt;
        auto const at = record{locator}.u64(8);
        if (at < 0 || at > end_position - locator_bytes - end64_bytes)
            damaged("a 64-bit end record", "offset " + std::to_string(at));
        auto const bytes = file_.read(at, end64_bytes);
        record const end{bytes};
        if (end.u32(0) != 0x06064b50) damaged("a 64-bit end record", hex_text(std::span{bytes}.first(4)));
        return directory{end.u64(32), end.u64(48), end.u64(40)};
    }

    void read_directory(std::int64_t count, std::vector<unsigned char> const& bytes) {
        std::vector<zip_member> members;
        auto rest = std::span{bytes};
        for (std::int64_t i = 0; i < count; ++i) {
            if (static_cast<std::int64_t>(rest.size()) < entry_bytes || record{rest}.u32(0) != 0x02014b50)
                damaged(std::to_string(count) + " directory entries", std::to_string(i));
            record const entry{rest};
            auto const name = entry.u16(28), extra = entry.u16(30), comment = entry.u16(32);
            if (static_cast<std::int64_t>(rest.size()) < entry_bytes + name + extra + comment)
                damaged("a whole directory entry", "its beginning");
            zip_member member;
            member.name.assign(reinterpret_cast<char const*>(rest.data()) + entry_bytes,
                               static_cast<std::size_t>(name));
            member.encrypted = (entry.u16(8) & 1) != 0;
            member.method = static_cast<int>(entry.u16(10));
            member.checksum = static_cast<std::uint32_t>(entry.u32(16));
            member.stored_bytes = entry.u32(20);
            member.bytes = entry.u32(24);
            member.header_offset = entry.u32(42);
            read_sizes64(member,
                         rest.subspan(static_cast<std::size_t>(entry_bytes + name), static_cast<std::size_t>(extra)));
            members.push_back(std::move(member));
            rest = rest.subspan(static_cast<std::size_t>(entry_bytes + name + extra + comment));
        }
        members_ = std::make_shared<std::vector<zip_member> const>(std::move(members));
    }

    /// The extra field 1 has those numbers that don't fit into 32 bits, in this order.
    static void read_sizes64(zip_member& member, std::span<unsigned char const> extra) {
        while (extra.size() >= 4) {
            auto const id = record{extra}.u16(0);
            auto const size = static_cast<std::size_t>(record{extra}.u16(2));
            extra = extra.subspan(4);
            if (size > extra.size()) return;
            if (id == 1) {
                auto field = extra.first(size);
                for (auto* number : {&member.bytes, &member.stored_bytes, &member.header_offset}) {
                    if (*number != 0xffffffff || field.size() < 8) continue;
                    *number = record{field}.u64(0);
                    field = field.subspan(8);
                }
            }
            extra = extra.subspan(size);
        }
    }

    void check(zip_member const& member) const {
        auto const wrong = [&](std::string const& expected, std::string const& found) {
            throw file_error(path_of(member), "unreadable member of a ZIP archive", expected, found);
        };
        if (member.encrypted) wrong("no encryption", "an encrypted one");
        if (member.method != 0 && member.method != 8)
            wrong("method 0 (stored) or 8 (deflated)", "method " + std::to_string(member.method));
        // Deflate makes no more than 1032 bytes of one (zlib's technical notes): a larger claim is not allocated.
        bool const possible =
            member.method == 0 ? member.bytes == member.stored_bytes : member.bytes / 1032 <= member.stored_bytes;
        if (member.stored_bytes < 0 || member.bytes < 0 || !possible || member.header_offset < 0 ||
            member.stored_bytes > file_.size() || member.header_offset > file_.size() - header_bytes)
            wrong("sizes within the archive",
                  std::to_string(member.bytes) + " bytes in " + std::to_string(member.stored_bytes));
    }

    /// Behind a header of its own, whose name and extra field may be of other lengths than the directory's.
    std::int64_t data_offset(zip_member const& member) const {
        auto const bytes = file_.read(member.header_offset, header_bytes);
        record const header{bytes};
        if (header.u32(0) != 0x04034b50)
            throw file_error(path_of(member), "damaged ZIP archive", "a member's header",
                             hex_text(std::span{bytes}.first(4)));
        auto const offset = member.header_offset + header_bytes + header.u16(26) + header.u16(28);
        if (offset > file_.size() - member.stored_bytes)
            throw file_error(path_of(member), "truncated ZIP archive",
                             std::to_string(offset + member.stored_bytes) + " bytes", std::to_string(file_.size()));
        return offset;
    }

#if LOCKSTEP_WITH_ZLIB
    static std::uint32_t checksum_of(std::vector<unsigned char> const& bytes) {
        return static_cast<std::uint32_t>(crc32_z(crc32_z(0, nullptr, 0), bytes.data(), bytes.size()));
    }

    std::vector<unsigned char> inflate_all(std::vector<unsigned char> const& stored, zip_member const& member) const {
        std::vector<unsigned char> bytes(static_cast<std::size_t>(member.bytes));
        struct stream_owner {
            z_stream stream{};
            ~stream_owner() { inflateEnd(&stream); }
        } owner;
        auto& stream = owner.stream;
        if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw data_error{path().string() + ": zlib cannot be started"};
        std::size_t read = 0, written = 0;
        int status = Z_OK;
        // zlib counts in unsigned int, so large members go through it in pieces.
        constexpr std::size_t most = std::size_t{1} << 30;
        while (status == Z_OK) {
            auto const in = std::min(stored.size() - read, most), out = std::min(bytes.size() - written, most);
            unsigned char none = 0; // not null where there is nothing to write
            stream.next_in = const_cast<unsigned char*>(stored.data() + read);
            stream.avail_in = static_cast<uInt>(in);
            stream.next_out = out > 0 ? bytes.data() + written : &none;
            stream.avail_out = static_cast<uInt>(out);
            status = inflate(&stream, Z_NO_FLUSH);
            read += in - stream.avail_in;
            written += out - stream.avail_out;
            if (in == stream.avail_in && out == stream.avail_out && status == Z_OK) break;
        }
        if (status != Z_STREAM_END || written != bytes.size())
            throw file_error(path_of(member), "damaged member of a ZIP archive",
                             std::to_string(bytes.size()) + " bytes of deflated data",
                             stream.msg != nullptr ? stream.msg : std::to_string(written));
        return bytes;
    }
#else // never reached: the constructor throws
    static std::uint32_t checksum_of(std::vector<unsigned char> const&) { return 0; }
    std::vector<unsigned char> inflate_all(std::vector<unsigned char> const&, zip_member const&) const { return {}; }
#endif

    random_access_file file_;
    std::shared_ptr<std::vector<zip_member> const> members_;
};

} // namespace lockstep::detail
