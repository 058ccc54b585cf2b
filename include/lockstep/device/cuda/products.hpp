// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/blas_product.hpp>
#include <lockstep/device/cuda/shared.hpp>
#include <lockstep/device/grid/alignment.hpp>
#include <lockstep/device/grid/platform.hpp>

#include <cstdint>
#include <map>
#include <memory>

namespace lockstep::gpu {

struct platform;

template <class T, class E>
struct product_operands;
template <class T, class Primitive, class Left, class Right>
struct product_operands<T, compute<Primitive, Left, Right>> {
    using left_type = grid::stored<T, Left>;
    using right_type = grid::stored<T, Right>;
    static constexpr int left = operand_index<Left>, right = operand_index<Right>;
    static constexpr product_alignment alignment{grid::alignment_of<T, Left>, grid::alignment_of<T, Right>};
};

} // namespace lockstep::gpu

namespace lockstep::grid {

/// Large products by cuBLASLt, and a bias, a relu, or the gradient of a bias with them. Their algorithms are chosen with the
/// replica for its largest number of samples, and for another one when it is first met.
template <class T, class E, class R>
    requires dense_product_of<E>::found && gpu::are_multiplied<typename gpu::product_operands<T, E>::left_type,
                                                               typename gpu::product_operands<T, E>::right_type, R>
struct library_operation<gpu::platform, T, E, R> {
    static constexpr bool found = true;
    static constexpr bool is_chosen(std::int64_t samples) { return product(samples).is_large(); }
    static constexpr std::int64_t scratch_bytes(int, std::int64_t) { return gpu::blas_workspace_bytes; }

    /// What belongs to a column of the result: the gradient of a bias is that of the right operand's.
    static constexpr bool takes(follower const& next, int operand) {
        constexpr dense_product p = product(2);
        if (p.places != 1 || next.columns != p.columns) return false;
        if (next.kind != follower_kind::column_sums) return operand < 0;
        return operand == operands::right && p.left_transposed && !p.right_transposed;
    }

    library_operation(int device, std::int64_t samples, follower const& next = {})
        : library_(gpu::shared<gpu::blas>(device)), tf32_(gpu::is_tf32_allowed()), next_(next) {
        if (!computes_both(samples)) of(samples);
    }

    bool launch(gpu::stream const& s, call const& c) {
        if (!is_chosen(c.samples)) return false;
        product_type& chosen = of(c.samples);
        if (!chosen.exists()) return false;
        launch(chosen, s, c, c.result, nullptr);
        return true;
    }

    bool computes_both(std::int64_t samples) {
        return next_.kind != follower_kind::none && is_chosen(samples) && with_next(samples).exists();
    }
    void launch_both(gpu::stream const& s, call const& c, call const& next) {
        product_type& chosen = with_next(c.samples);
        if (next_.kind == follower_kind::column_sums) launch(chosen, s, c, c.result, next.result);
        else launch(chosen, s, c, next.result, next_.adds_vector() ? next.operands[next_.vector] : nullptr);
    }

private:
    using operands = gpu::product_operands<T, E>;
    using product_type = gpu::blas_product<typename operands::left_type, R>;
    static constexpr dense_product product(std::int64_t samples) { return dense_product_of<E>::of(samples); }

    product_type& of(std::int64_t samples) {
        return chosen_.try_emplace(samples, library_, product(samples), operands::alignment, tf32_).first->second;
    }
    product_type& with_next(std::int64_t samples) {
        return with_next_.try_emplace(samples, library_, product(samples), operands::alignment, tf32_, next_.kind)
            .first->second;
    }
    void launch(product_type& chosen, gpu::stream const& s, call const& c, void* result, void const* vector) {
        using operand = typename operands::left_type;
        chosen.launch(s, c.template operand<operand>(operands::left), c.template operand<operand>(operands::right),
                      static_cast<R*>(result), c.scratch, vector);
    }

    std::shared_ptr<gpu::blas const> library_;
    bool tf32_;
    follower next_;
    std::map<std::int64_t, product_type> chosen_, with_next_;
};

} // namespace lockstep::grid
