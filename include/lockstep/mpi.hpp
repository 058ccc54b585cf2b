// SPDX-License-Identifier: MIT
#pragma once

// lockstep for several processes, through MPI: link lockstep::mpi, or compile with mpicxx.

#include <lockstep/lockstep.hpp>
#include <lockstep/parallel/mpi.hpp>
