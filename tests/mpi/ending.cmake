# SPDX-License-Identifier: MIT
# cmake -DSTATUS=<a number|error> -DEXPECTED=<line>|<line>... -P ending.cmake -- <command>...
# The command ends by itself within seconds, with success or an error as expected, and prints the lines. Of one that ends
# with "..." that is the beginning.
cmake_minimum_required(VERSION 3.25)

include("${CMAKE_CURRENT_LIST_DIR}/../arguments.cmake")
arguments_after_dashes(command)

execute_process(COMMAND ${command} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output TIMEOUT 30)
if(status MATCHES "timeout")
    message(FATAL_ERROR "expected to end within 30 s, found a process that hangs: ${output}")
endif()
if((STATUS STREQUAL "error" AND status EQUAL 0) OR (NOT STATUS STREQUAL "error" AND NOT status EQUAL STATUS))
    message(FATAL_ERROR "expected the exit status ${STATUS}, found ${status}: ${output}")
endif()
string(REPLACE "|" ";" EXPECTED "${EXPECTED}")
foreach(line IN LISTS EXPECTED)
    if(line MATCHES "^(.*)\\.\\.\\.$")
        string(FIND "${output}" "${CMAKE_MATCH_1}" position)
    else()
        string(FIND "${output}" "${line}\n" position)
    endif()
    if(position EQUAL -1)
        message(FATAL_ERROR "expected the line '${line}', found: ${output}")
    endif()
endforeach()
