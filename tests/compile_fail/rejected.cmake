# SPDX-License-Identifier: MIT
# cmake -DSOURCES=<file>[|<file>...] -P rejected.cmake -- <compiler> <argument>...
# Runs the compiler, which must fail with what the files' comments expect of it.
cmake_minimum_required(VERSION 3.25)

include("${CMAKE_CURRENT_LIST_DIR}/../arguments.cmake")
arguments_after_dashes(command)
string(REPLACE "|" ";" SOURCES "${SOURCES}")

execute_process(COMMAND ${command} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
    message(FATAL_ERROR "${SOURCES}: expected a compile error, but it compiles with EXPECT_COMPILE_ERROR")
endif()

# Where several files are compiled together, each one's names have a namespace in front.
foreach(source IN LISTS SOURCES)
    cmake_path(GET source STEM name)
    string(REPLACE "${name}_cpp::" "" output "${output}")
endforeach()

set(total 0)
foreach(source IN LISTS SOURCES)
    file(STRINGS "${source}" expected REGEX "^[ ]*// error: ")
    if(NOT expected)
        message(FATAL_ERROR "${source}: expected a line '// error: <regular expression>', found none")
    endif()
    foreach(line IN LISTS expected)
        string(REGEX REPLACE "^[ ]*// error: " "" line "${line}")
        if(NOT output MATCHES "${line}")
            message(SEND_ERROR "${source}: expected in the compiler's output: ${line}\nfound:\n${output}")
        endif()
    endforeach()
    file(STRINGS "${source}" count REGEX "^[ ]*// errors: [0-9]+$")
    string(REGEX REPLACE "^.*: " "" count "${count}")
    if(count AND NOT total STREQUAL "any")
        math(EXPR total "${total} + ${count}")
    else()
        set(total any)
    endif()
endforeach()

if(NOT total STREQUAL "any")
    string(REGEX MATCHALL "[^\n]*error: " errors "${output}")
    list(LENGTH errors found)
    if(NOT found EQUAL total)
        message(SEND_ERROR "${SOURCES}: expected ${total} error(s), found ${found}:\n${output}")
    endif()
endif()
