# cmake -D program=... -D output=... -P discover_suites.cmake: one ctest entry for each suite of a GoogleTest program.
# An entry for each of its thousands of tests, as gtest_discover_tests makes, would start the program as often.
execute_process(COMMAND ${program} --gtest_list_tests OUTPUT_VARIABLE list COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "(^|\n)[^ \n][^ \n]*\\." suites "${list}")
set(tests "")
foreach(suite IN LISTS suites)
  string(REGEX REPLACE "^\n|\\.$" "" suite "${suite}")
  string(APPEND tests "add_test(\"OpTable.${suite}\" \"${program}\" \"--gtest_filter=${suite}.*\" --gtest_brief=1)\n")
  # Threads that wait must not spin: ctest runs as many programs as there are cores.
  string(APPEND tests "set_tests_properties(\"OpTable.${suite}\" PROPERTIES ENVIRONMENT OMP_WAIT_POLICY=passive)\n")
endforeach()
file(WRITE ${output} "${tests}")
