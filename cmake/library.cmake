# dagrad_flags(target): the language level, the warnings and the instrumentation that all of dagrad is built with.
function(dagrad_flags target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  # No contraction into fused multiply-adds behind our back: rounding errors stay countable and results equal.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -ffp-contract=off
    $<$<BOOL:${DAGRAD_WERROR}>:-Werror>)
  if(DAGRAD_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${DAGRAD_SANITIZE} -fno-sanitize-recover=all
      -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${DAGRAD_SANITIZE})
  endif()
  if(DAGRAD_COVERAGE)
    target_compile_options(${target} PUBLIC --coverage)
    target_link_options(${target} PUBLIC --coverage)
  endif()
endfunction()

# dagrad_library(core LINK ...): the library dagrad::core from every .cpp below this folder; its headers are
# included as <dagrad/core/...>.
function(dagrad_library module)
  cmake_parse_arguments(arg "" "" "LINK;LINK_PRIVATE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp *.h)
  if(NOT sources)
    add_library(dagrad_${module} INTERFACE)
    add_library(dagrad::${module} ALIAS dagrad_${module})
    return()
  endif()
  add_library(dagrad_${module} ${sources})
  add_library(dagrad::${module} ALIAS dagrad_${module})
  set_target_properties(dagrad_${module} PROPERTIES EXPORT_NAME ${module})
  dagrad_flags(dagrad_${module})
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include/dagrad)
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/include/dagrad/${module} SYMBOLIC)
  target_include_directories(dagrad_${module} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_link_libraries(dagrad_${module} PUBLIC ${arg_LINK} PRIVATE ${arg_LINK_PRIVATE})
endfunction()

# dagrad_program(name sources... LINK ...): a program in bin/.
function(dagrad_program name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  dagrad_flags(${name})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
endfunction()
