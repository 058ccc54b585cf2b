// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/image_pixels.hpp>

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio> // jpeglib.h needs it
#include <filesystem>
#include <span>
#include <vector>

#if LOCKSTEP_WITH_JPEG
#include <jpeglib.h>
#endif

namespace lockstep::detail {

#if LOCKSTEP_WITH_JPEG

/// libjpeg's decoder with its errors as results. libjpeg reports them through a jump, which may not cross objects that
/// are to be destroyed: everything between attempt() and the library is free of them.
class jpeg_decoder {
public:
    explicit jpeg_decoder(std::span<unsigned char const> file) {
        info_.err = jpeg_std_error(&errors_);
        errors_.error_exit = [](j_common_ptr info) {
            auto* errors = static_cast<error_manager*>(info->err);
            errors->format_message(info, errors->message);
            std::longjmp(errors->failed, 1);
        };
        // A warning is about damaged data, for which libjpeg puts something else.
        errors_.emit_message = [](j_common_ptr info, int level) {
            if (level < 0) info->err->error_exit(info);
        };
        ready_ = attempt([&] {
            jpeg_create_decompress(&info_);
            jpeg_mem_src(&info_, file.data(), static_cast<unsigned long>(file.size()));
            jpeg_read_header(&info_, TRUE);
        });
    }
    jpeg_decoder(jpeg_decoder const&) = delete;
    jpeg_decoder& operator=(jpeg_decoder const&) = delete;
    ~jpeg_decoder() { jpeg_destroy_decompress(&info_); }

    /// Whether the header could be read; what follows is about it.
    bool ready() const { return ready_; }
    int width() const { return static_cast<int>(info_.image_width); }
    int height() const { return static_cast<int>(info_.image_height); }
    bool coloured() const { return info_.num_components != 1; }

    /// Writes interleaved pixels of 1 or 3 bytes; false where that fails.
    bool decode(std::uint8_t* pixels, int channels) {
        return attempt([&] {
            info_.out_color_space = channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
            jpeg_start_decompress(&info_);
            while (info_.output_scanline < info_.output_height) {
                JSAMPROW row = pixels + static_cast<std::size_t>(info_.output_scanline) * info_.output_width *
                                            static_cast<std::size_t>(channels);
                jpeg_read_scanlines(&info_, &row, 1);
            }
            jpeg_finish_decompress(&info_);
        });
    }

    char const* message() const { return errors_.message; }

private:
    struct error_manager : jpeg_error_mgr {
        std::jmp_buf failed;
        char message[JMSG_LENGTH_MAX]{};
    };

    template <class Step>
    bool attempt(Step step) {
        if (setjmp(errors_.failed) != 0) return false;
        step();
        return true;
    }

    jpeg_decompress_struct info_{};
    error_manager errors_{};
    bool ready_ = false;
};

/// Decodes a JPEG image. Damaged data is an error, also where libjpeg could put something else in its place.
inline void decode_jpeg(std::span<unsigned char const> file, std::filesystem::path const& path, image_pixels into) {
    jpeg_decoder decoder{file};
    auto const damaged = [&] { return file_error(path, "unreadable JPEG image", "a whole one", decoder.message()); };
    if (!decoder.ready()) throw damaged();
    into.check(path, decoder.width(), decoder.height(), decoder.coloured());
    std::vector<std::uint8_t> interleaved(static_cast<std::size_t>(into.width * into.height * into.channels));
    if (!decoder.decode(interleaved.data(), into.channels)) throw damaged();
    into.write(interleaved.data(), into.channels);
}

#else

inline void decode_jpeg(std::span<unsigned char const>, std::filesystem::path const& path, image_pixels) {
    throw file_error(path, "JPEG image", "other files, as this build has no libjpeg",
                     "one (install libjpeg-turbo, Debian package libjpeg62-turbo-dev, and configure again)");
}

#endif

} // namespace lockstep::detail
