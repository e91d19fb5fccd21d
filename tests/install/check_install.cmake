# Installs the build into a folder of its own and builds and runs a project that finds it there; then configures the
# same project with dagrad's sources inside. Wants: build, source, scratch, compiler.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(consumer ${CMAKE_CURRENT_LIST_DIR}/consumer)
set(configure ${CMAKE_COMMAND} -S ${consumer} -G Ninja -D CMAKE_CXX_COMPILER=${compiler})
set(prefix ${scratch}/prefix)
file(REMOVE_RECURSE ${scratch})

run(${CMAKE_COMMAND} --install ${build} --prefix ${prefix})

foreach(file bin/dagrad share/man/man1/dagrad.1 share/bash-completion/completions/dagrad
    share/zsh/site-functions/_dagrad)
  if(NOT EXISTS ${prefix}/${file})
    message(FATAL_ERROR "not installed: ${file}")
  endif()
endforeach()

file(GLOB_RECURSE headers RELATIVE ${prefix}/include ${prefix}/include/*.h)
list(TRANSFORM headers REPLACE "(.+)" "#include \"\\1\"\n")
list(JOIN headers "" includes)
file(WRITE ${scratch}/all_headers.cpp "${includes}")

run(${configure} -B ${scratch}/installed -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_FIND_USE_PACKAGE_REGISTRY=OFF
  -D DAGRAD_ALL_HEADERS=${scratch}/all_headers.cpp)
run(${CMAKE_COMMAND} --build ${scratch}/installed)
run(${scratch}/installed/consumer)

# Building everything once more would show nothing new: that the project generates shows that all is found.
run(${configure} -B ${scratch}/embedded -D DAGRAD_SOURCE_DIR=${source})
run(${CMAKE_COMMAND} --build ${scratch}/embedded -- -n consumer)
file(GLOB programs ${scratch}/embedded/dagrad/tests ${scratch}/embedded/dagrad/tools ${scratch}/embedded/dagrad/benchmarks)
if(programs)
  message(FATAL_ERROR "inside another project dagrad builds more than its libraries: ${programs}")
endif()
