# SPDX-License-Identifier: MIT
# cmake -DHEADER=<header> -DINCLUDE=<directory> -P alone.cmake -- <compiler> <argument>...
# Runs the compiler, which must accept the header as the first thing that a file includes. Where another header has
# this one as its own first include, before any code, that one's test sees just this, and the compiler isn't run twice.
cmake_minimum_required(VERSION 3.25)

include("${CMAKE_CURRENT_LIST_DIR}/../arguments.cmake")
arguments_after_dashes(command)

# who_begins_with(<header> <result>): a header whose first include this is, or nothing. Not those of MPI and CUDA,
# which may be left out or compiled in another way.
function(who_begins_with header result)
    set(${result} "" PARENT_SCOPE)
    execute_process(COMMAND grep -rlF "#include <${header}>" --include=*.hpp lockstep
                    WORKING_DIRECTORY "${INCLUDE}" OUTPUT_VARIABLE found)
    string(REGEX MATCHALL "[^\n]+" found "${found}")
    foreach(other IN LISTS found)
        if(other MATCHES "/mpi|/cuda")
            continue()
        endif()
        file(READ "${INCLUDE}/${other}" text)
        string(REGEX MATCH "^(//[^\n]*\n|#pragma once\n|\n)*#include <([^>\n]*)>" start "${text}")
        if(CMAKE_MATCH_2 STREQUAL header)
            set(${result} "${other}" PARENT_SCOPE)
            return()
        endif()
    endforeach()
endfunction()

# Up to the header that is compiled; headers that include each other would all wait for one another's tests.
set(seen ${HEADER})
who_begins_with(${HEADER} other)
while(other)
    if(other IN_LIST seen)
        message(FATAL_ERROR "expected headers that don't include each other, found ${seen} and again ${other}")
    endif()
    list(APPEND seen ${other})
    who_begins_with(${other} other)
endwhile()
list(LENGTH seen count)
if(count GREATER 1)
    list(GET seen -1 compiled)
    message(STATUS "<${HEADER}> is compiled first in the test of <${compiled}>")
    return()
endif()
execute_process(COMMAND ${command} COMMAND_ERROR_IS_FATAL ANY)
