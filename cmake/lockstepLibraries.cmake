# SPDX-License-Identifier: MIT
# The optional libraries, found in the same way in this project's own build and by an installed copy, on the
# machine that builds: a header-only library has nothing to remember of where it was installed.

# Gives `target` what LOCKSTEP_ONEDNN, LOCKSTEP_ZLIB, LOCKSTEP_PNG and LOCKSTEP_TURBOJPEG ask for: AUTO takes a library
# where it is found, ON demands it, OFF leaves it out. Sets lockstep_onednn_FOUND and so on, and lockstep_MISSING to
# a message if one that was demanded is missing.
function(lockstep_use_libraries target)
    set(missing "")
    foreach(name IN ITEMS oneDNN ZLIB PNG TurboJPEG)
        string(TOUPPER "LOCKSTEP_${name}" option)
        string(TOLOWER "lockstep_${name}" found)
        string(APPEND found _FOUND)
        set(${found} OFF)
        set(choice "${${option}}")
        if(choice STREQUAL "AUTO" OR choice)
            # Global: the targets that link lockstep may stand in any directory of the project that adds it.
            find_package(${name} MODULE QUIET GLOBAL)
            if(${name}_FOUND)
                set(${found} ON)
                target_link_libraries(${target} INTERFACE $<BUILD_INTERFACE:${name}::${name}>)
                string(TOUPPER "LOCKSTEP_WITH_${name}" macro)
                target_compile_definitions(${target} INTERFACE $<BUILD_INTERFACE:${macro}=1>)
            elseif(NOT choice STREQUAL "AUTO")
                string(APPEND missing "lockstep: ${option} is ${choice}, but ${name} was not found")
                string(APPEND missing " (AUTO does without it, CMAKE_PREFIX_PATH says where to look). ")
            endif()
        endif()
        if(NOT lockstep_FIND_QUIETLY)
            message(STATUS "lockstep: ${name} ${${found}} (${option}=${choice})")
        endif()
        set(${found} ${${found}} PARENT_SCOPE)
    endforeach()
    set(lockstep_MISSING "${missing}" PARENT_SCOPE)
endfunction()

# Adds the target lockstep::mpi, which is lockstep::lockstep and MPI, as `choice` asks for. Apart, because programs of
# one process don't link MPI. Sets lockstep_mpi_FOUND, and adds to lockstep_MISSING.
function(lockstep_add_mpi choice)
    set(found OFF)
    if(choice STREQUAL "AUTO" OR choice)
        find_package(MPI MODULE QUIET COMPONENTS CXX GLOBAL)
        if(MPI_CXX_FOUND)
            set(found ON)
            if(NOT TARGET lockstep::mpi)
                add_library(lockstep::mpi INTERFACE IMPORTED GLOBAL)
                target_link_libraries(lockstep::mpi INTERFACE lockstep::lockstep MPI::MPI_CXX)
            endif()
        elseif(NOT choice STREQUAL "AUTO")
            string(APPEND lockstep_MISSING "lockstep: LOCKSTEP_MPI is ${choice}, but MPI was not found")
            string(APPEND lockstep_MISSING " (AUTO does without it, MPI_HOME says where to look). ")
            set(lockstep_MISSING "${lockstep_MISSING}" PARENT_SCOPE)
        endif()
        if(NOT lockstep_FIND_QUIETLY)
            message(STATUS "lockstep: MPI ${found} (LOCKSTEP_MPI=${choice})")
        endif()
    endif()
    set(lockstep_mpi_FOUND ${found} PARENT_SCOPE)
endfunction()

# Adds the target lockstep::cuda, which is lockstep::lockstep, CUDA's runtime and cuBLASLt, as `choice` asks for. Apart,
# because programs without it need no CUDA. Sets lockstep_cuda_FOUND, and adds to lockstep_MISSING. It is for C++
# sources as for those that nvcc compiles; these link one runtime alone where CUDA_RUNTIME_LIBRARY is Shared. With NCCL,
# as `nccl_choice` asks for, which sets lockstep_nccl_FOUND.
function(lockstep_add_cuda choice nccl_choice)
    set(found OFF)
    set(nccl_found OFF)
    if(choice STREQUAL "AUTO" OR choice)
        find_package(CUDAToolkit 12.0 MODULE QUIET GLOBAL)
        if(CUDAToolkit_FOUND AND TARGET CUDA::cudart AND TARGET CUDA::cublasLt AND TARGET CUDA::nvtx3)
            set(found ON)
            if(NOT TARGET lockstep::cuda)
                add_library(lockstep::cuda INTERFACE IMPORTED GLOBAL)
                target_link_libraries(lockstep::cuda INTERFACE
                    lockstep::lockstep CUDA::cudart CUDA::cublasLt CUDA::nvtx3)
                # CMake 3.25 knows no cuda_std_20. Constexpr functions are what kernels are made of.
                target_compile_options(lockstep::cuda INTERFACE
                    $<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:-std=c++20>
                    $<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:--expt-relaxed-constexpr>)
            endif()
            if(nccl_choice STREQUAL "AUTO" OR nccl_choice)
                find_package(NCCL 2.18 MODULE QUIET GLOBAL)
                if(NCCL_FOUND)
                    set(nccl_found ON)
                    target_link_libraries(lockstep::cuda INTERFACE NCCL::NCCL)
                    target_compile_definitions(lockstep::cuda INTERFACE LOCKSTEP_WITH_NCCL=1)
                elseif(NOT nccl_choice STREQUAL "AUTO")
                    string(APPEND lockstep_MISSING "lockstep: LOCKSTEP_NCCL is ${nccl_choice}, but NCCL 2.18 or later was not found")
                    string(APPEND lockstep_MISSING " (AUTO does without it, CMAKE_PREFIX_PATH says where to look). ")
                    set(lockstep_MISSING "${lockstep_MISSING}" PARENT_SCOPE)
                endif()
            endif()
        elseif(NOT choice STREQUAL "AUTO")
            string(APPEND lockstep_MISSING "lockstep: LOCKSTEP_CUDA is ${choice}, but CUDA 12 or later with cuBLASLt")
            string(APPEND lockstep_MISSING " was not found")
            string(APPEND lockstep_MISSING " (AUTO does without it, CUDAToolkit_ROOT says where to look). ")
            set(lockstep_MISSING "${lockstep_MISSING}" PARENT_SCOPE)
        endif()
        if(NOT lockstep_FIND_QUIETLY)
            message(STATUS "lockstep: CUDA ${found} (LOCKSTEP_CUDA=${choice}), NCCL ${nccl_found} (LOCKSTEP_NCCL=${nccl_choice})")
        endif()
        set(lockstep_nvcc "${CUDAToolkit_NVCC_EXECUTABLE}" PARENT_SCOPE)
    endif()
    set(lockstep_cuda_FOUND ${found} PARENT_SCOPE)
    set(lockstep_nccl_FOUND ${nccl_found} PARENT_SCOPE)
endfunction()

list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")
