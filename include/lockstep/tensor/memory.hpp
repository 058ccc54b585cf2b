// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

namespace lockstep {

/// Every allocation starts on such a boundary, and so does everything placed in an arena: a cache line, and
/// the widest vector register of today's CPUs.
inline constexpr std::size_t memory_alignment = 64;

/// The next multiple of the alignment.
constexpr std::int64_t align_up(std::int64_t value, std::int64_t alignment = memory_alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

namespace detail {
struct aligned_delete {
    void operator()(std::byte* memory) const { ::operator delete[](memory, std::align_val_t{memory_alignment}); }
};
} // namespace detail

/// Aligned host memory with one owner. Its content is not initialized: who touches a page first decides where
/// it lies.
class host_memory {
public:
    host_memory() = default;
    explicit host_memory(std::size_t bytes)
        : memory_(static_cast<std::byte*>(::operator new[](bytes, std::align_val_t{memory_alignment}))),
          bytes_(bytes) {}

    std::byte* data() const { return memory_.get(); }
    std::size_t bytes() const { return bytes_; }

    /// The memory as elements of a type that needs no construction.
    template <class T>
    std::span<T> as() const {
        return {reinterpret_cast<T*>(memory_.get()), bytes_ / sizeof(T)};
    }

private:
    std::unique_ptr<std::byte[], detail::aligned_delete> memory_;
    std::size_t bytes_ = 0;
};

} // namespace lockstep
