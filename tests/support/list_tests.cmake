# Lists the tests of a Criterion program and writes one add_test() for each into LIST.
# Criterion exits with 0 after a sanitizer's report in a child process, and if its filter matches no
# test. ctest therefore fails a test that prints such a text.
cmake_policy(VERSION 3.22)
execute_process(COMMAND ${PROGRAM} --list --encoding=C --color=never
                OUTPUT_VARIABLE printed RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} --list failed: ${status}")
endif()
set(failures "Sanitizer:|runtime error:|Tested: 0 ")
string(REPLACE "\n" ";" lines "${printed}")
set(tests "")
foreach(line IN LISTS lines)
  if(line MATCHES "^([A-Za-z0-9_]+): [0-9]+ tests?$")
    set(suite ${CMAKE_MATCH_1})
  elseif(line MATCHES "^[^A-Za-z0-9_]+([A-Za-z0-9_]+)")
    set(test ${CMAKE_MATCH_1})
    set(entry "${NAME}.${suite}.${test}")
    string(APPEND tests
      "add_test([==[${entry}]==] [==[${PROGRAM}]==] --filter [==[${suite}/${test}]==] -j1 --verbose --color=never)\n"
      "set_tests_properties([==[${entry}]==] PROPERTIES TIMEOUT ${TIMEOUT} LABELS [==[${LABEL}]==]\n"
      "  FAIL_REGULAR_EXPRESSION [==[${failures}]==] SKIP_REGULAR_EXPRESSION [==[.SKIP. ${suite}::${test}:]==])\n")
  endif()
endforeach()
if(tests STREQUAL "")
  message(FATAL_ERROR "${PROGRAM} lists no test")
endif()
file(WRITE ${LIST} "${tests}")
