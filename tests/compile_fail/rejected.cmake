# SPDX-License-Identifier: MIT
# cmake -DSOURCE=<file> -P rejected.cmake -- <compiler> <argument>...
# Runs the compiler, which must fail with what the file's comments expect of it.
cmake_minimum_required(VERSION 3.25)

include("${CMAKE_CURRENT_LIST_DIR}/../arguments.cmake")
arguments_after_dashes(command)

file(STRINGS "${SOURCE}" expected REGEX "^[ ]*// error: ")
file(STRINGS "${SOURCE}" count REGEX "^[ ]*// errors: [0-9]+$")
if(NOT expected)
    message(FATAL_ERROR "${SOURCE}: expected a line '// error: <regular expression>', found none")
endif()

execute_process(COMMAND ${command} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
    message(FATAL_ERROR "${SOURCE}: expected a compile error, but it compiles with EXPECT_COMPILE_ERROR")
endif()
foreach(line IN LISTS expected)
    string(REGEX REPLACE "^[ ]*// error: " "" line "${line}")
    if(NOT output MATCHES "${line}")
        message(SEND_ERROR "${SOURCE}: expected in the compiler's output: ${line}\nfound:\n${output}")
    endif()
endforeach()
if(count)
    string(REGEX REPLACE "^.*: " "" count "${count}")
    string(REGEX MATCHALL "[^\n]*error: " errors "${output}")
    list(LENGTH errors found)
    if(NOT found EQUAL count)
        message(SEND_ERROR "${SOURCE}: expected ${count} error(s), found ${found}:\n${output}")
    endif()
endif()
