# Writes PROGRAM.cases.cmake, which ctest includes: a test NAME.case for every case that PROGRAM lists, NAME.suite.case where
# the suite is not named as the program. Criterion lists a suite's name, then its cases as leaves of a tree.
execute_process(COMMAND ${PROGRAM} --list OUTPUT_VARIABLE listed COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" lines "${listed}")
set(tests "")
foreach(line ${lines})
  if(line MATCHES "^([A-Za-z0-9_]+): [0-9]+ tests?")
    set(suite ${CMAKE_MATCH_1})
    set(prefix ${NAME})
    if(NOT NAME STREQUAL "test_${suite}")
      string(APPEND prefix ".${suite}")
    endif()
  elseif(line MATCHES "^[^A-Za-z0-9_]+([A-Za-z0-9_]+)")
    set(case ${CMAKE_MATCH_1})
    string(APPEND tests "add_test(${prefix}.${case} ${PROGRAM} --filter ${suite}/${case})\n"
      "set_tests_properties(${prefix}.${case} PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77"
      " ENVIRONMENT OMP_WAIT_POLICY=passive)\n")
  endif()
endforeach()
if(tests STREQUAL "")
  message(FATAL_ERROR "${PROGRAM} --list names no case:\n${listed}")
endif()
file(WRITE ${PROGRAM}.cases.cmake "${tests}")
