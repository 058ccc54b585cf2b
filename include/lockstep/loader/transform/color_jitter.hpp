// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/transform/image.hpp>

#include <algorithm>
#include <cstdint>
#include <string>

namespace lockstep {

/// `map(seed{1}, color_jitter{.brightness = 0.4f, .contrast = 0.4f, .saturation = 0.4f})`: in this order, an image is
/// mixed with black, with its mean grey and with its own greys. Each share is drawn from 1 - amount to 1 + amount, but
/// is at least 0; results are cut to the range of 0 to 1, of bytes to 255. As torchvision's ColorJitter, which draws
/// the order too. Of images with one channel or three, red, green and blue, before they are normalized.
struct color_jitter {
    float brightness = 0, contrast = 0, saturation = 0;

    template <class View>
    static constexpr bool fits = [] {
        if constexpr (detail::is_image<View>)
            return View::sample_shape::extents[0] == 1 || View::sample_shape::extents[0] == 3;
        else return false;
    }();

    template <class Element, int Channels, int Height, int Width>
    void operator()(sample_view<Element, shape<Channels, Height, Width>> image, sample_random& random) const {
        constexpr int pixels = Height * Width;
        Element* const values = image.data();
        auto const share = [&](float amount) { return random.uniform(std::max(0.0F, 1 - amount), 1 + amount); };

        float const bright = share(brightness), contrasting = share(contrast), saturated = share(saturation);
        if (brightness > 0)
            for (int i = 0; i < Channels * pixels; ++i) values[i] = mix(values[i], 0.0F, bright);
        if (contrast > 0) {
            double sum = 0.0;
            for (int p = 0; p < pixels; ++p) sum += grey<Channels, pixels>(values, p);
            auto const mean = static_cast<float>(sum / pixels);
            for (int i = 0; i < Channels * pixels; ++i) values[i] = mix(values[i], mean, contrasting);
        }
        if (saturation > 0 && Channels == 3)
            for (int p = 0; p < pixels; ++p) {
                float const own = grey<Channels, pixels>(values, p);
                for (int c = 0; c < Channels; ++c)
                    values[c * pixels + p] = mix(values[c * pixels + p], own, saturated);
            }
    }
    void check() const {
        for (float const amount : {brightness, contrast, saturation})
            if (!(amount >= 0 && amount <= 1e6F))
                throw usage_error{"color_jitter: expected amounts of 0 or more, found " + std::to_string(amount)};
    }

private:
    template <class Element>
    static Element mix(Element value, float other, float share) {
        float const mixed = share * static_cast<float>(value) + (1 - share) * other;
        return detail::as_element<Element>(std::clamp(mixed, 0.0F, detail::brightest<Element>));
    }
    /// The weights of ITU-R Recommendation BT.601.
    template <int Channels, int Pixels, class Element>
    static float grey(Element const* values, int pixel) {
        auto const channel = [&](int c) { return static_cast<float>(values[c * Pixels + pixel]); };
        if constexpr (Channels == 1) return channel(0);
        else return 0.2989F * channel(0) + 0.587F * channel(1) + 0.114F * channel(2);
    }
};

} // namespace lockstep
