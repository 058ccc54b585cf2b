// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/input_file.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace lockstep::testing {

/// A directory of its own for a test, gone at the end.
class temporary_directory {
public:
    temporary_directory()
        : path_(std::filesystem::temp_directory_path() /
                ("lockstep-" + std::to_string(std::random_device{}()))) {
        std::filesystem::create_directory(path_);
    }
    ~temporary_directory() { std::filesystem::remove_all(path_); }
    temporary_directory(temporary_directory const&) = delete;
    temporary_directory& operator=(temporary_directory const&) = delete;

    std::filesystem::path operator/(std::string const& name) const { return path_ / name; }
    std::filesystem::path const& path() const { return path_; }

private:
    std::filesystem::path path_;
};

using bytes = std::vector<unsigned char>;

/// An IDX file of bytes: its header and the given elements, whether they fit the extents or not.
inline bytes idx_bytes(std::vector<std::uint32_t> const& extents, bytes const& elements) {
    bytes file{0, 0, 0x08, static_cast<unsigned char>(extents.size())};
    for (auto const extent : extents)
        for (int shift = 24; shift >= 0; shift -= 8)
            file.push_back(static_cast<unsigned char>(extent >> shift));
    file.insert(file.end(), elements.begin(), elements.end());
    return file;
}

inline std::filesystem::path write(std::filesystem::path const& path, bytes const& content) {
    std::ofstream{path, std::ios::binary}.write(reinterpret_cast<char const*>(content.data()),
                                                static_cast<std::streamsize>(content.size()));
    return path;
}

#if LOCKSTEP_WITH_ZLIB
/// The content as one gzip member.
inline bytes gzip(bytes content) {
    z_stream stream{};
    deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
    bytes packed(deflateBound(&stream, static_cast<uLong>(content.size())));
    stream.next_in = content.data();
    stream.avail_in = static_cast<uInt>(content.size());
    stream.next_out = packed.data();
    stream.avail_out = static_cast<uInt>(packed.size());
    deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}
#endif

/// What an error says, or nothing where none is thrown.
template <class Error, class Call>
std::string message_of(Call call) {
    try {
        call();
    } catch (Error const& error) {
        return error.what();
    }
    return {};
}

inline bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

} // namespace lockstep::testing
