# SPDX-License-Identifier: MIT
# Finds oneDNN with its OpenMP runtime and defines oneDNN::oneDNN.
#
# Not through oneDNN's own package file: Debian's stops the whole configuration where OpenCL's headers are
# missing, which nothing here needs, and no package file names the OpenMP runtime, whose omp_set_num_threads
# keeps a replica on one thread.

find_path(oneDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
find_library(oneDNN_LIBRARY dnnl)
mark_as_advanced(oneDNN_INCLUDE_DIR oneDNN_LIBRARY)

if(oneDNN_INCLUDE_DIR AND oneDNN_LIBRARY AND NOT DEFINED CACHE{oneDNN_OPENMP})
    # The runtime that oneDNN itself was linked with; Intel's builds use iomp5.
    include(CheckCXXSourceCompiles)
    set(CMAKE_REQUIRED_INCLUDES "${oneDNN_INCLUDE_DIR}")
    set(CMAKE_REQUIRED_QUIET ON)
    foreach(openmp IN ITEMS gomp iomp5 omp)
        set(CMAKE_REQUIRED_LIBRARIES "${oneDNN_LIBRARY}" ${openmp})
        check_cxx_source_compiles([[
            #include <oneapi/dnnl/dnnl.hpp>
            extern "C" void omp_set_num_threads(int);
            #if DNNL_CPU_THREADING_RUNTIME != DNNL_RUNTIME_OMP
            #error "oneDNN was built without OpenMP"
            #endif
            int main() { omp_set_num_threads(dnnl_version()->major); }
        ]] oneDNN_WITH_${openmp})
        if(oneDNN_WITH_${openmp})
            set(oneDNN_OPENMP ${openmp} CACHE INTERNAL "OpenMP runtime to link beside oneDNN")
            break()
        endif()
    endforeach()
    unset(CMAKE_REQUIRED_INCLUDES)
    unset(CMAKE_REQUIRED_LIBRARIES)
    unset(CMAKE_REQUIRED_QUIET)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(oneDNN REQUIRED_VARS oneDNN_LIBRARY oneDNN_INCLUDE_DIR oneDNN_OPENMP)

if(oneDNN_FOUND AND NOT TARGET oneDNN::oneDNN)
    add_library(oneDNN::oneDNN UNKNOWN IMPORTED)
    set_target_properties(oneDNN::oneDNN PROPERTIES
        IMPORTED_LOCATION "${oneDNN_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${oneDNN_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES "${oneDNN_OPENMP}")
endif()
