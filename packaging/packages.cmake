# Debian packages. `cpack -G DEB` in the build folder makes meantime (the programs), libmeantimeN (the
# shared library; N is the version in its soname) and libmeantime-dev.
get_target_property(soversion meantime_shared SOVERSION)
set(soname libmeantime${soversion})
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR "the authors of meantime")
set(CPACK_PACKAGE_CONTACT "the authors of meantime <meantime@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL meantime libmeantime libmeantime-dev)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON) # so that dependent packages depend on libmeantimeN
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)

set(CPACK_DEBIAN_MEANTIME_PACKAGE_NAME meantime)
set(CPACK_DEBIAN_MEANTIME_PACKAGE_SECTION science)
set(CPACK_COMPONENT_MEANTIME_DESCRIPTION
  "Exact sums of random samples from other machines while this one computes
 Server, workers and command line.")

set(CPACK_DEBIAN_LIBMEANTIME_PACKAGE_NAME ${soname})
set(CPACK_DEBIAN_LIBMEANTIME_PACKAGE_SECTION libs)
set(CPACK_COMPONENT_LIBMEANTIME_DESCRIPTION
  "Hides the wait for remote work behind useful local work: the library")

set(CPACK_DEBIAN_LIBMEANTIME-DEV_PACKAGE_NAME libmeantime-dev)
set(CPACK_DEBIAN_LIBMEANTIME-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBMEANTIME-DEV_PACKAGE_DEPENDS
  "${soname} (= ${PROJECT_VERSION}), libzmq3-dev, libprotobuf-c-dev")
set(CPACK_COMPONENT_LIBMEANTIME-DEV_DESCRIPTION
  "Hides the wait for remote work behind useful local work: headers and static library")

foreach(pair meantime:meantime libmeantime:${soname} libmeantime-dev:libmeantime-dev)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 component)
  list(GET pair 1 package)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package}
          RENAME copyright COMPONENT ${component})
endforeach()

# zsh of Debian looks here, not in site-functions below /usr.
install(FILES ${PROJECT_SOURCE_DIR}/cli/completions/_meantime
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT meantime)

include(CPack)
