// SPDX-License-Identifier: MIT
// Samples a second of the loader, shuffled, with 0, 1 and 2 workers, beside what bounds it, in the data's own order:
// of images in memory a copy of the bytes, and a loop that makes normalized numbers of them; of a table in memory a
// copy of the rows; of a file of tokens in the page cache the reading of every window, and that with a loop that makes
// inputs and targets of it. Nobody reads the batches. And bytes a second of a CSV file that is parsed, beside a loop of
// std::from_chars.
//     raw/<data>/copy, raw/<data>/convert, lockstep/<data>/plain/<workers>, lockstep/<data>/augmented/<workers>
//     raw/csv/parse, lockstep/csv/parse
#include <lockstep/error.hpp>
#include <lockstep/loader/csv_dataset.hpp>
#include <lockstep/loader/fashion_mnist.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/pixel_dataset.hpp>
#include <lockstep/loader/random_access_file.hpp>
#include <lockstep/loader/read_ahead.hpp>
#include <lockstep/loader/token_dataset.hpp>
#include <lockstep/loader/transform/horizontal_flip.hpp>
#include <lockstep/loader/transform/normalize.hpp>
#include <lockstep/loader/transform/random_crop.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace ls = lockstep;

constexpr int batch_size = 64;
constexpr float mean = 0.286F, deviation = 0.353F;

/// Images of CIFAR's size, as many as CIFAR has, of bytes that look like noise.
class cifar_like {
public:
    using sample_shape = ls::shape<3, 32, 32>;
    using element = std::uint8_t;

    cifar_like() : pixels_(std::make_shared<std::vector<std::uint8_t>>(size() * sample_shape::size)) {
        std::uint32_t state = 1;
        for (auto& pixel : *pixels_) pixel = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
    }

    std::int64_t size() const { return 50'000; }
    std::uint8_t const* pixels(std::int64_t index) const { return pixels_->data() + index * sample_shape::size; }
    std::int32_t read(std::int64_t index, std::span<std::uint8_t> input) const {
        std::copy_n(pixels(index), sample_shape::size, input.begin());
        return static_cast<std::int32_t>(index % 10);
    }
    std::span<std::uint8_t const> lend(std::int64_t index, std::span<std::int32_t> targets) const {
        targets.front() = static_cast<std::int32_t>(index % 10);
        return {pixels(index), static_cast<std::size_t>(sample_shape::size)};
    }
    void expect(std::int64_t index) const { ls::detail::read_ahead(pixels(index), sample_shape::size); }

private:
    std::shared_ptr<std::vector<std::uint8_t>> pixels_;
};

/// An epoch in the data's own order, a batch's memory over and over: each(bytes of a sample, where it goes).
template <class Element, class Data, class Each>
void raw_epochs(benchmark::State& state, Data const& data, Each each) {
    constexpr auto size = Data::sample_shape::size;
    std::vector<Element> slot(static_cast<std::size_t>(batch_size * size));
    for (auto _ : state)
        for (std::int64_t i = 0; i < data.size(); ++i) {
            std::int32_t target;
            each(data.lend(i, {&target, 1}).data(), slot.data() + i % batch_size * size);
            benchmark::DoNotOptimize(slot.data());
            benchmark::ClobberMemory();
        }
    state.SetItemsProcessed(state.iterations() * data.size());
}

template <std::int64_t Size>
void convert(std::uint8_t const* __restrict from, float* __restrict to) {
    for (std::int64_t i = 0; i < Size; ++i) to[i] = (static_cast<float>(from[i]) * (1 / 255.0F) - mean) / deviation;
}

void epochs(benchmark::State& state, auto loader) {
    for (auto _ : state)
        for (auto const& batch : loader) benchmark::DoNotOptimize(batch.inputs.data());
    state.SetItemsProcessed(state.iterations() * loader.samples());
}

void row(std::string const& what, auto run) {
    benchmark::RegisterBenchmark(what.c_str(), run)->Unit(benchmark::kMillisecond)->UseRealTime();
}

/// Rows of a dataset whose samples are delivered as they are.
template <class Data>
void add_plain(std::string const& name, Data const& data) {
    for (int const threads : {0, 1, 2})
        row("lockstep/" + name + "/plain/workers:" + std::to_string(threads), [=](benchmark::State& state) {
            epochs(state, data | ls::shuffle(ls::seed{1}) | ls::batch<batch_size> | ls::workers(threads));
        });
}

template <class Data>
void add_images(std::string const& name, Data const& data) {
    constexpr auto size = Data::sample_shape::size;
    row("raw/" + name + "/copy", [data](benchmark::State& state) {
        raw_epochs<std::uint8_t>(
            state, data, [](std::uint8_t const* from, std::uint8_t* to) { std::memcpy(to, from, size); });
    });
    row("raw/" + name + "/convert", [data](benchmark::State& state) { raw_epochs<float>(state, data, convert<size>); });
    for (int const threads : {0, 1, 2}) {
        auto const with_workers = "/workers:" + std::to_string(threads);
        ls::normalize const scale{mean, deviation};
        row("lockstep/" + name + "/plain" + with_workers, [=](benchmark::State& state) {
            epochs(state, data | ls::shuffle(ls::seed{1}) | ls::map(scale) | ls::batch<batch_size> |
                              ls::workers(threads));
        });
        row("lockstep/" + name + "/augmented" + with_workers, [=](benchmark::State& state) {
            epochs(state, data | ls::shuffle(ls::seed{1}) |
                              ls::map(ls::seed{1}, ls::random_crop<4>{}, ls::horizontal_flip{}, scale) |
                              ls::batch<batch_size> | ls::workers(threads));
        });
    }
}

/// A file of the benchmark's own, gone at its end.
class scratch_file {
public:
    explicit scratch_file(std::string_view content)
        : path_(std::filesystem::temp_directory_path() / ("lockstep-bench-" + std::to_string(std::random_device{}()))) {
        std::ofstream file{path_, std::ios::binary};
        file.write(content.data(), static_cast<std::streamsize>(content.size()));
        if (!file.flush()) throw ls::data_error{path_.string() + ": cannot be written"};
    }
    ~scratch_file() { std::filesystem::remove(path_); }
    scratch_file(scratch_file const&) = delete;
    scratch_file& operator=(scratch_file const&) = delete;

    std::filesystem::path const& path() const { return path_; }

private:
    std::filesystem::path path_;
};

constexpr int table_columns = 20;
using table = ls::csv_dataset<ls::shape<table_columns>>;
ls::csv_schema table_schema() { return {.targets = {table_columns}}; }

/// 100,000 rows of 20 numbers of six digits and a class, below a header.
std::string table_text() {
    std::string text;
    for (int column = 0; column <= table_columns; ++column) text += (column > 0 ? ",c" : "c") + std::to_string(column);
    std::mt19937 random{1};
    std::array<char, 32> number;
    for (int i = 0; i < 100'000; ++i) {
        text += '\n';
        for (int column = 0; column < table_columns; ++column) {
            auto const value = static_cast<float>(random() % 2'000'000) * 1e-6F - 1;
            auto const end = std::to_chars(number.begin(), number.end(), value, std::chars_format::fixed, 6).ptr;
            text.append(number.begin(), end) += ',';
        }
        text += static_cast<char>('0' + i % 10);
    }
    return text += '\n';
}

/// All fields of a file below its first line, as numbers, without a look at what stands between them.
std::vector<float> parse_numbers(std::filesystem::path const& path) {
    std::ifstream file{path, std::ios::binary};
    std::string text(std::filesystem::file_size(path), ' ');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    std::vector<float> numbers;
    auto const* at = text.data() + text.find('\n') + 1;
    for (auto const* const end = text.data() + text.size(); at < end; ++at)
        at = std::from_chars(at, end, numbers.emplace_back()).ptr;
    return numbers;
}

void add_table(std::filesystem::path const& path) {
    auto const bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
    row("raw/csv/parse", [=](benchmark::State& state) {
        for (auto _ : state) benchmark::DoNotOptimize(parse_numbers(path).data());
        state.SetBytesProcessed(state.iterations() * bytes);
    });
    row("lockstep/csv/parse", [=](benchmark::State& state) {
        for (auto _ : state) benchmark::DoNotOptimize(table{path, table_schema()}.size());
        state.SetBytesProcessed(state.iterations() * bytes);
    });
    table const data{path, table_schema()};
    row("raw/csv/copy", [data](benchmark::State& state) {
        raw_epochs<float>(state, data, [](float const* from, float* to) {
            std::memcpy(to, from, table_columns * sizeof(float));
        });
    });
    add_plain("csv", data);
}

constexpr int window = 256, vocabulary = 50'257;

/// 10 million tokens: 39,062 windows.
std::string token_file_content() {
    std::vector<std::uint16_t> tokens(10'000'000);
    std::mt19937 random{1};
    for (auto& token : tokens) token = static_cast<std::uint16_t>(random() % vocabulary);
    return {reinterpret_cast<char const*>(tokens.data()), tokens.size() * sizeof(std::uint16_t)};
}

/// An epoch of windows in the file's order, all read to the same place: each(tokens of a window, and the one behind).
void raw_windows(benchmark::State& state, std::filesystem::path const& path, std::int64_t windows, auto each) {
    ls::detail::random_access_file const file{path};
    std::array<std::uint16_t, window + 1> tokens;
    for (auto _ : state)
        for (std::int64_t i = 0; i < windows; ++i) {
            file.read(i * window * std::int64_t{sizeof tokens[0]},
                      {reinterpret_cast<unsigned char*>(tokens.data()), sizeof tokens});
            each(i, tokens);
            benchmark::DoNotOptimize(tokens.data());
            benchmark::ClobberMemory();
        }
    state.SetItemsProcessed(state.iterations() * windows);
}

void add_tokens(std::filesystem::path const& path) {
    ls::token_dataset<vocabulary, window> const data{path};
    row("raw/tokens/copy", [path, windows = data.size()](benchmark::State& state) {
        raw_windows(state, path, windows, [](std::int64_t, auto const&) {});
    });
    row("raw/tokens/convert", [path, windows = data.size()](benchmark::State& state) {
        std::vector<std::int32_t> slot(2 * batch_size * window);
        raw_windows(state, path, windows, [&](std::int64_t i, auto const& tokens) {
            auto* const inputs = slot.data() + i % batch_size * window;
            auto* const targets = inputs + batch_size * window;
            for (int k = 0; k < window; ++k) inputs[k] = tokens[static_cast<std::size_t>(k)];
            for (int k = 0; k < window; ++k) targets[k] = tokens[static_cast<std::size_t>(k) + 1];
            benchmark::DoNotOptimize(slot.data());
        });
    });
    add_plain("tokens", data);
}

} // namespace

int main(int argc, char** argv) try {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    add_images("fashion_mnist", ls::pixels(ls::fashion_mnist(ls::split::train)));
    add_images("cifar", cifar_like{});
    scratch_file const csv{table_text()}, tokens{token_file_content()};
    add_table(csv.path());
    add_tokens(tokens.path());
    benchmark::RunSpecifiedBenchmarks();
} catch (ls::error const& error) {
    std::fprintf(stderr, "loader: %s\n", error.what());
    return 1;
}
