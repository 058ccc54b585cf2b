// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/philox.hpp>
#include <lockstep/expression/seed.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace lockstep {

/// Which time a sample is drawn: what its random transforms depend on besides their seed. Neither workers nor ranks
/// are part of it.
struct draw {
    std::uint64_t epoch = 0;
    /// The sample's index in the dataset; where a sampler may repeat samples, the position in the epoch instead.
    std::int64_t number = 0;

    friend constexpr bool operator==(draw, draw) = default;
};

/// The random numbers of one draw, for one of the transforms or collate stages that it passes through: a Philox
/// sequence that starts anew for each of them. Epochs are distinguished up to 2^32, numbers up to 2^48. It is a
/// std::uniform_random_bit_generator too.
class sample_random {
public:
    using result_type = std::uint32_t;

    constexpr sample_random(seed start, draw of, int stage)
        : key_(make_key(start.value ^ purpose)),
          counter_{0,
                   static_cast<std::uint32_t>(stage) << 16 | static_cast<std::uint32_t>(of.number >> 32 & 0xffff),
                   static_cast<std::uint32_t>(of.number), static_cast<std::uint32_t>(of.epoch)} {}

    static constexpr std::uint32_t min() { return 0; }
    static constexpr std::uint32_t max() { return 0xffffffff; }
    /// 32 random bits.
    constexpr std::uint32_t operator()() {
        if (next_ == words_.size()) {
            words_ = philox(counter_, key_);
            ++counter_[0];
            next_ = 0;
        }
        return words_[next_++];
    }
    /// In [low, high).
    constexpr float uniform(float low = 0.0F, float high = 1.0F) {
        return low + (high - low) * lockstep::uniform((*this)());
    }
    /// 0 to limit - 1, each as likely but for 2^-32.
    constexpr int below(int limit) {
        return static_cast<int>(std::uint64_t{(*this)()} * static_cast<std::uint64_t>(limit) >> 32);
    }
    /// True in so many of all cases.
    constexpr bool chance(float probability) { return lockstep::uniform((*this)()) < probability; }

private:
    /// Keeps these numbers apart from others of the same seed.
    static constexpr std::uint64_t purpose = 0x6c6f616465720000;

    philox_key key_;
    philox_counter counter_;
    std::array<std::uint32_t, 4> words_{};
    std::size_t next_ = words_.size();
};

} // namespace lockstep
