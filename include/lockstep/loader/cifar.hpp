// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/input_file.hpp>
#include <lockstep/loader/read_ahead.hpp>
#include <lockstep/loader/split.hpp>
#include <lockstep/shape/shape.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lockstep {

/// Which of the two labels of CIFAR-100: one of 100 classes, or one of the 20 that these belong to.
enum class cifar100_labels { fine, coarse };

/// Coloured images of 32 by 32 pixels with the index of their class, as bytes in memory: what cifar10() and
/// cifar100() return. Copies share the memory.
class cifar_dataset {
public:
    using sample_shape = shape<3, 32, 32>;
    using element = std::uint8_t;

    /// Reads files of records: `labels` bytes, of which number `label` is the class, and 3072 of an image, red,
    /// green and blue one after another, each row by row. Throws data_error for files that are missing, empty,
    /// damaged, not of whole records, or with a label of `classes` or more.
    cifar_dataset(std::vector<std::filesystem::path> const& files, int labels, int label, int classes)
        : stride_(labels + sample_shape::size), labels_(labels), label_(label), classes_(classes) {
        std::vector<std::uint8_t> records;
        for (auto const& path : files) {
            detail::input_file file{path};
            append(records, file);
        }
        records_ = std::make_shared<std::vector<std::uint8_t> const>(std::move(records));
    }

    std::int64_t size() const { return static_cast<std::int64_t>(records_->size()) / stride_; }
    int classes() const { return classes_; }

    std::int32_t read(std::int64_t index, std::span<std::uint8_t> input) const {
        std::copy_n(record(index) + labels_, sample_shape::size, input.data());
        return target_of(index);
    }
    std::span<std::uint8_t const> lend(std::int64_t index, std::span<std::int32_t> targets) const {
        targets.front() = target_of(index);
        return {record(index) + labels_, static_cast<std::size_t>(sample_shape::size)};
    }
    std::int32_t target_of(std::int64_t index) const { return record(index)[label_]; }

    /// Has the memory fetch a sample that is read soon.
    void expect(std::int64_t index) const { detail::read_ahead(record(index), stride_); }

private:
    std::uint8_t const* record(std::int64_t index) const { return records_->data() + index * stride_; }

    void append(std::vector<std::uint8_t>& records, detail::input_file& file) const {
        auto const content = detail::read_rest(file);
        auto const bytes = static_cast<std::int64_t>(content.size());
        if (bytes == 0 || bytes % stride_ != 0)
            throw detail::file_error(file.path(), "no file of CIFAR records",
                                     "a multiple of " + std::to_string(stride_) + " bytes", std::to_string(bytes));
        for (std::int64_t at = label_; at < bytes; at += stride_)
            if (auto const label = content[static_cast<std::size_t>(at)]; label >= classes_)
                throw detail::file_error(file.path(), "label out of range", "0 to " + std::to_string(classes_ - 1),
                                         std::to_string(label) + " at record " + std::to_string(at / stride_));
        records.insert(records.end(), content.begin(), content.end());
    }

    std::int64_t stride_; // bytes of a record
    int labels_;
    int label_;
    int classes_;
    std::shared_ptr<std::vector<std::uint8_t> const> records_;
};

/// CIFAR-10 (Krizhevsky 2009, "Learning multiple layers of features from tiny images"): 50,000 images to train
/// on, 10,000 to test on, 10 classes. Reads data_batch_1.bin to data_batch_5.bin or test_batch.bin from
/// `directory`, the content of cifar-10-binary.tar.gz. Throws data_error for what is missing or damaged.
inline cifar_dataset cifar10(split part, std::filesystem::path const& directory) {
    std::vector<std::filesystem::path> files;
    if (part == split::test) files.push_back(directory / "test_batch.bin");
    else
        for (int i = 1; i <= 5; ++i) files.push_back(directory / ("data_batch_" + std::to_string(i) + ".bin"));
    return {files, 1, 0, 10};
}

/// CIFAR-100, as above with 100 classes in 20 superclasses. Reads train.bin or test.bin from `directory`, the
/// content of cifar-100-binary.tar.gz.
inline cifar_dataset cifar100(split part, std::filesystem::path const& directory,
                              cifar100_labels labels = cifar100_labels::fine) {
    bool const fine = labels == cifar100_labels::fine;
    return {{directory / (part == split::test ? "test.bin" : "train.bin")}, 2, fine ? 1 : 0, fine ? 100 : 20};
}

} // namespace lockstep
