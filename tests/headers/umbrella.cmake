# SPDX-License-Identifier: MIT
# cmake -DUMBRELLA=<header> -DHEADERS=<list> -DCOMPILER=<c++> -DINCLUDES=<directory>... -P umbrella.cmake
# Every header of the list is reached from the umbrella.
cmake_minimum_required(VERSION 3.25)
list(TRANSFORM INCLUDES PREPEND "-I")
execute_process(COMMAND "${COMPILER}" -std=c++20 -MM ${INCLUDES} -include ${UMBRELLA} -x c++ /dev/null
                OUTPUT_VARIABLE reached COMMAND_ERROR_IS_FATAL ANY)
foreach(header IN LISTS HEADERS)
    string(FIND "${reached}" "/${header}" position)
    if(position EQUAL -1)
        message(SEND_ERROR "${UMBRELLA}: expected to include every header, does not reach <${header}>")
    endif()
endforeach()
