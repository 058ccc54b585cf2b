// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/tensor/memory.hpp>
#include <lockstep/train/atomic_file.hpp>
#include <lockstep/train/safetensors_header.hpp>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/stat.h>

// Models and tensors in files that PyTorch, JAX and others read: https://github.com/huggingface/safetensors.
// A file is the length of its header in 8 bytes, the header in JSON, and the elements, all little-endian.

namespace lockstep {

static_assert(std::endian::native == std::endian::little, ".safetensors files hold little-endian elements");

/// The types that elements are read and written as.
template <class T>
concept safetensors_element =
    std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int64_t>;

template <safetensors_element T>
inline constexpr element_kind kind_of = std::same_as<T, float>    ? element_kind::f32
                                        : std::same_as<T, double> ? element_kind::f64
                                                                  : element_kind::i64;

/// A named tensor whose elements somebody else owns, contiguous, the last extent changing fastest.
struct tensor_entry {
    std::string name;
    element_kind kind = element_kind::f32;
    std::vector<std::int64_t> shape;
    std::span<std::byte const> bytes;
};

/// The entry of elements in memory.
template <safetensors_element T>
tensor_entry make_entry(std::string name, std::vector<std::int64_t> shape, std::span<T const> elements) {
    return {std::move(name), kind_of<T>, std::move(shape), std::as_bytes(elements)};
}

/// A .safetensors file, read whole and checked whole: its header is strict JSON of the format's grammar, its
/// tensors cover its data without overlap, hole or rest, and every tensor has the bytes that its shape asks
/// for.
class safetensors_file {
public:
    /// Reads a file. Throws data_error with the file, what was expected and what was found.
    static safetensors_file read(std::string const& path) { return safetensors_file(path); }

    /// The tensors in the order of their data.
    std::span<tensor_entry const> tensors() const { return tensors_; }
    std::vector<std::string> names() const {
        std::vector<std::string> result;
        for (auto const& tensor : tensors_) result.push_back(tensor.name);
        return result;
    }
    /// The texts that were saved with the tensors.
    std::map<std::string, std::string> const& metadata() const { return metadata_; }

    /// The tensor of this name, or nullptr.
    tensor_entry const* find(std::string_view name) const {
        auto const found = index_.find(name);
        return found == index_.end() ? nullptr : &tensors_[found->second];
    }

    /// The elements of a tensor, aligned for vectors. Throws data_error when there is none of this name or its
    /// elements are of another type: nothing is converted silently.
    template <safetensors_element T>
    std::span<T const> as(std::string_view name) const {
        auto const* const tensor = find(name);
        if (!tensor) fail("expected a tensor '" + std::string(name) + "', found " + list_names());
        if (tensor->kind != kind_of<T>)
            fail("tensor '" + tensor->name + "': expected " + std::string(to_string(kind_of<T>)) + ", found " +
                 std::string(to_string(tensor->kind)));
        return {reinterpret_cast<T const*>(tensor->bytes.data()), tensor->bytes.size() / sizeof(T)};
    }

private:
    struct file_close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    explicit safetensors_file(std::string const& path) : path_(path), file_(std::fopen(path.c_str(), "rb")) {
        if (!file_) fail(std::string("opening failed: ") + std::strerror(errno));
        struct stat status {};
        if (::fstat(::fileno(file_.get()), &status) != 0 || !S_ISREG(status.st_mode))
            fail("expected a regular file, found a directory, device or pipe");
        auto const file_bytes = static_cast<std::uint64_t>(status.st_size);
        auto const header_bytes = read_header_bytes(file_bytes);

        std::string text(static_cast<std::size_t>(header_bytes), '\0');
        read_bytes(std::as_writable_bytes(std::span(text)));
        auto header = detail::safetensors_header_reader(text, path_).read();
        metadata_ = std::move(header.metadata);
        check(header.tensors, static_cast<std::int64_t>(file_bytes - 8 - header_bytes));
        read_tensors(std::move(header.tensors));
        file_.reset();
    }

    std::uint64_t read_header_bytes(std::uint64_t file_bytes) {
        auto const bytes = [](std::uint64_t count) { return std::to_string(count) + " bytes"; };
        if (file_bytes < 10)
            fail("expected a .safetensors file, which has at least 10 bytes, found " + bytes(file_bytes));
        std::uint64_t result = 0;
        read_bytes(std::as_writable_bytes(std::span(&result, 1)));
        if (result > detail::safetensors_largest_header)
            fail("expected a header of at most " + bytes(detail::safetensors_largest_header) + ", found " +
                 bytes(result));
        if (result > file_bytes - 8)
            fail("expected a header of at most " + bytes(file_bytes - 8) + ", which follow its length, found " +
                 bytes(result));
        return result;
    }

    /// Puts the tensors into the order of their data and proves that they are the data.
    void check(std::vector<detail::header_tensor>& tensors, std::int64_t data_bytes) const {
        std::sort(tensors.begin(), tensors.end(), [](auto const& a, auto const& b) {
            return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
        });
        std::int64_t end = 0;
        for (auto const& tensor : tensors) {
            auto const tell = [&](std::string const& expected, std::int64_t found) {
                fail("tensor '" + tensor.name + "': expected " + expected + ", found " + std::to_string(found));
            };
            if (tensor.end > data_bytes)
                tell("an end within the " + std::to_string(data_bytes) + " bytes of data", tensor.end);
            if (tensor.begin != end)
                tell("an offset of " + std::to_string(end) + ", where the tensor before it ends", tensor.begin);
            auto const bytes = detail::tensor_bytes(tensor.kind, tensor.shape);
            if (bytes < 0) fail("tensor '" + tensor.name + "': expected a shape of less than 2^63 bytes");
            if (bytes != tensor.end - tensor.begin)
                tell(std::to_string(bytes) + " bytes for its shape", tensor.end - tensor.begin);
            end = tensor.end;
        }
        if (end != data_bytes)
            fail("expected " + std::to_string(end) + " bytes of data, found " + std::to_string(data_bytes));
    }

    /// Reads the tensors one after another, each to an aligned place: in the file they may lie at any byte.
    void read_tensors(std::vector<detail::header_tensor> tensors) {
        std::int64_t bytes = 0;
        for (auto const& tensor : tensors) bytes += align_up(tensor.end - tensor.begin);
        memory_ = host_memory(static_cast<std::size_t>(bytes));
        auto* place = memory_.data();
        for (auto& tensor : tensors) {
            std::span const data(place, static_cast<std::size_t>(tensor.end - tensor.begin));
            read_bytes(data);
            place += align_up(tensor.end - tensor.begin);
            index_.try_emplace(tensor.name, tensors_.size());
            tensors_.push_back({std::move(tensor.name), tensor.kind, std::move(tensor.shape), data});
        }
    }

    void read_bytes(std::span<std::byte> bytes) {
        if (std::fread(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size()) return;
        auto const reason = errno;
        if (std::ferror(file_.get())) fail(std::string("reading failed: ") + std::strerror(reason));
        fail("expected " + std::to_string(bytes.size()) + " more bytes, found the end of the file");
    }

    /// "'conv1.weight', 'conv1.bias' and 6 more"
    std::string list_names() const {
        constexpr std::size_t most = 8;
        std::string list;
        for (std::size_t i = 0; i < std::min(most, tensors_.size()); ++i)
            list += (i > 0 ? ", '" : "'") + tensors_[i].name + '\'';
        if (tensors_.size() > most) list += " and " + std::to_string(tensors_.size() - most) + " more";
        return list.empty() ? "none" : list;
    }

    [[noreturn]] void fail(std::string const& what) const { throw data_error("'" + path_ + "': " + what); }

    std::string path_;
    std::unique_ptr<std::FILE, file_close> file_; // open while the constructor runs
    host_memory memory_;
    std::vector<tensor_entry> tensors_;
    detail::name_index index_;
    std::map<std::string, std::string> metadata_;
};

/// Writes tensors and texts as one .safetensors file, whole or not at all. Equal arguments give equal bytes:
/// the metadata is ordered by its keys, the tensors keep their order, but 8-byte elements stand before 4-byte
/// ones, so that readers which map the file find all of them aligned. Throws data_error as atomic_file does,
/// and usage_error for a name that is taken twice, reserved or not UTF-8, and for bytes that are not those of
/// the shape.
inline void write_safetensors(std::string const& path, std::map<std::string, std::string> const& metadata,
                              std::span<tensor_entry const> entries) {
    auto const refuse = [&](std::string const& what) { throw usage_error("saving '" + path + "': " + what); };
    for (auto const& [key, value] : metadata)
        if (!detail::is_utf8(key) || !detail::is_utf8(value))
            refuse("expected metadata in UTF-8, found other bytes in '" + key + "'");

    std::vector<tensor_entry const*> order;
    for (int const bytes : {8, 4})
        for (auto const& entry : entries)
            if (bytes_of(entry.kind) == bytes) order.push_back(&entry);

    detail::safetensors_header header{metadata, {}};
    detail::name_index names;
    std::int64_t end = 0;
    for (auto const* const entry : order) {
        bool const taken = entry->name == "__metadata__" || !names.try_emplace(entry->name).second;
        if (taken || !detail::is_utf8(entry->name))
            refuse("expected names in UTF-8, each once and none __metadata__, found '" + entry->name + "'");
        auto const bytes = static_cast<std::int64_t>(entry->bytes.size());
        if (auto const expected = detail::tensor_bytes(entry->kind, entry->shape); bytes != expected)
            refuse("tensor '" + entry->name + "': expected " + std::to_string(expected) +
                   " bytes for its shape, found " + std::to_string(bytes));
        header.tensors.push_back({entry->name, entry->kind, entry->shape, end, end + bytes});
        end += bytes;
    }

    auto const json = detail::to_json(header);
    std::uint64_t const header_bytes = json.size();
    if (header_bytes > detail::safetensors_largest_header)
        refuse("expected a header of at most 100 MB, found " + std::to_string(header_bytes) + " bytes");
    atomic_file file{path};
    file.write(std::as_bytes(std::span(&header_bytes, 1)));
    file.write(json);
    for (auto const* const entry : order) file.write(entry->bytes);
    file.commit();
}

} // namespace lockstep
