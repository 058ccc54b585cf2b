# SPDX-License-Identifier: MIT

# together(<name> <files> <result>): one source of several, each in a namespace of its own, so that headers are read and
# templates instantiated once. What they include stands in front, where nothing is left of it in their namespaces.
function(together name files result)
    set(includes "")
    set(namespaces "")
    foreach(file IN LISTS files)
        file(STRINGS "${file}" lines REGEX "^#include ")
        cmake_path(GET file PARENT_PATH directory)
        list(TRANSFORM lines REPLACE "^#include \"" "#include \"${directory}/")
        list(APPEND includes ${lines})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
        cmake_path(GET file STEM namespace)
        string(APPEND namespaces "namespace ${namespace}_cpp {\n#include \"${file}\"\n}\n")
    endforeach()
    list(REMOVE_DUPLICATES includes)
    list(JOIN includes "\n" includes)
    set(source "${CMAKE_CURRENT_BINARY_DIR}/together/${name}.cpp")
    file(CONFIGURE OUTPUT "${source}" CONTENT "${includes}\n${namespaces}" @ONLY)
    set(${result} "${source}" PARENT_SCOPE)
endfunction()
