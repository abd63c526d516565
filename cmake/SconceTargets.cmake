# Rooms, tests and fuzzers: every folder is one target, and its files are found, so that adding a file is all it takes.

add_library(sconce_options INTERFACE)
target_compile_features(sconce_options INTERFACE cxx_std_20)
target_compile_options(sconce_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual
  -Wcast-align -Wformat=2 -Wimplicit-fallthrough -Wno-missing-field-initializers)
if(SCONCE_WARNINGS_AS_ERRORS)
  target_compile_options(sconce_options INTERFACE -Werror)
endif()
if(SCONCE_SANITIZERS)
  # For everything, tests and third-party headers alike: a mix gives false alarms.
  add_compile_options(-fsanitize=${SCONCE_SANITIZERS} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${SCONCE_SANITIZERS})
endif()
target_include_directories(sconce_options INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)

# sconce_room(<room> [USES <room or target>...]): the folder src/<room> as the static library sconce_<room with _ for />.
function(sconce_room room)
  cmake_parse_arguments(arg "" "" "USES" ${ARGN})
  string(REPLACE "/" "_" name ${room})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${room}/*.cc)
  if(NOT sources)
    add_library(sconce_${name} INTERFACE)
    target_link_libraries(sconce_${name} INTERFACE sconce_options)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY SCONCE_ROOMS sconce_${name})
  add_library(sconce_${name} STATIC ${sources})
  set_target_properties(sconce_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(sconce_${name} PRIVATE sconce_options)
  foreach(use ${arg_USES})
    if(TARGET sconce_${use})
      target_link_libraries(sconce_${name} PUBLIC sconce_${use})
    else()
      target_link_libraries(sconce_${name} PUBLIC ${use})
    endif()
  endforeach()
endfunction()
