# Writes OUTPUT, a C file with helper_build: a digest of the files SOURCES and of the text COMPILER.
set(digests "${COMPILER}")
foreach(source IN LISTS SOURCES)
  file(SHA256 ${source} digest)
  string(APPEND digests " ${digest}")
endforeach()
string(SHA256 build "${digests}")
string(SUBSTRING ${build} 0 16 build)
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[/* Written by helper_build.cmake. */
#include "summand/helper_program.h"

const char helper_build[] = "@build@";
]] @ONLY)
