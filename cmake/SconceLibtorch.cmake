# Sconce::libtorch: what a program needs that includes <sconce/libtorch.h>; the bridge itself is headers only.
#
# Sets Sconce_libtorch_FOUND, and Sconce_NOT_FOUND_MESSAGE where it is false.

# sconce_check_one_libtorch(<out>): in <out> what is wrong where libraries of two libtorches would be linked into one
# program, else nothing. TorchConfig.cmake of a wheel looks for libc10 with find_library(), which can find another
# libtorch's; such a program links, and dies when it starts.
function(sconce_check_one_libtorch out)
  set(${out} "" PARENT_SCOPE)
  get_target_property(locations torch IMPORTED_LOCATION)
  get_target_property(configurations torch IMPORTED_CONFIGURATIONS)
  foreach(configuration IN LISTS configurations)
    get_target_property(location torch IMPORTED_LOCATION_${configuration})
    list(APPEND locations ${location})
  endforeach()
  list(FILTER locations INCLUDE REGEX "^/")
  if(NOT locations)
    return()
  endif()
  list(GET locations 0 torch)
  file(REAL_PATH ${torch} torch)
  cmake_path(GET torch PARENT_PATH folder)
  foreach(library IN LISTS TORCH_LIBRARIES)
    if(NOT library MATCHES "^/.*/lib(c10|torch|caffe2)[^/]*$")
      continue()
    endif()
    file(REAL_PATH ${library} real)
    cmake_path(GET real PARENT_PATH other)
    if(NOT other STREQUAL folder)
      cmake_path(GET folder PARENT_PATH prefix)
      set(${out} "two libtorches would be mixed in one program: libtorch is ${torch}, but TorchConfig.cmake found \
${library}, which belongs to another one. Name the folder of libtorch itself, from which its CMake files find all of it: \
-DCMAKE_PREFIX_PATH=${prefix} (not torch.utils.cmake_prefix_path, and not Torch_DIR alone), and configure again" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

macro(sconce_find_libtorch)
  set(Sconce_libtorch_FOUND FALSE)
  find_package(Torch QUIET)
  if(NOT TARGET torch)
    set(Sconce_NOT_FOUND_MESSAGE "the component libtorch needs libtorch, which was not found. With the wheel of pip: \
-DCMAKE_PREFIX_PATH=<what python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))' prints>; Debian and \
Ubuntu: apt install libtorch-dev")
  else()
    sconce_check_one_libtorch(_sconce_mixed)
    if(_sconce_mixed)
      set(Sconce_NOT_FOUND_MESSAGE "${_sconce_mixed}")
      # Else the next try would find the wrong one in the cache.
      unset(c10_LIBRARY CACHE)
      unset(TORCH_LIBRARY CACHE)
      unset(kineto_LIBRARY CACHE)
    else()
      set(Sconce_libtorch_FOUND TRUE)
      if(NOT TARGET Sconce::libtorch)
        add_library(Sconce::libtorch INTERFACE IMPORTED)
        target_link_libraries(Sconce::libtorch INTERFACE Sconce::core ${TORCH_LIBRARIES})
        target_compile_features(Sconce::libtorch INTERFACE cxx_std_20)
      endif()
    endif()
  endif()
endmacro()
