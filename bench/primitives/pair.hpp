// SPDX-License-Identifier: MIT
#pragma once

#include "derived.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bench {

/// What a call moves or computes: at least so many bytes between memory and the core, so many operations.
struct work {
    double bytes = 0.0;
    double flops = 0.0;
};
inline work floats(double count) { return {.bytes = count * static_cast<double>(sizeof(float))}; }
inline work flops(double count) { return {.flops = count}; }

/// One case, by hand and by lockstep, over the same memory, and what both have computed.
struct comparison {
    std::function<void()> raw, lockstep;
    std::function<std::span<float const>()> raw_result, lockstep_result;
};

/// The rows `raw/<name>` and `lockstep/<name>`. The case is made when it is measured, and where the results differ
/// there are no times.
void add_pair(std::string const& name, work amount, std::function<comparison()> make);

/// `by_hand(memory, out)` computes an expression: memory(leaf) is where a leaf's values lie.
template <class E, class ByHand>
void add_forward(std::string const& name, E, int samples, work amount, ByHand by_hand, int classes = 1) {
    add_pair(name + "/forward", amount, [=] {
        auto const ours = std::make_shared<derived<E>>(samples, classes);
        auto const out = std::make_shared<std::vector<float>>(ours->template result<0>().size());
        return comparison{[=] { by_hand(std::as_const(*ours), out->data()); }, [=] { ours->forward(); },
                          [=] { return std::span<float const>(*out); }, [=] { return ours->template result<0>(); }};
    });
}

/// The same for the gradient with respect to one leaf: memory(upstream<E>{}) is the gradient that flows in. What a
/// backward pass reads of the forward pass is there.
template <class E, class Leaf, class ByHand>
void add_backward(std::string const& name, E, Leaf, int samples, work amount, ByHand by_hand, int classes = 1) {
    add_pair(name, amount, [=] {
        auto const ours = std::make_shared<derived<E, gradient_with_respect_to<E, Leaf>>>(samples, classes);
        auto const out = std::make_shared<std::vector<float>>(ours->template result<1>().size());
        return comparison{[=] { by_hand(std::as_const(*ours), out->data()); }, [=] { ours->backward(); },
                          [=] { return std::span<float const>(*out); }, [=] { return ours->template result<1>(); }};
    });
}

// Each adds the pairs of one theme.
void add_matmul();
void add_convolution();
void add_pooling();
void add_rows();
void add_normalization();
void add_attention();
void add_embedding();
void add_activations();
void add_reductions();
void add_optimizers();

} // namespace bench
