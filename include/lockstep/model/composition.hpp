// SPDX-License-Identifier: MIT
#pragma once

namespace lockstep {

// How layers are put together. Each of these stands for a layer, also within another one. A parameter's name is
// the way to it, as PyTorch's Sequential counts: of sequential<…, chain<relu, linear<3>>>, "1.1.weight".

/// Layers one after another, as one layer.
template <class... Layers>
struct chain {};

/// y = x + layers(x). The layers' output shape is their input's.
template <class... Layers>
struct residual {};

/// The sum of branches that read the same input: branch_sum<conv2d<64, 1>, chain<conv2d<64, 3, padding<1>>, relu>>.
/// Each branch is a layer; chain<> gives the input itself. All give one shape.
template <class... Branches>
struct branch_sum {};

/// The results of branches that read the same input, one behind another along the channels of an image or the
/// features of anything else. Beside these their shapes are the same.
template <class... Branches>
struct branch {};

/// Layers N times one after another, each time with parameters of their own.
template <int N, class... Layers>
struct repeat {
    static_assert(N >= 1, "layers are repeated at least once");
};

/// Layers whose parameters are saved under a name of the user's instead of a number. Tag has a `name`:
/// struct encoder { static constexpr char const* name = "encoder"; };
/// An empty name leaves the level out: layers that stand together for this library's sake alone.
template <class Tag, class... Layers>
struct named {};

/// Layers whose parameters are not trained: they keep their first values, or those that are loaded. It stands for the
/// layers themselves, whose names are those that they have without it; where one layer stands, in a branch or under a
/// name, several in it are a chain.
///
/// Their parameters have no gradient, no bucket and no value of an optimizer. Gradients pass them on the way to layers
/// before them that are trained, and where there is none, nothing is computed. Statistics are no parameters: a
/// batch_norm goes on to observe them, as PyTorch's with requires_grad = False; use_running_statistics stops that too.
template <class... Layers>
struct frozen {};

} // namespace lockstep
