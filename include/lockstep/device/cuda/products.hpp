// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/blas_product.hpp>
#include <lockstep/device/grid/platform.hpp>

#include <cstdint>
#include <map>
#include <memory>

namespace lockstep::gpu {

struct platform;

/// Bytes of which the address of an operand is a multiple, whoever has it. What belongs to samples may begin at any of
/// them, for a shard's inputs lie behind those of the shard before.
template <class T, class E>
constexpr std::uint32_t alignment_of = [] {
    if (!E::per_sample) return largest_alignment;
    std::uint32_t bytes = largest_alignment;
    while (static_cast<std::uint64_t>(E::result_shape::size) * sizeof(T) % bytes != 0) bytes /= 2;
    return bytes;
}();

template <class T, class E>
struct product_operands;
template <class T, class Primitive, class Left, class Right>
struct product_operands<T, compute<Primitive, Left, Right>> {
    static constexpr int left = operand_index<Left>, right = operand_index<Right>;
    static constexpr product_alignment alignment{alignment_of<T, Left>, alignment_of<T, Right>};
};

} // namespace lockstep::gpu

namespace lockstep::grid {

/// Large products by cuBLASLt. Their algorithms are chosen with the replica for its largest number of samples, and for
/// another one when it is first met.
template <class T, class E>
    requires dense_product_of<E>::found
struct library_operation<gpu::platform, T, E> {
    static constexpr bool found = true;
    static constexpr bool is_chosen(std::int64_t samples) { return product(samples).is_large(); }
    static constexpr std::int64_t scratch_bytes(int, std::int64_t) { return gpu::blas_workspace_bytes; }

    library_operation(int device, std::int64_t samples)
        : library_(gpu::blas::shared(device)), tf32_(gpu::is_tf32_allowed()) {
        of(samples);
    }

    bool launch(gpu::stream const& s, call const& c) {
        if (!is_chosen(c.samples)) return false;
        gpu::blas_product<T>& chosen = of(c.samples);
        if (!chosen.exists()) return false;
        chosen.launch(s, c.template operand<T>(operands::left), c.template operand<T>(operands::right),
                      c.template out<T>(), c.scratch);
        return true;
    }

private:
    using operands = gpu::product_operands<T, E>;
    static constexpr dense_product product(std::int64_t samples) { return dense_product_of<E>::of(samples); }

    gpu::blas_product<T>& of(std::int64_t samples) {
        return chosen_.try_emplace(samples, library_, product(samples), operands::alignment, tf32_).first->second;
    }

    std::shared_ptr<gpu::blas const> library_;
    bool tf32_;
    std::map<std::int64_t, gpu::blas_product<T>> chosen_;
};

} // namespace lockstep::grid
