// SPDX-License-Identifier: MIT
#include "idx_file.hpp"

#include <lockstep/loader/image_folder.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/skip_bad.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <string_view>

using namespace lockstep;
using namespace lockstep::testing;

static_assert(dataset<image_folder<shape<3, 3, 4>>>);

namespace {

/// Images that Pillow has written, tests/fuzz/corpus/make.py.
std::filesystem::path corpus(std::string const& name) {
    return std::filesystem::path{LOCKSTEP_SOURCE_DIR} / "tests/fuzz/corpus" / name;
}

bytes content_of(std::filesystem::path const& path) {
    detail::input_file file{path};
    return detail::read_rest(file);
}

void place(std::string const& from, std::filesystem::path const& to) {
    std::filesystem::create_directories(to.parent_path());
    std::filesystem::copy_file(corpus(from), to);
}

/// The image as bytes of channels, height and width.
template <int Channels, int Height, int Width>
bytes decoded(bytes const& file) {
    bytes pixels(Channels * Height * Width);
    detail::decode_image(file, "an image", {pixels.data(), Channels, Height, Width});
    return pixels;
}

/// What the corpus shows: its pixel at (row, column) of a channel, 3 high and 4 wide, or `scale` times as large.
[[maybe_unused]] bytes coloured(int scale = 1) {
    bytes pixels;
    for (int channel = 0; channel < 3; ++channel)
        for (int row = 0; row < 3 * scale; ++row)
            for (int column = 0; column < 4 * scale; ++column) {
                int const red = 50 * (column / scale), green = 60 * (row / scale);
                pixels.push_back(static_cast<unsigned char>(channel == 0 ? red : channel == 1 ? green : 200 - red));
            }
    return pixels;
}
[[maybe_unused]] bytes grey(int scale = 1) {
    bytes pixels;
    for (int row = 0; row < 3 * scale; ++row)
        for (int column = 0; column < 4 * scale; ++column)
            pixels.push_back(static_cast<unsigned char>(50 * (column / scale) + 10 * (row / scale)));
    return pixels;
}

/// The largest difference between two images.
[[maybe_unused]] int difference(bytes const& left, bytes const& right) {
    REQUIRE(left.size() == right.size());
    int largest = 0;
    for (std::size_t i = 0; i < left.size(); ++i) largest = std::max(largest, std::abs(left[i] - right[i]));
    return largest;
}

} // namespace

#if LOCKSTEP_WITH_PNG
TEST_CASE("PNG images of every kind are decoded as Pillow has written them") {
    for (std::string_view const name : {"rgb", "palette", "rgba"}) {
        CAPTURE(name);
        CHECK(decoded<3, 3, 4>(content_of(corpus("image/" + std::string{name} + ".png"))) == coloured());
    }
    for (std::string_view const name : {"grey", "grey_alpha", "grey16"}) {
        CAPTURE(name);
        auto const file = content_of(corpus("image/" + std::string{name} + ".png"));
        CHECK(decoded<1, 3, 4>(file) == grey());
        auto three = grey();
        for (int i = 0; i < 2; ++i) three.insert(three.end(), three.begin(), three.begin() + 12);
        CHECK(decoded<3, 3, 4>(file) == three);
    }
}

TEST_CASE("image_folder numbers classes by their names and knows images by their endings") {
    temporary_directory const directory;
    place("image/rgb.png", directory / "b/2.png");
    place("image/rgb.png", directory / "b/1.PNG");
    place("image/grey.png", directory / "a/deeper/3.png");
    place("image/rgb.png", directory / "a-c/4.png");
    place("image/rgb.png", directory / "b/.hidden.png");
    place("image/rgb.png", directory / ".thumbnails/5.png");
    place("npy/f4.npy", directory / "b/notes.txt");
    place("image/rgb.png", directory / "6.png");

    image_folder<shape<3, 3, 4>> const data{directory.path()};
    CHECK(data.classes() == std::vector<std::string>{"a", "a-c", "b"});
    REQUIRE(data.size() == 4);
    CHECK(data.path(0) == directory / "a/deeper/3.png");
    CHECK(data.path(1) == directory / "a-c/4.png");
    CHECK(data.path(2) == directory / "b/1.PNG");
    CHECK(data.path(3) == directory / "b/2.png");
    bytes pixels(36);
    CHECK(data.read(0, pixels) == 0);
    CHECK(pixels[13] == grey()[1]);
    CHECK(data.read(3, pixels) == 2);
    CHECK(pixels == coloured());

    std::vector<std::int32_t> targets;
    auto loader = data | shuffle(seed{1}) | batch<2> | workers(2);
    for (auto const& batch : loader) targets.insert(targets.end(), batch.targets.begin(), batch.targets.end());
    std::ranges::sort(targets);
    CHECK(targets == std::vector{0, 1, 2, 2});
}

TEST_CASE("image_folder names the image that cannot be used") {
    temporary_directory const directory;
    place("image/rgb.png", directory / "a/colours.png");
    auto const path = (directory / "a/colours.png").string();
    bytes pixels(1000);
    CHECK(message_of<data_error>([&] { image_folder<shape<3, 5, 6>>{directory.path()}.read(0, pixels); }) ==
          path + ": image of another size: expected 6 x 5 pixels, found 4 x 3 pixels");
    CHECK(message_of<data_error>([&] { image_folder<shape<1, 3, 4>>{directory.path()}.read(0, pixels); }) ==
          path + ": coloured image: expected a grey one, found colours");

    auto const whole = content_of(corpus("image/rgb.png"));
    write(directory / "a/cut.png", bytes(whole.begin(), whole.end() - 20));
    write(directory / "a/empty.png", {});
    write(directory / "a/text.png", {'t', 'e', 'x', 't', '!'});
    image_folder<shape<3, 3, 4>> const data{directory.path()};
    CHECK(contains(message_of<data_error>([&] { data.read(1, pixels); }),
                   "a/cut.png: unreadable PNG image: expected a whole one, found "));
    CHECK(contains(message_of<data_error>([&] { data.read(2, pixels); }),
                   "a/empty.png: no image: expected a PNG or JPEG image, found an empty file"));
    CHECK(contains(message_of<data_error>([&] { data.read(3, pixels); }), "text.png: no image"));
    CHECK(contains(message_of<data_error>([&] { data.read(3, pixels); }), "found 0x74657874"));

    auto const rest = data | skip_bad;
    CHECK(rest.size() == 1);
    CHECK(rest.skipped().size() == 3);
}

#if LOCKSTEP_WITH_ZLIB
TEST_CASE("an archive of the directory is read like the directory") {
    image_folder<shape<3, 3, 4>> const data{corpus("npz/images.zip")};
    CHECK(data.classes() == std::vector<std::string>{"a", "b"});
    REQUIRE(data.size() == 2);
    CHECK(data.path(0) == corpus("npz/images.zip/a/x/2.PNG"));
    bytes pixels(36);
    CHECK(data.read(1, pixels) == 1);
    CHECK(pixels == coloured());
    CHECK(data.read(0, pixels) == 0);
    CHECK(pixels[25] == grey()[1]);
}
#endif
#else
TEST_CASE("a PNG image without libpng says how to get on") {
    CHECK(
        contains(message_of<data_error>([] { decoded<3, 3, 4>(content_of(corpus("image/rgb.png"))); }), "libpng-dev"));
}
#endif

#if LOCKSTEP_WITH_TURBOJPEG
TEST_CASE("JPEG images are decoded as near to the original as the format is") {
    CHECK(difference(decoded<3, 12, 16>(content_of(corpus("image/rgb.jpg"))), coloured(4)) <= 8);
    CHECK(decoded<3, 12, 16>(content_of(corpus("image/progressive.jpg"))) ==
          decoded<3, 12, 16>(content_of(corpus("image/rgb.jpg"))));
    auto const file = content_of(corpus("image/grey.jpg"));
    CHECK(difference(decoded<1, 12, 16>(file), grey(4)) <= 8);
    auto const three = decoded<3, 12, 16>(file);
    CHECK(std::equal(three.begin(), three.begin() + 192, three.begin() + 384));
}

TEST_CASE("JPEG images that are damaged or of other colours are refused") {
    auto const refusal = [](bytes const& file) { return message_of<data_error>([&] { decoded<3, 12, 16>(file); }); };
    auto const whole = content_of(corpus("image/rgb.jpg"));
    CHECK(refusal(bytes(whole.begin(), whole.begin() + 30)) ==
          "an image: unreadable JPEG image: expected a whole one, found no image");
    CHECK(contains(refusal(bytes(whole.begin(), whole.begin() + 200)), "an image: unreadable JPEG image: expected"));
    // By itself the library would fill the rest with grey.
    CHECK(contains(refusal(bytes(whole.begin(), whole.end() - 30)), "found Premature end of JPEG file"));
    CHECK(contains(refusal(content_of(corpus("image/cmyk.jpg"))),
                   "image of other colours: expected red, green and blue, or grey, found CMYK"));
    CHECK(
        contains(message_of<data_error>([&] { decoded<3, 12, 12>(whole); }), "expected 12 x 12 pixels, found 16 x 12"));
    CHECK(contains(message_of<data_error>([&] { decoded<1, 12, 16>(whole); }), "coloured image"));
}
#else
TEST_CASE("a JPEG image without libjpeg-turbo says how to get on") {
    CHECK(contains(message_of<data_error>([] { decoded<3, 12, 16>(content_of(corpus("image/rgb.jpg"))); }),
                   "libturbojpeg0-dev"));
}
#endif

TEST_CASE("image_folder refuses a directory that is not one of classes") {
    temporary_directory const directory;
    auto const refusal = [&] {
        return message_of<data_error>([&] { image_folder<shape<3, 3, 4>>{directory.path()}; });
    };
    CHECK(refusal() ==
          directory.path().string() + ": no images: expected a directory of images for each class, found none");
    place("npy/f4.npy", directory / "b/notes.txt");
    place("image/rgb.png", directory / "a/1.png");
    CHECK(refusal() ==
          (directory / "b").string() + ": no images: expected files that end with .png, .jpg or .jpeg, found none");
    CHECK(contains(message_of<data_error>([&] { image_folder<shape<3, 3, 4>>{directory / "c"}; }),
                   "c: cannot open: expected a readable file, found No such file"));
}
