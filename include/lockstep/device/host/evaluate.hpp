// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/backend.hpp>
#include <lockstep/error.hpp>
#include <lockstep/expression/gradient.hpp>
#include <lockstep/program/lower.hpp>
#include <lockstep/program/slots.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <utility>

/// Expressions of one's own, without a model:
///
///     constexpr variable<struct weights, shape<3>> w;
///     constexpr samples<struct points, shape<3>> x;
///     constexpr auto f = sum_over_batch(square(sum(w * x) - number<1.0>));
///     auto const [value, slope] = evaluate<double>(std::tuple{f, gradient(f, w)}, given(w, start), given(x, data));
///
/// What is computed is derived, fused and laid out at compile time, once for all expressions of a call: what two of
/// them share is computed once.
namespace lockstep {

/// A value that all samples share, and one that each sample has, given when an expression is evaluated.
template <class Tag, any_shape Shape>
using variable = leaf<Tag, Shape, false>;
template <class Tag, any_shape Shape>
using samples = leaf<Tag, Shape, true>;

/// A variable's elements, in PyTorch's order.
template <class Leaf, class T>
struct given_values {
    std::span<T const> values;
};
template <class Tag, any_shape Shape, bool PerSample, leaf_content Content, class Values>
constexpr auto given(leaf<Tag, Shape, PerSample, Content>, Values const& values) {
    using T = std::remove_cvref_t<decltype(*std::data(values))>;
    return given_values<leaf<Tag, Shape, PerSample, Content>, T>{{std::data(values), std::size(values)}};
}

namespace detail {

/// Between PyTorch's order and that of memory, for one sample of a shape.
template <class Shape, class T>
void to_memory_order(T const* from, T* to) {
    if constexpr (!lies_reordered<Shape>) std::copy_n(from, Shape::size, to);
    else host::move<T, reshaping(extents{1, {static_cast<int>(Shape::size)}}, extents_of<Shape>())>(from, to);
}
template <class Shape, class T>
void from_memory_order(T const* from, T* to) {
    if constexpr (!lies_reordered<Shape>) std::copy_n(from, Shape::size, to);
    else host::move<T, reshaping(extents_of<Shape>(), extents{1, {static_cast<int>(Shape::size)}})>(from, to);
}

/// Expressions lowered to operations over slots, each result in a slot of its own.
template <class T, class Library, class... E>
struct free_program {
    using results = typename own_gradients<type_list<>, std::conditional_t<is_apply<E> || is_compute<E>, E, apply<copy<-1>, E>>...>::type;
    using buffers = schedule_list<type_list<>, results>;
    using steps = typename steps_of<buffers>::type;
    using slots = typename slots_of<type_list<>, steps>::type;

    template <class... Steps>
    static constexpr auto operation_values(type_list<Steps...>) {
        return std::array<local_operation, sizeof...(Steps)>{
            operation_of<host::backend<T, Library>, stored_as_computed, slots>(Steps{})...};
    }
    static constexpr auto operations = operation_values(steps{});
};

template <class Slot, class... Given>
inline constexpr bool is_given = false;
template <class Tag, class Shape, bool PerSample, leaf_content Content, class... Leaf, class... T>
inline constexpr bool is_given<leaf<Tag, Shape, PerSample, Content>, given_values<Leaf, T>...> =
    (std::is_same_v<Tag, typename Leaf::tag> || ...);

/// What the compiler prints for a variable of an expression that has no values.
template <class Leaf>
struct variable_is_not_given {
    template <class... Given>
    struct among {
        static_assert(is_given<Leaf, Given...>, "an expression reads a variable without values: the type above names it");
    };
};

/// One evaluation: memory for every slot, and the operations in their order.
template <class T, class Program, class... Given>
class free_run {
public:
    explicit free_run(std::tuple<Given...> const& given) : given_(given), samples_(count_samples(given)) {
        place(typename Program::slots{});
        run();
    }

    template <class E>
    tensor<T, typename E::result_shape> result() const {
        using shape = typename E::result_shape;
        tensor<T, shape> values(E::per_sample ? samples_ : 1);
        T const* const from = static_cast<T const*>(addresses_[slot_of<E, typename Program::slots>]);
        for (std::int64_t n = 0; n < values.count(); ++n)
            from_memory_order<shape>(from + n * shape::size, values.data() + n * shape::size);
        return values;
    }

private:
    /// Throws usage_error where numbers of elements do not fit the shapes or each other.
    static std::int64_t count_samples(std::tuple<Given...> const& given) {
        std::int64_t samples = -1;
        std::apply([&](auto const&... each) { (check(each, samples), ...); }, given);
        return samples < 0 ? 1 : samples;
    }
    template <class Leaf, class V>
    static void check(given_values<Leaf, V> const& given, std::int64_t& samples) {
        constexpr std::int64_t size = Leaf::result_shape::size;
        if constexpr (is_class_indices<typename Leaf::result_shape>)
            for (V const index : given.values)
                if (index < 0 || index >= Leaf::result_shape::classes)
                    throw usage_error("evaluate: expected class indices from 0 to " +
                                      std::to_string(Leaf::result_shape::classes - 1) + ", found " + std::to_string(index));
        auto const found = static_cast<std::int64_t>(given.values.size());
        if (!Leaf::per_sample && found != size)
            throw usage_error("evaluate: expected " + std::to_string(size) + " elements for a variable of shape " +
                              to_string(extents_of<typename Leaf::result_shape>()) + ", found " + std::to_string(found));
        if (!Leaf::per_sample) return;
        if (found % size != 0 || (samples >= 0 && found != samples * size))
            throw usage_error("evaluate: expected " + (samples < 0 ? "samples" : std::to_string(samples) + " samples") +
                              " of shape " + to_string(extents_of<typename Leaf::result_shape>()) + ", found " +
                              std::to_string(found) + " elements");
        samples = found / size;
    }

    template <class... Slots>
    void place(type_list<Slots...>) {
        std::int64_t bytes = 0;
        ((bytes += align_up(size_of<Slots>() * static_cast<std::int64_t>(sizeof(T)))), ...);
        memory_ = host_memory(static_cast<std::size_t>(bytes));
        std::byte* next = memory_.data();
        int index = 0;
        ((addresses_[index++] = fill<Slots>(next), next += align_up(size_of<Slots>() * static_cast<std::int64_t>(sizeof(T)))), ...);
    }
    template <class Slot>
    std::int64_t size_of() const {
        return Slot::result_shape::size * (Slot::per_sample ? samples_ : 1);
    }
    /// Where a slot's values lie; those of a variable are put there.
    template <class Slot>
    void* fill(std::byte* memory) {
        if constexpr (is_leaf<Slot>) {
            using checked [[maybe_unused]] = decltype(sizeof(typename variable_is_not_given<Slot>::template among<Given...>));
            std::apply([&](auto const&... each) { (copy_if_same<Slot>(each, memory), ...); }, given_);
        }
        return memory;
    }
    template <class Slot, class Leaf, class V>
    void copy_if_same(given_values<Leaf, V> const& given, std::byte* memory) {
        if constexpr (std::is_same_v<typename Slot::tag, typename Leaf::tag>) {
            using element = std::conditional_t<Leaf::content == leaf_content::class_index, std::int32_t, T>;
            static_assert(std::is_same_v<V, element>, "a variable's values have the element type of the evaluation, class indices int32");
            using shape = typename Leaf::result_shape;
            for (std::int64_t n = 0; n < size_of<Leaf>() / shape::size; ++n)
                to_memory_order<shape>(given.values.data() + n * shape::size, reinterpret_cast<element*>(memory) + n * shape::size);
        }
    }

    void run() {
        for (local_operation const& op : Program::operations) {
            host::kernel const& kernel = *static_cast<host::kernel const*>(op.kernel);
            host::kernel_call call;
            call.result = addresses_[op.result];
            for (int k = 0; k < op.operand_count; ++k) call.operands[k] = addresses_[op.operands[k]];
            call.samples = samples_;
            void* const state = kernel.make_state != nullptr ? kernel.make_state() : nullptr;
            call.state = state;
            kernel.run(call);
            if (state != nullptr) kernel.free_state(state);
        }
    }

    std::tuple<Given...> const& given_;
    std::int64_t samples_;
    host_memory memory_;
    std::array<void*, static_cast<std::size_t>(Program::slots::size)> addresses_{};
};

} // namespace detail

/// The values of several expressions, as a tuple of tensors in PyTorch's order: one sample for each given, or one
/// alone for what all samples share. T is the type of all numbers. Throws usage_error for given values that do not
/// fit their variable's shape, and for class indices that name no class.
template <class T, class Library = host::default_library, expression... E, class... Leaf, class... V>
auto evaluate(std::tuple<E...>, given_values<Leaf, V>... given) {
    using lowered = detail::free_program<T, Library, E...>;
    std::tuple<given_values<Leaf, V>...> const all{given...};
    detail::free_run<T, lowered, given_values<Leaf, V>...> const run(all);
    return [&]<class... Result>(detail::type_list<Result...>) {
        return std::tuple{run.template result<Result>()...};
    }(typename lowered::results{});
}

/// The value of one expression.
template <class T, class Library = host::default_library, expression E, class... Leaf, class... V>
auto evaluate(E e, given_values<Leaf, V>... given) {
    return std::get<0>(evaluate<T, Library>(std::tuple{e}, given...));
}

} // namespace lockstep
