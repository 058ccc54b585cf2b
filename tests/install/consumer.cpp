// SPDX-License-Identifier: MIT
#include <lockstep/lockstep.hpp>
#if WITH_MPI
#include <lockstep/mpi.hpp>
#endif
#if WITH_CUDA
#include <lockstep/cuda.hpp>
#endif

#include <cstdint>
#include <cstdio>
#include <vector>

namespace ls = lockstep;

using net = ls::sequential<ls::shape<8>, ls::linear<16>, ls::relu, ls::linear<2>>;

int main() {
    ls::parallel<net, ls::cpu_devices<2>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<32>};

    // Class 1 where the first feature is the larger one of the first two.
    ls::tensor<float, ls::shape<8>> samples(32);
    std::vector<std::int32_t> classes(32);
    for (int i = 0; i < 32; ++i) {
        for (int c = 0; c < 8; ++c) samples[i][c] = static_cast<float>((i * 7 + c * 5) % 11) / 11.0f;
        classes[i] = samples[i][0] > samples[i][1] ? 1 : 0;
    }
    ls::batch_view<float, ls::shape<8>> const batch{samples.view(), classes};
    double const first = trainer.step(batch);
    for (int step = 0; step < 200; ++step) trainer.step(batch);

#ifndef LOCKSTEP_WITH_ONEDNN
#define LOCKSTEP_WITH_ONEDNN 0
#endif
#ifndef LOCKSTEP_WITH_ZLIB
#define LOCKSTEP_WITH_ZLIB 0
#endif
#ifndef LOCKSTEP_WITH_PNG
#define LOCKSTEP_WITH_PNG 0
#endif
#ifndef LOCKSTEP_WITH_TURBOJPEG
#define LOCKSTEP_WITH_TURBOJPEG 0
#endif
    std::printf("loss from %.3f to %.3f\n", first, trainer.loss());
    // Without mpirun, a program is one process.
    int processes = 0;
#if WITH_MPI
    processes = ls::mpi_group{}.size();
#endif
    // With a device or a reason.
    bool cuda = false;
#if WITH_CUDA
    ls::gpu::devices_found const devices = ls::gpu::find_devices();
    cuda = (devices.count > 0) == devices.reason.empty();
#endif
    std::printf("oneDNN %d, zlib %d, png %d, jpeg %d, MPI %d, CUDA %d\n", LOCKSTEP_WITH_ONEDNN, LOCKSTEP_WITH_ZLIB,
                LOCKSTEP_WITH_PNG, LOCKSTEP_WITH_TURBOJPEG, processes, cuda);
    return trainer.loss() < 0.5 * first ? 0 : 1;
}
