// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/convert.hpp>
#include <lockstep/loader/csv_reader.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/input_file.hpp>
#include <lockstep/loader/tensor_dataset.hpp>
#include <lockstep/shape/shape.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace lockstep {

/// A column of a CSV file, by its number from 0 or by its name in the header.
class csv_column {
public:
    csv_column(int number) : key_(number) {}
    csv_column(std::string name) : key_(std::move(name)) {}
    csv_column(char const* name) : key_(std::string{name}) {}

    std::variant<int, std::string> const& key() const { return key_; }

private:
    std::variant<int, std::string> key_;
};

/// Columns `first` to first + count - 1, such as the pixels of an image.
inline std::vector<csv_column> csv_columns(int first, int count) {
    std::vector<csv_column> columns;
    for (int i = 0; i < count; ++i) columns.emplace_back(first + i);
    return columns;
}

/// What the columns of a CSV file are.
struct csv_schema {
    /// A column for each element of a sample, in the shape's order. With none named, all that are no targets.
    std::vector<csv_column> inputs = {};
    /// A column for each target of a sample.
    std::vector<csv_column> targets = {};
    /// The names of the classes, where targets are names: the target is the name's place in this list.
    std::vector<std::string> classes = {};
    /// Whether the first row names the columns.
    bool header = true;
    char separator = ',';
    /// Whether to leave rows out that are not as they should be, and count them, instead of throwing.
    bool skip_bad_rows = false;
};

namespace detail {

/// Reads the rows of a CSV file by a schema.
template <any_shape Shape, any_shape TargetShape, class Target, class Element>
class csv_table {
public:
    csv_table(input_file& file, csv_schema const& schema)
        : path_(file.path()), schema_(schema), bytes_(read_rest(file)),
          reader_({reinterpret_cast<char const*>(bytes_.data()), bytes_.size()}, path_, schema.separator) {
        std::vector<csv_field> row;
        if (!reader_.next(row))
            throw file_error(path_, "no rows", schema_.header ? "a header" : "a row", "an empty file");
        find_columns(row);
        if (!schema_.header) skip_if_bad([&] { append(row); });
        bool more = true;
        while (more)
            skip_if_bad([&] {
                more = reader_.next(row);
                if (more) append(row);
            });
    }

    tensor<Element, Shape> inputs() const { return as_tensor<Shape>(inputs_); }
    tensor<Target, TargetShape> targets() const { return as_tensor<TargetShape>(targets_); }
    std::vector<std::string> const& skipped() const { return skipped_; }

private:
    void find_columns(std::vector<csv_field> const& first_row) {
        columns_ = first_row.size();
        if (schema_.header)
            for (auto const& field : first_row) names_.push_back(field.text);
        for (auto const& column : schema_.targets) target_columns_.push_back(number_of(column));
        for (auto const& column : schema_.inputs) input_columns_.push_back(number_of(column));
        if (schema_.inputs.empty())
            for (std::size_t column = 0; column < columns_; ++column)
                if (std::ranges::find(target_columns_, column) == target_columns_.end())
                    input_columns_.push_back(column);
        check_count<Shape>("inputs", input_columns_.size());
        check_count<TargetShape>("targets", target_columns_.size());
    }

    std::size_t number_of(csv_column const& column) const {
        if (auto const* number = std::get_if<int>(&column.key())) {
            if (*number >= 0 && static_cast<std::size_t>(*number) < columns_) return static_cast<std::size_t>(*number);
            throw file_error(path_, "no such column", "0 to " + std::to_string(columns_ - 1), std::to_string(*number));
        }
        auto const& name = std::get<std::string>(column.key());
        auto const found = std::ranges::find(names_, name);
        if (found != names_.end() && std::find(found + 1, names_.end(), name) == names_.end())
            return static_cast<std::size_t>(found - names_.begin());
        std::string known;
        for (auto const& other : names_) known += (known.empty() ? "" : ", ") + other;
        throw file_error(path_, found == names_.end() ? "no such column" : "several columns of one name",
                         "'" + name + "' once", schema_.header ? known : "no header");
    }

    template <any_shape Expected>
    void check_count(std::string const& what, std::size_t found) const {
        if (static_cast<std::int64_t>(found) != Expected::size)
            throw file_error(path_, "wrong number of columns as " + what,
                             std::to_string(Expected::size) + " for one of " + extents_text<Expected>(),
                             std::to_string(found));
    }

    template <class Step>
    void skip_if_bad(Step step) {
        try {
            step();
        } catch (data_error const& error) {
            if (!schema_.skip_bad_rows || reader_.unclosed()) throw;
            skipped_.emplace_back(error.what());
            inputs_.resize(static_cast<std::size_t>(rows_ * Shape::size));
            targets_.resize(static_cast<std::size_t>(rows_ * TargetShape::size));
        }
    }

    void append(std::vector<csv_field> const& row) {
        if (row.size() != columns_)
            throw csv_error(path_, row.back(),
                            "expected a row of " + std::to_string(columns_) + " fields, found " +
                                std::to_string(row.size()));
        for (auto const column : input_columns_) inputs_.push_back(number<Element>(row[column], column));
        for (auto const column : target_columns_) targets_.push_back(target(row[column], column));
        ++rows_;
    }

    Target target(csv_field const& field, std::size_t column) const {
        if (schema_.classes.empty()) return number<Target>(field, column);
        auto const found = std::ranges::find(schema_.classes, trimmed(field.text));
        if (found == schema_.classes.end()) wrong(field, column, "the name of a class");
        return static_cast<Target>(found - schema_.classes.begin());
    }

    template <class T>
    T number(csv_field const& field, std::size_t column) const {
        auto text = trimmed(field.text);
        if (text.starts_with('+')) text.remove_prefix(1);
        T value{};
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if constexpr (std::same_as<T, float>)
            if (double wide = 0; error == std::errc::result_out_of_range) {
                // Too small is no error: 1e-50 is nearest to 0.
                error = std::from_chars(text.data(), text.data() + text.size(), wide).ec;
                value = static_cast<float>(wide);
                if (std::abs(wide) > 1) error = std::errc::result_out_of_range;
            }
        if (error == std::errc::result_out_of_range) wrong(field, column, range_text<T>());
        bool finite = true;
        if constexpr (std::floating_point<T>) finite = std::isfinite(value);
        if (error != std::errc{} || end != text.data() + text.size() || !finite)
            wrong(field, column, std::integral<T> ? "an integer" : "a number");
        return value;
    }

    static std::string_view trimmed(std::string_view text) {
        constexpr std::string_view space = " \t";
        auto const first = text.find_first_not_of(space);
        if (first == text.npos) return {};
        return text.substr(first, text.find_last_not_of(space) - first + 1);
    }

    [[noreturn]] void wrong(csv_field const& field, std::size_t column, std::string const& expected) const {
        auto const name = schema_.header ? "'" + names_[column] + "'" : std::to_string(column);
        throw csv_error(path_, field,
                        "column " + name + ": expected " + expected + ", found " +
                            (trimmed(field.text).empty() ? "an empty field" : "'" + field.text.substr(0, 40) + "'"));
    }

    template <any_shape Of, class T>
    static tensor<T, Of> as_tensor(std::vector<T> const& elements) {
        tensor<T, Of> result(static_cast<std::int64_t>(elements.size()) / Of::size);
        std::ranges::copy(elements, result.data());
        return result;
    }

    std::filesystem::path const& path_;
    csv_schema const& schema_;
    std::vector<unsigned char> bytes_;
    csv_reader reader_;
    std::size_t columns_ = 0;
    std::vector<std::string> names_; // none without a header
    std::vector<std::size_t> input_columns_;
    std::vector<std::size_t> target_columns_;
    std::vector<Element> inputs_;
    std::vector<Target> targets_;
    std::int64_t rows_ = 0;
    std::vector<std::string> skipped_;
};

} // namespace detail

/// The rows of a CSV file, plain or gzip, as numbers in memory:
///
///     csv_dataset<shape<4>> iris{"iris.csv", {.targets = {"species"}, .classes = {"setosa", "virginica"}}};
///     csv_dataset<shape<8>, shape<1>, float> houses{"houses.csv", {.targets = {"value"}}};
///
/// Numbers are written as C++ writes them, whatever the locale: 5, -0.25, 1e-3. Those that are not finite are refused.
template <any_shape Shape, any_shape TargetShape = shape<>, class Target = std::int32_t,
          class Element = element_in<float, Shape>>
class csv_dataset : public tensor_dataset<Shape, TargetShape, Target, Element> {
public:
    /// Throws data_error for a file that is missing or damaged, for columns that it does not have or that are not as
    /// many as the shapes have elements, and, with the line and the byte of the line, for a row of too few or too many
    /// fields, a field that is empty, no number or no class, and quotes that don't fit.
    csv_dataset(std::filesystem::path const& path, csv_schema const& schema)
        : csv_dataset(detail::input_file{path}, schema) {}

    csv_dataset(detail::input_file&& file, csv_schema const& schema) : csv_dataset(table{file, schema}) {}

    /// What was wrong with each row that was left out, as schema.skip_bad_rows asks for.
    std::vector<std::string> const& skipped() const { return skipped_; }

private:
    using table = detail::csv_table<Shape, TargetShape, Target, Element>;

    explicit csv_dataset(table const& read)
        : tensor_dataset<Shape, TargetShape, Target, Element>(read.inputs(), read.targets()), skipped_(read.skipped()) {
    }

    std::vector<std::string> skipped_;
};

} // namespace lockstep
