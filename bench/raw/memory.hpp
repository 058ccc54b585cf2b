// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace raw {

/// Floats that start at zero and at a cache line.
class floats {
public:
    floats() = default;
    explicit floats(std::size_t size) : size_(size) {
        std::size_t const bytes = (size * sizeof(float) + 63) / 64 * 64;
        data_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
        if (!data_) throw std::bad_alloc();
        std::fill_n(data_.get(), size, 0.0f);
    }

    float* data() { return data_.get(); }
    float const* data() const { return data_.get(); }
    std::size_t size() const { return size_; }

private:
    struct release {
        void operator()(float* p) const { std::free(p); }
    };
    std::unique_ptr<float[], release> data_;
    std::size_t size_ = 0;
};

} // namespace raw
