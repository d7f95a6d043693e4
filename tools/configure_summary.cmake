# What configuring found. Every optional part is reported with yt_found or yt_missing; yt_summary prints them all at the end,
# so that nothing is missing unnoticed.
set_property(GLOBAL PROPERTY YT_SUMMARY "")

function(yt_found part gives)
  set_property(GLOBAL APPEND_STRING PROPERTY YT_SUMMARY "\n--   found    ${part}: ${gives}")
endfunction()

function(yt_missing part costs remedy) # remedy: a Debian package, or an option of CMake
  if(NOT remedy MATCHES "^-D")
    set(remedy "apt-get install ${remedy}")
  endif()
  set_property(GLOBAL APPEND_STRING PROPERTY YT_SUMMARY "\n--   missing  ${part}: ${costs} (${remedy})")
endfunction()

function(yt_summary)
  get_property(parts GLOBAL PROPERTY YT_SUMMARY)
  if(CMAKE_BUILD_TYPE)
    set(type ", ${CMAKE_BUILD_TYPE}")
  endif()
  message(STATUS "yolotrain ${yolotrain_VERSION}${type}${parts}")
endfunction()
