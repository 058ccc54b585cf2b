# SPDX-License-Identifier: MIT
# cmake -DHEADERS=<list> -DCOMPILER=<c++> -DINCLUDE=<directory> -P umbrella.cmake
# Every header of the list is reached from lockstep/lockstep.hpp.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND "${COMPILER}" -std=c++20 -MM "-I${INCLUDE}" -include lockstep/lockstep.hpp -x c++ /dev/null
                OUTPUT_VARIABLE reached COMMAND_ERROR_IS_FATAL ANY)
foreach(header IN LISTS HEADERS)
    string(FIND "${reached}" "/${header}" position)
    if(position EQUAL -1)
        message(SEND_ERROR "lockstep/lockstep.hpp: expected to include every header, does not reach <${header}>")
    endif()
endforeach()
