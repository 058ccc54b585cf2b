# SPDX-License-Identifier: MIT
# cmake -DMPIEXEC=<mpirun> -DNUMPROC=-n -DPROGRAM=<distributed> -DDIRECTORY=<for files> -P distributed.cmake
cmake_minimum_required(VERSION 3.25)

# train(<name> <processes> <option>...): the model's hash, in <name>.
function(train name processes)
    set(file "${DIRECTORY}/${name}.safetensors")
    file(REMOVE "${file}")
    # 20 full batches and one of a single sample, of which most processes get nothing.
    execute_process(COMMAND "${MPIEXEC}" ${NUMPROC} ${processes} "${PROGRAM}" --samples 1281 --epochs 2 --save "${file}" ${ARGN}
                    OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE status)
    message("${output}")
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "${name}: expected exit status 0, found ${status}")
    endif()
    string(REGEX MATCHALL "epoch [0-9]+:[^\n]*" epochs "${output}")
    list(LENGTH epochs lines)
    if(NOT lines EQUAL 2)
        message(FATAL_ERROR "${name}: expected one process to print two epochs, found ${lines} lines")
    endif()
    file(SHA256 "${file}" hash)
    set(${name} "${hash}" PARENT_SCOPE)
    set(${name}_epochs "${epochs}" PARENT_SCOPE)
endfunction()

train(alone 1)
foreach(run IN ITEMS "two;2" "four;4" "two_of_two;2;--replicas;2" "sharded;2;--sharded-optimizer" "sharded_of_two;4;--sharded-optimizer;--replicas;2")
    list(GET run 0 name)
    train(${run})
    if(NOT "${${name}}" STREQUAL "${alone}" OR NOT "${${name}_epochs}" STREQUAL "${alone_epochs}")
        message(FATAL_ERROR "${name}: expected the losses and the model of one process")
    endif()
endforeach()
