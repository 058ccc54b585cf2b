// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/dense_convolution.hpp>
#include <lockstep/device/grid/move.hpp>
#include <lockstep/device/grid/platform.hpp>
#include <lockstep/tensor/bf16.hpp>
#include <lockstep/tensor/memory.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

/// Large convolutions by a platform's library, between kernels that turn the weights to where it wants them.
namespace lockstep::grid {

/// Platforms that bring a library of convolutions:
///
///   convolutions(device)      what all of a replica's share
///   convolution(convolutions, dense_convolution)    one of them, as the library computes it
///     exists()                whether the library has something for it
///     launch(stream, left, right, result, memory)   of operands in the order of the expression's, with weights as the
///                             library wants them; `memory`: convolution_bytes at a multiple of 256 bytes
///
/// A result has the same bits each time.
template <class P>
concept convolving_platform =
    platform<P> && requires(typename P::convolution& c, typename P::stream const& s, void const* operand, void* place) {
        requires std::constructible_from<typename P::convolutions, int>;
        requires std::constructible_from<typename P::convolution, typename P::convolutions const&,
                                         dense_convolution const&>;
        { c.exists() } -> std::same_as<bool>;
        c.launch(s, operand, operand, place, place);
        { P::convolution_bytes } -> std::convertible_to<std::int64_t>;
    };

/// Ours lie as [window height][window width][in channels / groups][out channels], which is the transpose of where a
/// library wants them. `Inward`: from an operand to scratch memory, else from scratch memory to the result.
template <class Geometry, bool Inward, class Weights = void>
struct turned_weights {
    static constexpr std::int64_t out = Geometry::out_channels, others = Geometry::weight_size / out;
    static constexpr axis_walk value = [] {
        axis_walk walk;
        walk.add(Inward ? shared_axis{others, out, 1} : shared_axis{others, 1, out});
        walk.add(Inward ? shared_axis{out, 1, others} : shared_axis{out, others, 1});
        return walk;
    }();

    static constexpr std::int64_t size(call const&) { return Geometry::weight_size; }
    template <class S>
    static constexpr S const* from(call const& c) {
        if constexpr (Inward) return c.operand<S>(operand_index<Weights>);
        else return static_cast<S const*>(c.scratch);
    }
    template <class R>
    static constexpr R* to(call const& c) {
        if constexpr (Inward) return static_cast<R*>(c.scratch);
        else return c.out<R>();
    }
};

/// The formats that libraries have, of operands as of results. Double precision stays with our own kernels, as do operands
/// of which one alone is rounded.
template <class Left, class Right, class Result>
inline constexpr bool are_convolved =
    std::same_as<Left, Right> && (std::same_as<Left, float> || is_rounded(content_of_stored<Left>)) &&
    (std::same_as<Result, float> || std::same_as<Result, Left>);

namespace detail {
template <class T, class E, class R>
concept convolved_by_library =
    std::same_as<T, float> && dense_convolution_of<E>::found &&
    are_convolved<stored<T, typename dense_convolution_of<E>::left>, stored<T, typename dense_convolution_of<E>::right>, R>;
} // namespace detail

/// What the library computes is chosen with the replica for its largest number of samples, and for another one when it is
/// first met. It has weights in scratch memory, and its own memory behind them.
template <convolving_platform P, class T, class E, class R>
    requires detail::convolved_by_library<T, E, R>
struct library_operation<P, T, E, R> {
    static constexpr bool found = true;
    static constexpr bool is_chosen(std::int64_t samples) { return description::template of<T, R>(samples).is_large(); }
    static constexpr std::int64_t scratch_bytes(int, std::int64_t) { return weight_bytes + P::convolution_bytes; }

    library_operation(int device, std::int64_t samples) : library_(device) { of(samples); }

    bool launch(typename P::stream const& s, call const& c) {
        if (!is_chosen(c.samples)) return false;
        chosen const& it = of(c.samples);
        if (!it.convolution->exists()) return false;
        void const* const left = c.operands[operand_index<typename description::left>];
        void* const memory = static_cast<std::byte*>(c.scratch) + weight_bytes;
        if constexpr (has_weights) {
            P::template launch<move_kernel<stored_type, stored_type, inward>>(s, c);
            it.convolution->launch(s, left, c.scratch, c.result, memory);
        } else {
            void const* const right = c.operands[operand_index<typename description::right>];
            it.convolution->launch(s, left, right, c.scratch, memory);
            if (it.is_rounded) P::template launch<move_kernel<R, stored_type, outward>>(s, c);
            else P::template launch<move_kernel<R, R, outward>>(s, c);
        }
        return true;
    }

private:
    using description = dense_convolution_of<E>;
    using stored_type = stored<T, typename description::left>;
    using inward = turned_weights<typename description::geometry, true, typename description::right>;
    using outward = turned_weights<typename description::geometry, false>;
    static constexpr bool has_weights = description::kind != convolution_kind::weight_gradient;
    static constexpr std::int64_t weight_bytes =
        align_up(description::geometry::weight_size * static_cast<std::int64_t>(sizeof(T)), std::int64_t{256});

    struct chosen {
        std::unique_ptr<typename P::convolution> convolution;
        /// A gradient of weights that is rounded as its operands are.
        bool is_rounded = false;
    };

    chosen const& of(std::int64_t samples) {
        if (auto const known = chosen_.find(samples); known != chosen_.end()) return known->second;
        return chosen_.emplace(samples, choose(samples)).first->second;
    }
    chosen choose(std::int64_t samples) const {
        dense_convolution what = description::template of<T, R>(samples);
        chosen best{std::make_unique<typename P::convolution>(library_, what)};
        // Gradients of weights are floats. Where a library has none of rounded operands, a rounded one is what others
        // train with, too.
        if (!has_weights && what.operands != what.result && !best.convolution->exists()) {
            what.result = what.operands;
            best = {std::make_unique<typename P::convolution>(library_, what), true};
        }
        return best;
    }

    typename P::convolutions library_;
    std::map<std::int64_t, chosen> chosen_;
};

} // namespace lockstep::grid
