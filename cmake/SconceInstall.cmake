# What `cmake --install` gives: the library and its headers, find_package(Sconce), sconce.pc, the command, its manual
# pages and completions, and the licence. Component `development` is what a C++ program needs.
install(TARGETS sconce EXPORT SconceTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/sconce DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
  FILES_MATCHING PATTERN "*.h")

set(_package ${CMAKE_INSTALL_LIBDIR}/cmake/Sconce)
install(EXPORT SconceTargets NAMESPACE Sconce:: DESTINATION ${_package} COMPONENT development)
if(BUILD_SHARED_LIBS)
  set(SCONCE_IS_STATIC FALSE)
else()
  set(SCONCE_IS_STATIC TRUE)
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/SconceConfig.cmake.in ${PROJECT_BINARY_DIR}/SconceConfig.cmake
  INSTALL_DESTINATION ${_package})
# Before 1.0 a minor release may change the API (docs/versioning.md).
write_basic_package_version_file(${PROJECT_BINARY_DIR}/SconceConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/SconceConfig.cmake ${PROJECT_BINARY_DIR}/SconceConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FindLibdeflate.cmake ${CMAKE_CURRENT_LIST_DIR}/SconceLibtorch.cmake DESTINATION ${_package} COMPONENT development)

# The prefix is found from where sconce.pc lies, so that a tree that was moved, or staged, works.
file(RELATIVE_PATH SCONCE_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${CMAKE_CURRENT_LIST_DIR}/sconce.pc.in ${PROJECT_BINARY_DIR}/sconce.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/sconce.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT development)

if(NOT TARGET sconce_command OR CMAKE_CROSSCOMPILING)
  return()
endif()

# sconce_generated(<file> <where> <argument>...): what the command prints for these arguments, installed in <where>.
function(sconce_generated name where)
  set(output ${PROJECT_BINARY_DIR}/generated/${name})
  string(JOIN " " arguments ${ARGN})
  add_custom_command(OUTPUT ${output} VERBATIM DEPENDS sconce_command
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/generated
    COMMAND sh -c "\"$0\" ${arguments} > \"$1\"" $<TARGET_FILE:sconce_command> ${output})
  install(FILES ${output} DESTINATION ${where})
  set_property(GLOBAL APPEND PROPERTY SCONCE_GENERATED ${output})
endfunction()

sconce_generated(sconce.1 ${CMAKE_INSTALL_MANDIR}/man1 man)
foreach(_command inspect verify convert check devices load diff get)
  sconce_generated(sconce-${_command}.1 ${CMAKE_INSTALL_MANDIR}/man1 man ${_command})
endforeach()
sconce_generated(sconce ${CMAKE_INSTALL_DATADIR}/bash-completion/completions completion bash)
sconce_generated(_sconce ${CMAKE_INSTALL_DATADIR}/zsh/site-functions completion zsh)
sconce_generated(sconce.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d completion fish)
get_property(_generated GLOBAL PROPERTY SCONCE_GENERATED)
add_custom_target(sconce_generated ALL DEPENDS ${_generated})
