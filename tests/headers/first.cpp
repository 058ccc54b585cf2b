// SPDX-License-Identifier: MIT
#include <lockstep/lockstep.hpp>

int const* version_in_second();

int main() {
    // One entity, however many files include it.
    return &lockstep::version_minor == version_in_second() ? 0 : 1;
}
