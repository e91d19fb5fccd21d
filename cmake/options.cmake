# What a builder may choose. A project that includes dagrad gets the libraries alone.
option(DAGRAD_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(DAGRAD_BUILD_BENCHMARKS "Build the benchmarks" ${PROJECT_IS_TOP_LEVEL})
option(DAGRAD_BUILD_TOOLS "Build the dagrad program" ${PROJECT_IS_TOP_LEVEL})
option(DAGRAD_TEST_LIBTORCH "Build the comparison with libtorch" OFF)
option(DAGRAD_INSTALL "Install the libraries with their headers and CMake package" ${PROJECT_IS_TOP_LEVEL})
option(DAGRAD_WERROR "Treat warnings as errors" OFF)
set(DAGRAD_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
option(DAGRAD_COVERAGE "Record line coverage" OFF)

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
  endif()
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  find_program(DAGRAD_CCACHE ccache)
  if(DAGRAD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # Paths relative to the checkout, so that one checkout finds in the cache what another has compiled.
    set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${DAGRAD_CCACHE})
  endif()
endif()
