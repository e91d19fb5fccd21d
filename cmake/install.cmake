# Installs the libraries, their public headers and what find_package(dagrad) reads:
#
#   find_package(dagrad REQUIRED)
#   target_link_libraries(app PRIVATE dagrad::nn dagrad::optim)
if(NOT DAGRAD_INSTALL)
  return()
endif()

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(modules core ops optim nn)
list(TRANSFORM modules PREPEND dagrad_ OUTPUT_VARIABLE libraries)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/dagrad)

install(TARGETS ${libraries} EXPORT dagrad INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET dagrad)
  install(TARGETS dagrad)
endif()

# A header is public unless its first line ends with "Internal." or it is a part of kernels (-inl.h).
foreach(module IN LISTS modules)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/${module}/*.h)
  foreach(header IN LISTS headers)
    file(STRINGS ${PROJECT_SOURCE_DIR}/${header} first_line LIMIT_COUNT 1)
    if(NOT first_line MATCHES "Internal\\.$" AND NOT header MATCHES "-inl\\.h$")
      cmake_path(GET header PARENT_PATH folder)
      install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dagrad/${folder})
    endif()
  endforeach()
endforeach()

install(FILES ${PROJECT_SOURCE_DIR}/dagrad.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dagrad)

install(EXPORT dagrad FILE dagradTargets.cmake NAMESPACE dagrad:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/dagradConfig.cmake.in
  ${PROJECT_BINARY_DIR}/cmake/dagradConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/dagradConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/dagradConfig.cmake ${PROJECT_BINARY_DIR}/cmake/dagradConfigVersion.cmake
  DESTINATION ${package_dir})
