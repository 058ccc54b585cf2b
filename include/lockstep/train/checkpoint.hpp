// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/parallel/parameters.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/train/loss_scaling.hpp>
#include <lockstep/train/safetensors.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <system_error>
#include <vector>

namespace lockstep {

/// Where a training stands, beside its parameters and its optimizer's state.
struct checkpoint_position {
    /// Epochs that are finished.
    std::int64_t epoch = 0;
    std::uint64_t steps = 0;
};

namespace detail {

/// A tensor of a training: a parameter, or a value that the optimizer keeps for it.
template <class T>
struct training_tensor {
    std::string name;
    program_parameter const* parameter;
    /// Its first element in memory.
    T* memory;

    std::vector<std::int64_t> shape() const {
        extents const saved = saved_shape_of(*parameter);
        return {saved.extent.begin(), saved.extent.begin() + saved.rank};
    }
};

/// The values that a trainer's optimizer keeps, one after the other, each laid out like all parameters.
template <class Trainer>
auto optimizer_states_of(Trainer& trainer) {
    using optimizer = std::remove_cvref_t<decltype(trainer.optimizer())>;
    std::vector<std::vector<typename Trainer::element>> states;
    for (int s = 0; s < optimizer::states; ++s) states.push_back(trainer.read_optimizer_state(s));
    return states;
}

/// Parameters as PyTorch names them, an optimizer's values, which are in `states`, behind "optimizer.<value>.".
template <class Trainer>
auto tensors_of(Trainer& trainer, std::vector<std::vector<typename Trainer::element>>& states) {
    using parallel = std::remove_cvref_t<decltype(trainer.model())>;
    using optimizer = std::remove_cvref_t<decltype(trainer.optimizer())>;
    std::vector<training_tensor<typename parallel::element>> tensors;
    auto add = [&](std::string const& prefix, typename parallel::element* memory) {
        plan const& layout = parallel::layout;
        for (std::size_t i = 0; i < layout.parameters.size(); ++i)
            if (prefix.empty() || layout.parameters[i].declared.is_trained())
                tensors.push_back({prefix + name_of(layout.parameters[i]), &layout.parameters[i],
                                   memory + layout.parameter_offsets[i]});
    };
    add("", trainer.model().parameters());
    for (std::size_t s = 0; s < states.size(); ++s)
        add("optimizer." + std::string{optimizer::state_names[s]} + ".", states[s].data());
    return tensors;
}

inline std::string text_of(std::vector<std::int64_t> const& shape) {
    std::string text = "[";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (i > 0) text += ", ";
        text += std::to_string(shape[i]);
    }
    return text += "]";
}

inline std::int64_t read_count(safetensors_file const& file, char const* key, std::string const& path) {
    auto const found = file.metadata().find(key);
    if (found == file.metadata().end()) return 0;
    char* end = nullptr;
    std::int64_t const value = std::strtoll(found->second.c_str(), &end, 10);
    if (end == found->second.c_str() || *end != '\0' || value < 0)
        throw data_error(path + ": expected a count for '" + key + "', found '" + found->second + "'");
    return value;
}

/// The shortest text that is read back as this number.
inline std::string text_of(double value) {
    std::array<char, 32> text;
    auto const end = std::to_chars(text.data(), text.data() + text.size(), value);
    return {text.data(), end.ptr};
}
inline loss_scale_state read_loss_scale(safetensors_file const& file, std::string const& path) {
    std::string const& text = file.metadata().at("lockstep.loss_scale");
    loss_scale_state state;
    auto const end = std::from_chars(text.data(), text.data() + text.size(), state.scale);
    if (end.ec != std::errc{} || end.ptr != text.data() + text.size() || !loss_scaler::is_scale(state.scale))
        throw data_error(path + ": expected a number from 2^-10 to 2^60 for 'lockstep.loss_scale', found '" + text + "'");
    state.updates = read_count(file, "lockstep.loss_scale_updates", path);
    return state;
}

template <class T>
void write_training(std::string const& path, std::vector<training_tensor<T>> const& tensors,
                    std::map<std::string, std::string> const& metadata) {
    std::vector<std::vector<T>> values;
    std::vector<tensor_entry> entries;
    for (auto const& tensor : tensors) {
        values.push_back(to_saved_order<T>(*tensor.parameter, tensor.memory));
        entries.push_back(make_entry<T>(tensor.name, tensor.shape(), std::span<T const>(values.back())));
    }
    write_safetensors(path, metadata, entries);
}

/// PyTorch's batch norms save how many batches they have seen; with a constant momentum nobody reads it.
inline bool counts_batches(tensor_entry const& entry) {
    return entry.kind == element_kind::i64 && ("." + entry.name).ends_with(".num_batches_tracked");
}

/// An optimizer's value for a parameter that was trained before and is frozen here.
template <class T>
bool belongs_to_frozen(tensor_entry const& entry, std::vector<training_tensor<T>> const& tensors) {
    if (!entry.name.starts_with("optimizer.")) return false;
    std::string const name = entry.name.substr(entry.name.find('.', std::string("optimizer.").size()) + 1);
    return std::ranges::any_of(
        tensors, [&](auto const& each) { return each.parameter->declared.frozen && each.name == name; });
}

/// Compares a file with a model, whole. Returns whether it holds the optimizer's values too.
template <class T>
bool check_architecture(std::string const& path, safetensors_file const& file,
                        std::vector<training_tensor<T>> const& tensors) {
    std::string const differs = path + ": a model of another architecture: ";
    bool has_state = false;
    for (tensor_entry const& entry : file.tensors()) has_state |= entry.name.starts_with("optimizer.");
    std::vector<std::string> expected;
    for (auto const& tensor : tensors) {
        if (!has_state && tensor.name.starts_with("optimizer.")) continue;
        expected.push_back(tensor.name);
        std::string const wanted = "expected tensor '" + tensor.name + "' " + text_of(tensor.shape());
        tensor_entry const* found = file.find(tensor.name);
        if (found == nullptr) throw data_error(differs + wanted + ", found none of this name");
        if (found->shape != tensor.shape()) throw data_error(differs + wanted + ", found " + text_of(found->shape));
        file.as<T>(tensor.name); // throws where the elements are of another type
    }
    for (tensor_entry const& entry : file.tensors())
        if (!counts_batches(entry) && !belongs_to_frozen(entry, tensors) &&
            std::find(expected.begin(), expected.end(), entry.name) == expected.end())
            throw data_error(differs + "it has a tensor '" + entry.name + "' " + text_of(entry.shape) +
                             ", which this model has not");
    return has_state;
}

} // namespace detail

/// Saves parameters, optimizer state and position as one .safetensors file with PyTorch's names and layouts,
/// whole or not at all. The same training gives the same bytes. Of several processes that train together all call it, and
/// the first one writes.
template <class Trainer>
void save_checkpoint(std::string const& path, Trainer& trainer, std::int64_t epoch) {
    auto states = detail::optimizer_states_of(trainer);
    if (trainer.model().processes().rank() != 0) return;
    std::map<std::string, std::string> metadata{{"format", "pt"},
                                                {"lockstep.epoch", std::to_string(epoch)},
                                                {"lockstep.steps", std::to_string(trainer.steps())}};
    if (trainer.updates() != trainer.steps()) metadata["lockstep.updates"] = std::to_string(trainer.updates());
    if constexpr (requires { trainer.loss_scale(); }) {
        loss_scale_state const state = trainer.loss_scale();
        metadata["lockstep.loss_scale"] = detail::text_of(state.scale);
        metadata["lockstep.loss_scale_updates"] = std::to_string(state.updates);
    }
    detail::write_training(path, detail::tensors_of(trainer, states), metadata);
}

/// Restores what save_checkpoint wrote, or the parameters alone from a file that has no optimizer state: that starts at 0
/// then. The file is compared with the whole model before anything is changed; data_error names the first tensor that
/// differs, what was expected and what was found. An optimizer's values for parameters that are frozen here are left out.
/// A trainer that refuses steps after a failure takes them again.
template <class Trainer>
checkpoint_position load_checkpoint(std::string const& path, Trainer& trainer) {
    std::vector<std::vector<typename Trainer::element>> states(
        std::remove_cvref_t<decltype(trainer.optimizer())>::states,
        std::vector<typename Trainer::element>(static_cast<std::size_t>(Trainer::training_plan.trained_elements)));
    auto const tensors = detail::tensors_of(trainer, states);
    using element = typename Trainer::element;
    safetensors_file const file = safetensors_file::read(path);
    bool const has_state = detail::check_architecture(path, file, tensors);
    checkpoint_position position;
    position.epoch = detail::read_count(file, "lockstep.epoch", path);
    position.steps = static_cast<std::uint64_t>(detail::read_count(file, "lockstep.steps", path));
    auto const updates = file.metadata().contains("lockstep.updates")
                             ? static_cast<std::uint64_t>(detail::read_count(file, "lockstep.updates", path))
                             : position.steps;
    bool const has_scale = file.metadata().contains("lockstep.loss_scale");
    loss_scale_state scale;
    if (has_scale) scale = detail::read_loss_scale(file, path);
    for (auto const& tensor : tensors)
        if (file.find(tensor.name) != nullptr)
            from_saved_order<element>(*tensor.parameter, file.as<element>(tensor.name), tensor.memory);
    for (std::size_t s = 0; s < states.size(); ++s) trainer.write_optimizer_state(static_cast<int>(s), states[s]);
    trainer.resume(has_state ? position.steps : 0, has_state ? updates : 0);
    if constexpr (requires { trainer.set_loss_scale(scale); })
        if (has_state && has_scale) trainer.set_loss_scale(scale);
    return position;
}

} // namespace lockstep
