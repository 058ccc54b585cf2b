// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/npy.hpp>
#include <lockstep/shape/shape.hpp>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

namespace lockstep {

/// Samples and their targets from two arrays of NumPy's, each with a row a sample:
///
///     npy_dataset<shape<3, 32, 32>> data{npy_file{"images.npy"}, npy_file{"labels.npy"}};
///     npz_file archive{"train.npz"};
///     npy_dataset<shape<8>, shape<2>, float> pairs{archive["x"], archive["y"]};
///
/// Nothing but the headers is kept in memory of a file on the disk. Numbers are converted as npy_file::read_row says.
template <any_shape Shape, any_shape TargetShape = shape<>, class Target = std::int32_t,
          class Element = element_in<float, Shape>>
class npy_dataset {
public:
    using sample_shape = Shape;
    using element = Element;
    using target_shape = TargetShape;
    using target = Target;

    /// Throws data_error for arrays of other shapes, up to extents of 1, and for numbers of rows that differ.
    npy_dataset(npy_file inputs, npy_file targets) : inputs_(std::move(inputs)), targets_(std::move(targets)) {
        check_shape<Shape>(inputs_, "samples of another shape");
        check_shape<TargetShape>(targets_, "targets of another shape");
        if (inputs_.rows() != targets_.rows())
            throw detail::file_error(targets_.path(), "samples and targets differ in number",
                                     std::to_string(inputs_.rows()) + " targets, one for each sample in " +
                                         inputs_.path().string(),
                                     std::to_string(targets_.rows()));
    }

    std::int64_t size() const { return inputs_.rows(); }

    void read(std::int64_t index, std::span<Element> input, std::span<Target> targets) const {
        inputs_.read_row(index, input);
        targets_.read_row(index, targets);
    }

private:
    template <any_shape Expected>
    static void check_shape(npy_file const& file, std::string const& what) {
        if (!detail::has_extents<Expected>(file.extents()))
            throw detail::file_error(file.path(), what, detail::extents_text<Expected>(),
                                     detail::extents_text(file.extents()));
    }

    npy_file inputs_;
    npy_file targets_;
};

} // namespace lockstep
