# SPDX-License-Identifier: MIT
# cmake -DSOURCE=<project> -DBUILD=<directory> -DEXPECTED=<line> -P consume.cmake -- <configure argument>...
# Configures, builds and runs the project from scratch; it must print the line, and be compiled with no option
# that it did not ask for.
cmake_minimum_required(VERSION 3.25)

include("${CMAKE_CURRENT_LIST_DIR}/../arguments.cmake")
arguments_after_dashes(arguments)

file(REMOVE_RECURSE "${BUILD}")
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${SOURCE}" -B "${BUILD}" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON ${arguments}
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${BUILD}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${BUILD}/consumer" OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
if(NOT output MATCHES "(^|\n)${EXPECTED}\n")
    message(FATAL_ERROR "consumer: expected the line '${EXPECTED}', found '${output}'")
endif()

file(READ "${BUILD}/compile_commands.json" commands)
string(JSON command GET "${commands}" 0 command)
if(NOT command MATCHES "-std=(gnu|c)[+][+](20|2a)")
    message(FATAL_ERROR "consumer: expected to be compiled as C++20, found ${command}")
endif()
if(command MATCHES " (-W[^ ]+|-march=[^ ]+|-O[^ ]*|-fopenmp)")
    message(FATAL_ERROR "consumer: got ${CMAKE_MATCH_1}, which it did not ask for: ${command}")
endif()
if(NOT command MATCHES "-isystem [^ ]*include")
    message(FATAL_ERROR "consumer: expected lockstep's headers as system headers, found ${command}")
endif()
