#!/bin/bash
# consumer.sh: programs that use an installed yolotrain, as their authors build them: by CMake and by pkg-config, with the shared
# and the static library, as C and as C++; each is run. With -Wall -Wextra -Werror; nothing else is taken from this project.
#
# usage: consumer.sh PREFIX FOLDER SOURCE[=ARGUMENTS]...      PREFIX: where it is installed; FOLDER: where to build
set -euo pipefail
prefix=$1 folder=$2
shift 2
libdir=$(dirname "$(find "$prefix/" -name libyolotrain.a)")
export PKG_CONFIG_PATH=$libdir/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export OMP_WAIT_POLICY=passive
CC=${CC:-cc} CXX=${CXX:-c++}
mkdir -p "$folder"
ways=0
try() { # what, program, source: runs it
    local arguments
    read -ra arguments <<<"${run[$3]}"
    "$2" "${arguments[@]}" >"$folder/out" 2>&1 || { echo "FAILED: $1: $2 exits with $?"; cat "$folder/out"; exit 1; }
    ways=$((ways + 1))
}

names=()
declare -A run
for given in "$@"; do
    source=${given%%=*}
    name=$(basename "$source")
    names+=("$name")
    run[$name]=""
    [[ $given != *=* ]] || run[$name]=${given#*=}
    cp "$source" "$folder/$name"
done

# ---- pkg-config ----

read -ra cflags <<<"$(pkg-config --cflags yolotrain)"
read -ra shared <<<"$(pkg-config --libs yolotrain)"
read -ra static <<<"$(pkg-config --libs yolotrain-static)"
[[ " ${cflags[*]} ${shared[*]} ${static[*]}" != *openmp* ]] || { echo "FAILED: OpenMP leaks into programs: ${cflags[*]} ${shared[*]}"; exit 1; }
for name in "${names[@]}"; do
    compiler=("$CC" -std=c99 -D_POSIX_C_SOURCE=200809L)
    [[ $name != *.cpp ]] || compiler=("$CXX" -std=c++11)
    "${compiler[@]}" -Wall -Wextra -pedantic-errors -Werror "${cflags[@]}" -c "$folder/$name" -o "$folder/object.o"
    for kind in shared static; do
        declare -n libraries=$kind
        "${compiler[0]}" "$folder/object.o" -o "$folder/program" "${libraries[@]}" -pthread
        try "$name, pkg-config, $kind" "$folder/program" "$name"
        linked=$(ldd "$folder/program")
        [[ $linked == *libyolotrain.so* ]] && linked=shared || linked=static
        [[ $linked == "$kind" ]] || { echo "FAILED: $name is linked with the $linked library instead of the $kind one"; exit 1; }
    done
done

# ---- CMake: a project of C alone, one of C++ alone ----

for language in C CXX; do
    for kind in shared static; do
        project=$folder/$language-$kind
        mkdir -p "$project"
        {
            echo "cmake_minimum_required(VERSION 3.16)"
            echo "project(consumer LANGUAGES $language)"
            echo "find_package(Threads REQUIRED)"
            echo "find_package(yolotrain 0.1 REQUIRED COMPONENTS $kind)"
            for name in "${names[@]}"; do
                [[ $name == *.c && $language == C || $name == *.cpp && $language == CXX ]] || continue
                program=${name//./_}
                echo "add_executable($program ../$name)"
                echo "target_link_libraries($program PRIVATE yolotrain::yolotrain Threads::Threads)"
            done
        } >"$project/CMakeLists.txt"
        cmake -S "$project" -B "$project/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_${language}_FLAGS="-Wall -Wextra -Werror" \
            >"$folder/log" 2>&1 && cmake --build "$project/build" >>"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
        for name in "${names[@]}"; do
            program=$project/build/${name//./_}
            [[ -e $program ]] || continue
            try "$name, CMake, $kind" "$program" "$name"
        done
    done
done
echo "${#names[@]} programs, built and run in $ways ways"
