// SPDX-License-Identifier: MIT
#include <lockstep/lockstep.hpp>

#include <cstdio>

namespace ls = lockstep;

int main() {
    ls::tensor<float, ls::shape<1, 28, 28>> images(64);
    images[63][783] = 1.0f;
    bool const right = images.view().slice(63, 1).elements().back() == 1.0f && images.size() == 64 * 784;

#ifndef LOCKSTEP_WITH_ONEDNN
#define LOCKSTEP_WITH_ONEDNN 0
#endif
#ifndef LOCKSTEP_WITH_ZLIB
#define LOCKSTEP_WITH_ZLIB 0
#endif
    std::printf("oneDNN %d, zlib %d\n", LOCKSTEP_WITH_ONEDNN, LOCKSTEP_WITH_ZLIB);
    return right ? 0 : 1;
}
