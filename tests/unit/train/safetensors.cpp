// SPDX-License-Identifier: MIT
#include <lockstep/train/safetensors.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace ls = lockstep;

struct scratch {
    fs::path path;
    scratch() {
        auto name = (fs::temp_directory_path() / "lockstep-safetensors-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~scratch() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    std::string operator/(std::string const& name) const { return (path / name).string(); }
};

std::string content(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

fs::path golden() { return fs::path(LOCKSTEP_SOURCE_DIR) / "tests/golden/data"; }

std::vector<std::int64_t> shape(auto... extents) { return {extents...}; }

} // namespace

static_assert(ls::detail::tensor_bytes(ls::element_kind::f64, {}) == 8);
static_assert(ls::detail::tensor_bytes(ls::element_kind::f32, {3, 5}) == 60);
static_assert(ls::detail::tensor_bytes(ls::element_kind::f32, {3, 0}) == 0);
static_assert(ls::detail::tensor_bytes(ls::element_kind::f32, {1LL << 40, 1LL << 40}) == -1);
static_assert(ls::detail::is_utf8("weight \xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82"));
static_assert(!ls::detail::is_utf8("\xc0\x80") && !ls::detail::is_utf8("\xed\xa0\x80"));
static_assert(!ls::detail::is_utf8("\xe2\x82") && !ls::detail::is_utf8("\xf4\x90\x80\x80"));
static_assert(!ls::detail::is_utf8("\x80"));

TEST_CASE("a reference case is read with its metadata, shapes and elements") {
    auto const file = ls::safetensors_file::read((golden() / "linear.safetensors").string());
    CHECK(file.metadata().at("op") == "linear");
    CHECK(file.names() == std::vector<std::string>{"input", "output", "grad_output", "grad_input",
                                                   "param.weight", "grad.weight", "param.bias", "grad.bias"});
    REQUIRE(file.find("param.weight") != nullptr);
    CHECK(file.find("param.weight")->shape == shape(5, 7));
    CHECK(file.find("param.weight")->kind == ls::element_kind::f64);
    CHECK(file.find("weight") == nullptr);

    // The elements are in the right place and order when they satisfy the layer they were computed from.
    auto const x = file.as<double>("input"), y = file.as<double>("output");
    auto const w = file.as<double>("param.weight"), b = file.as<double>("param.bias");
    REQUIRE(y.size() == 4 * 5);
    for (std::size_t row = 0; row < 4; ++row)
        for (std::size_t unit = 0; unit < 5; ++unit) {
            double sum = b[unit];
            for (std::size_t i = 0; i < 7; ++i) sum += x[row * 7 + i] * w[unit * 7 + i];
            CHECK(std::abs(sum - y[row * 5 + unit]) < 1e-12);
        }
}

TEST_CASE("every reference case is read, its elements aligned") {
    int files = 0, integers = 0;
    for (auto const& item : fs::directory_iterator(golden())) {
        auto const file = ls::safetensors_file::read(item.path().string());
        ++files;
        CHECK_FALSE(file.tensors().empty());
        CHECK(file.metadata().contains("op"));
        for (auto const& tensor : file.tensors()) {
            CHECK(reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % ls::memory_alignment == 0);
            CHECK(file.find(tensor.name) == &tensor);
            if (tensor.kind == ls::element_kind::i64) {
                ++integers;
                CHECK(file.as<std::int64_t>(tensor.name).size() * 8 == tensor.bytes.size());
            } else {
                for (double const value : file.as<double>(tensor.name)) REQUIRE_FALSE(std::isnan(value));
            }
        }
    }
    CHECK(files >= 60);
    CHECK(integers > 0);
}

TEST_CASE("what is written is read back, whatever its types and names") {
    scratch const directory;
    auto const path = directory / "net.safetensors";
    std::vector<float> const weight{1.5f, -2.0f, 3e-30f};
    std::vector<double> const mean{0.1, -0.2};
    std::vector<std::int64_t> const step{-7};
    std::string const odd = "a \"b\"\\\n\t\x01 \xc3\xa9\xf0\x9f\x99\x82/";
    std::vector<ls::tensor_entry> const entries{
        ls::make_entry<float>("weight", shape(3, 1), weight), ls::make_entry<double>(odd, shape(2), mean),
        ls::make_entry<float>("empty", shape(4, 0), {}), ls::make_entry<std::int64_t>("step", {}, step)};
    ls::write_safetensors(path, {{"z", "1"}, {"architecture", odd}}, entries);

    auto const file = ls::safetensors_file::read(path);
    CHECK(file.names() == std::vector<std::string>{odd, "step", "weight", "empty"});
    CHECK(file.metadata() == std::map<std::string, std::string>{{"architecture", odd}, {"z", "1"}});
    CHECK(file.find("weight")->shape == shape(3, 1));
    CHECK(file.find("step")->shape.empty());
    CHECK(file.as<std::int64_t>("step")[0] == -7);
    CHECK(std::vector<float>(file.as<float>("weight").begin(), file.as<float>("weight").end()) == weight);
    CHECK(file.as<double>(odd)[1] == -0.2);
    CHECK(file.as<float>("empty").empty());
}

TEST_CASE("a file without tensors or metadata is the smallest one, and has the reference writer's bytes") {
    scratch const directory;
    ls::write_safetensors(directory / "none", {}, {});
    CHECK(content(directory / "none") == std::string("\x08\0\0\0\0\0\0\0{}      ", 16));
    CHECK(ls::safetensors_file::read(directory / "none").tensors().empty());
}

TEST_CASE("equal arguments give equal bytes, as the reference implementation writes them") {
    scratch const directory;
    float const values[]{1.0f, 2.0f};
    std::vector<ls::tensor_entry> const entries{ls::make_entry<float>("w", shape(2), values)};
    ls::write_safetensors(directory / "one", {{"k", "v"}}, entries);
    ls::write_safetensors(directory / "two", {{"k", "v"}}, entries);
    std::string const header =
        R"({"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
    REQUIRE(header.size() == 79);
    CHECK(content(directory / "one") == std::string("\x50\0\0\0\0\0\0\0", 8) + header + " " +
                                            std::string("\0\0\x80\x3f\0\0\0\x40", 8));
    CHECK(content(directory / "one") == content(directory / "two"));
}

TEST_CASE("tensors that other writers left unaligned or out of order are read all the same") {
    scratch const directory;
    std::string header = R"({"b":{"dtype":"F64","shape":[1],"data_offsets":[4,12]}, )"
                         R"("\u0061\ud83d\ude42":{"shape":[ ],"dtype":"F32","data_offsets":[0,4]} })";
    std::string bytes(8, '\0');
    bytes[0] = static_cast<char>(header.size());
    REQUIRE(header.size() % 8 != 0);
    bytes += header + std::string("\0\0\x80\x3f", 4) + std::string("\0\0\0\0\0\0\0\x40", 8);
    std::ofstream(directory / "odd", std::ios::binary) << bytes;
    auto const file = ls::safetensors_file::read(directory / "odd");
    CHECK(file.names() == std::vector<std::string>{"a\xf0\x9f\x99\x82", "b"});
    CHECK(file.as<float>("a\xf0\x9f\x99\x82")[0] == 1.0f);
    CHECK(file.as<double>("b")[0] == 2.0);
}

TEST_CASE("the elements stay where they are when the file is moved") {
    auto file = ls::safetensors_file::read((golden() / "linear.safetensors").string());
    auto const before = file.as<double>("input").data();
    auto const moved = std::move(file);
    CHECK(moved.as<double>("input").data() == before);
}
