#!/bin/bash
# A project that takes this one in, by add_subdirectory and by FetchContent: configured for real, with the flags of a distribution.
# It gets the library and nothing else (no tests, programs or rules to install), keeps its own flags and build type, and its
# sources are compiled without what the library needs for itself.
#
# usage: test_subproject.sh [--build]        --build: build and run it, too, with every optional part left out
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() {
    echo "FAILED: $*"
    exit 1
}
flags="-O1 -g -fstack-protector-strong -Wformat -Werror=format-security -Wdate-time -D_FORTIFY_SOURCE=2"
export CFLAGS=$flags

configure() { # how the project is taken in, options...
    local how=$1
    shift
    mkdir -p "$folder/app"
    cat >"$folder/app/CMakeLists.txt" <<EOF
cmake_minimum_required(VERSION 3.25)
project(app LANGUAGES C VERSION 7.8.9)
enable_testing()
$how
add_executable(app "$here/version.c")
target_link_libraries(app PRIVATE yolotrain::yolotrain)
EOF
    rm -rf "$folder/build"
    "${CMAKE:-cmake}" -S "$folder/app" -B "$folder/build" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "$@" >"$folder/log" 2>&1 || {
        cat "$folder/log"
        fail "$how: cannot be configured"
    }
}

check() { # what it is
    "${CMAKE:-cmake}" --build "$folder/build" --target help >"$folder/targets"
    # Names of targets, "... NAME" or "NAME: phony"; objects are listed too, by paths in which anything may occur.
    local more
    more=$(grep -E '^(\.\.\. )?(yolotrain|yoloinfer|test_[a-z_]+|fuzz_[a-z_]+|bench_step|render_dataset|yt_shared|yt_documents)(:| |$)' \
        "$folder/targets" | head -3) || true
    [[ -z $more ]] || fail "$1: builds more than the library: $more"
    [[ $(ctest --test-dir "$folder/build" -N 2>&1) == *"Total Tests: 0"* ]] || fail "$1: brings tests"
    grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=$' "$folder/build/CMakeCache.txt" || fail "$1: chooses the build type of the project around it"
    app=$(grep 'package/version.c.o -c' "$folder/build/compile_commands.json")
    ! grep -qE 'openmp|jpeg|-Wconversion|POSIX_C_SOURCE|YT_|std=' <<<"$app" || fail "$1: leaks into other sources: $app"
    library=$(grep 'src/base/status.c.o -c\|src/base/version.c.o -c' "$folder/build/compile_commands.json" | head -1)
    [[ $library == *"$flags"* ]] || fail "$1: does not keep CFLAGS: $library"
    [[ $library != *-O3* ]] || fail "$1: sets its own optimisation: $library"
    [[ $library == *-UNDEBUG* ]] || fail "$1: asserts are left out: $library"
    echo "$1: good"
}

configure "add_subdirectory(\"$source\" yolotrain)"
check add_subdirectory
configure "include(FetchContent)
FetchContent_Declare(yolotrain SOURCE_DIR \"$source\")
FetchContent_MakeAvailable(yolotrain)" -DYT_OPENMP=OFF -DYT_LIBJPEG=OFF -DYT_LIBWEBP=OFF -DYT_LIBTIFF=OFF -DYT_LIBHEIF=OFF
check FetchContent
[[ ${1:-} == --build ]] || exit 0
"${CMAKE:-cmake}" --build "$folder/build" -j "$(nproc)" >"$folder/log" 2>&1 || {
    tail -n 40 "$folder/log"
    fail "cannot be built"
}
! grep 'warning:' "$folder/log" || fail "warnings"
"$folder/build/app"
! ldd "$folder/build/app" | grep -E 'gomp|jpeg|webp|tiff|heif' || fail "is linked with what was left out"
