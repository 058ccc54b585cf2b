// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/program/schedule.hpp>

#include <array>

namespace lockstep {

/// What a program knows of a kernel without knowing its device.
struct kernel_facts {
    char const* name = "";
    /// One pass over the result, element by element.
    bool elementwise = false;
    /// For each operand, whether it has the result's shape, so that the result may take its place in memory.
    std::array<bool, max_operands> aligned{};
    /// Arithmetic operations for one sample.
    double flops = 0.0;
    /// All shards of a batch take part.
    bool is_collective = false;
};

namespace detail {

/// The names of an elementwise chain's functions in the order of their evaluation, each once.
struct chain_text {
    std::array<char, 120> text{};
    int size = 0;

    constexpr void add(char const* name) {
        int length = 0;
        while (name[length] != '\0') ++length;
        if (holds(name, length) || size + length + 2 >= static_cast<int>(text.size())) return;
        if (size > 0) text[size++] = '+';
        for (int i = 0; i < length; ++i) text[size++] = name[i];
    }
    constexpr void append(char const* more) {
        while (*more != '\0' && size + 1 < static_cast<int>(text.size())) text[size++] = *more++;
    }
    constexpr bool holds(char const* name, int length) const {
        for (int first = 0; first + length <= size; ++first) {
            int same = 0;
            while (same < length && text[first + same] == name[same]) ++same;
            bool const starts = first == 0 || text[first - 1] == '+';
            bool const ends = first + length == size || text[first + length] == '+';
            if (same == length && starts && ends) return true;
        }
        return false;
    }
};

template <class E>
struct chain_of {
    static constexpr void describe(chain_text&) {}
    static constexpr int functions = 0;
};
template <class Function, class... Operands>
struct chain_of<apply<Function, Operands...>> {
    static constexpr void describe(chain_text& chain) {
        (chain_of<Operands>::describe(chain), ...);
        chain.add(Function::name);
    }
    static constexpr int functions = (1 + ... + chain_of<Operands>::functions);
};
/// What concerns gradients alone computes nothing.
template <class X>
struct chain_of<apply<function::stop_gradient, X>> : chain_of<X> {};

template <class E>
struct facts_of_kernel;

template <class Function, class... Operands>
struct facts_of_kernel<apply<Function, Operands...>> {
    using expression = apply<Function, Operands...>;
    static constexpr chain_text chain = [] {
        chain_text text;
        chain_of<expression>::describe(text);
        return text;
    }();

    template <class Reads, class Storage>
    static constexpr kernel_facts value(leaf_content result) {
        kernel_facts facts;
        facts.name = chain.size > 0 ? chain.text.data() : "copy";
        facts.elementwise = true;
        facts.flops = static_cast<double>(expression::result_shape::size) * chain_of<expression>::functions;
        mark<Storage>(facts, result, Reads{});
        return facts;
    }
    template <class Storage, class... Read>
    static constexpr void mark(kernel_facts& facts, [[maybe_unused]] leaf_content result, type_list<Read...>) {
        int index = 0;
        ((facts.aligned[index++] = std::is_same_v<typename Read::result_shape, typename expression::result_shape> &&
                                   Read::per_sample == expression::per_sample &&
                                   Storage::template content<Read> == result),
         ...);
    }
};

template <class Primitive, class... Operands>
struct facts_of_kernel<compute<Primitive, Operands...>> {
    static constexpr int functions = (0 + ... + chain_of<Operands>::functions);
    /// "sum of multiply", of a primitive that evaluates a chain on its way.
    static constexpr chain_text chain = [] {
        chain_text operands;
        (chain_of<Operands>::describe(operands), ...);
        chain_text text;
        text.add(Primitive::name);
        text.append(" of ");
        text.append(operands.text.data());
        return text;
    }();

    template <class, class>
    static constexpr kernel_facts value(leaf_content) {
        kernel_facts facts;
        facts.name = functions > 0 ? chain.text.data() : Primitive::name;
        facts.is_collective = requires { Primitive::is_collective; };
        facts.flops = Primitive::template flops<Operands...> + (0.0 + ... + flops_of_chain<Operands>());
        return facts;
    }
    template <class E>
    static constexpr double flops_of_chain() {
        return static_cast<double>(E::result_shape::size) * chain_of<E>::functions;
    }
};

} // namespace detail

} // namespace lockstep
