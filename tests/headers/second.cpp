// SPDX-License-Identifier: MIT
#include <lockstep/lockstep.hpp>

int const* version_in_second();

int const* version_in_second() { return &lockstep::version_minor; }
