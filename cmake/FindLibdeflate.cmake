# Libdeflate::libdeflate: the static library where there is one (the command is one file), else the shared one. For a
# shared Sconce the shared one: the static one need not be position-independent.
find_path(Libdeflate_INCLUDE_DIR libdeflate.h)
if(BUILD_SHARED_LIBS)
  find_library(Libdeflate_LIBRARY NAMES deflate)
else()
  find_library(Libdeflate_LIBRARY NAMES libdeflate.a deflate)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libdeflate REQUIRED_VARS Libdeflate_LIBRARY Libdeflate_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Debian and Ubuntu: apt install libdeflate-dev")
if(Libdeflate_FOUND AND NOT TARGET Libdeflate::libdeflate)
  add_library(Libdeflate::libdeflate UNKNOWN IMPORTED)
  set_target_properties(Libdeflate::libdeflate PROPERTIES
    IMPORTED_LOCATION "${Libdeflate_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${Libdeflate_INCLUDE_DIR}")
endif()
mark_as_advanced(Libdeflate_INCLUDE_DIR Libdeflate_LIBRARY)
