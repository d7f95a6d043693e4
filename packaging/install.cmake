# install.cmake: what `cmake --install` puts where, and the packages that cpack makes of it.
#
# Components: programs (with the models, starter data, manual pages, completions and documents), runtime (the shared library),
# dev (headers, the static library, and what CMake and pkg-config need to know).
set(share ${CMAKE_INSTALL_DATADIR}/yolotrain)
set(config ${CMAKE_INSTALL_LIBDIR}/cmake/yolotrain)

# ---- libraries ----

set(YT_PRIVATE_LIBRARIES pthread m)
if(YT_OPENMP)
  list(PREPEND YT_PRIVATE_LIBRARIES ${OpenMP_C_LIB_NAMES})
  list(REMOVE_DUPLICATES YT_PRIVATE_LIBRARIES)
endif()

list(JOIN YT_REQUIRES " " requires)

set_target_properties(yt PROPERTIES EXPORT_NAME static)
install(TARGETS yt EXPORT yolotrain-static ARCHIVE COMPONENT dev)
install(EXPORT yolotrain-static NAMESPACE yolotrain:: DESTINATION ${config} COMPONENT dev)
if(YT_SHARED_LIBRARY)
  set_target_properties(yt_shared PROPERTIES EXPORT_NAME shared)
  install(TARGETS yt_shared EXPORT yolotrain-shared LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev)
  install(EXPORT yolotrain-shared NAMESPACE yolotrain:: DESTINATION ${config} COMPONENT dev)
endif()
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev FILES_MATCHING PATTERN "*.h")

include(CMakePackageConfigHelpers)
configure_package_config_file(packaging/yolotrain-config.cmake.in packaging/yolotrain-config.cmake
  INSTALL_DESTINATION ${config} NO_SET_AND_CHECK_MACRO)
if(yolotrain_VERSION_MAJOR EQUAL 0)
  set(compatible SameMinorVersion) # as the SOVERSION
else()
  set(compatible SameMajorVersion)
endif()
write_basic_package_version_file(packaging/yolotrain-config-version.cmake COMPATIBILITY ${compatible})
install(FILES ${PROJECT_BINARY_DIR}/packaging/yolotrain-config.cmake ${PROJECT_BINARY_DIR}/packaging/yolotrain-config-version.cmake
  DESTINATION ${config} COMPONENT dev)

# yolotrain.pc is that of the shared library, and with pkg-config --static of a world in which everything is static;
# yolotrain-static.pc links this library as it is, and what it needs by shared ones. The prefix is found from where the file
# is, so that a tree that was moved or unpacked elsewhere works.
file(RELATIVE_PATH YT_PREFIX_FROM_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" YT_PREFIX_FROM_PC ${YT_PREFIX_FROM_PC})
list(TRANSFORM YT_PRIVATE_LIBRARIES PREPEND -l OUTPUT_VARIABLE libs)
list(JOIN libs " " libs)
function(write_pc name)
  configure_file(packaging/yolotrain.pc.in packaging/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/packaging/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endfunction()
set(pc_needs "Requires: ${requires}\nLibs: \${libdir}/libyolotrain.a ${libs}")
write_pc(yolotrain-static)
if(YT_SHARED_LIBRARY)
  set(pc_needs "Requires.private: ${requires}\nLibs: -L\${libdir} -lyolotrain\nLibs.private: ${libs}")
endif()
write_pc(yolotrain)

# ---- programs ----

# document(FILE FORMAT FOLDER NAME): the program's table of options in a format of --help, made when it is built.
function(document program format folder name)
  set(file ${PROJECT_BINARY_DIR}/packaging/${format}/${name})
  add_custom_command(OUTPUT ${file} VERBATIM DEPENDS ${program}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/packaging/${format}
    COMMAND ${program} --help=${format} > ${file})
  set_property(GLOBAL APPEND PROPERTY YT_DOCUMENTS ${file})
  install(FILES ${file} DESTINATION ${folder} COMPONENT programs)
endfunction()
if(YT_PROGRAMS)
  install(TARGETS ${YT_PROGRAM_NAMES} RUNTIME COMPONENT programs)
  foreach(program ${YT_PROGRAM_NAMES})
    document(${program} man ${CMAKE_INSTALL_MANDIR}/man1 ${program}.1)
    document(${program} bash ${CMAKE_INSTALL_DATADIR}/bash-completion/completions ${program})
    document(${program} zsh ${CMAKE_INSTALL_DATADIR}/zsh/site-functions _${program})
    document(${program} fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d ${program}.fish)
  endforeach()
  get_property(documents GLOBAL PROPERTY YT_DOCUMENTS)
  add_custom_target(yt_documents ALL DEPENDS ${documents})
  install(DIRECTORY models DESTINATION ${share} COMPONENT programs)
  install(DIRECTORY data DESTINATION ${share} COMPONENT programs PATTERN "*.md" EXCLUDE)
  # README.md names the others by their places beside it.
  install(FILES README.md CHANGELOG.md SECURITY.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs)
  install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs FILES_MATCHING PATTERN "*.md")
  install(FILES data/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/data COMPONENT programs)
endif()

# ---- packages: cpack, with cmake -DCMAKE_INSTALL_PREFIX=/usr ----

set(YT_MAINTAINER "The yolotrain authors <yolotrain@packages.invalid>" CACHE STRING "who makes the .deb packages: Name <address>")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME yolotrain)
set(CPACK_PACKAGE_VENDOR yolotrain)
set(CPACK_PACKAGE_CONTACT ${YT_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/packaging/deb_documents.cmake)

list(JOIN YT_DEV_PACKAGES ", " dev_packages)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libyolotrain-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libc6-dev, ${dev_packages}")
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "cmake, pkg-config")
set(CPACK_COMPONENT_DEV_DESCRIPTION 
  "Headers, the static library, and the files by which CMake and pkg-config find
the library.")
if(YT_SHARED_LIBRARY)
  list(APPEND CPACK_COMPONENTS_ALL runtime)
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libyolotrain${YT_SOVERSION})
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
  set(CPACK_COMPONENT_RUNTIME_DESCRIPTION 
  "The shared library, which runs and trains small object detectors (YOLOv8,
YOLO11, YOLO26 and others) on the processor.")
  string(APPEND CPACK_DEBIAN_DEV_PACKAGE_DEPENDS ", ${CPACK_DEBIAN_RUNTIME_PACKAGE_NAME} (= ${yolotrain_VERSION})")
endif()
if(YT_PROGRAMS)
  list(APPEND CPACK_COMPONENTS_ALL programs)
  set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME yolotrain)
  set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION science)
  set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SUGGESTS gnuplot-nox)
  set(CPACK_COMPONENT_PROGRAMS_DESCRIPTION 
  "Trains, fine-tunes, measures and runs small object detectors (YOLOv8, YOLO11,
YOLO26 and others) on the processor, and compares variants of a network by
the flow of their gradients. Models and a small dataset to begin with are
included.")
endif()
include(CPack)
