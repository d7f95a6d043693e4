#!/usr/bin/env bash
# check_symbols.sh: what the libraries of a build export.
#
#   tools/check_symbols.sh [build folder]
#
# The shared library exports the functions that include/ declares with YT_API, those and no other. Every global symbol of the
# static library, in which nothing can be hidden from a program's own, begins with yti_, or it is one of these functions.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
bad=0

# Headers go through the preprocessor, so that neither a comment nor a line break hides a declaration.
declared() {
    local header
    while read -r header; do echo "#include \"${header#include/}\""; done < <(find include -name '*.h' | sort) |
        "${CC:-cc}" -E -P -Iinclude -x c - | tr '\n' ' ' | tr ';' '\n' |
        sed -nE 's/.*__attribute__\(\(visibility\("default"\)\)\)(.*)/\1/p' |
        sed -E 's/__attribute__ *\(\(.*//; s/[[:space:]]*\(.*//; s/.*[^A-Za-z0-9_]//' | sort -u
}

complain() { # what, names
    [[ -n $2 ]] || return 0
    echo "$1: ${2//$'\n'/ }" >&2
    bad=1
}

without() { comm -23 <(echo "$1") <(echo "$2"); } # the lines of $1 that $2 lacks

api=$(declared)
[[ -n $api ]] || { echo "check_symbols.sh: no YT_API function is found in include/" >&2; exit 1; }
complain "include/ declares functions whose names do not begin with yt_" "$(grep -v '^yt_' <<<"$api" || true)"

statics=$(nm --defined-only --extern-only "$build/libyolotrain.a" | awk 'NF == 3 && $2 !~ /^[VWvwu]$/ { print $3 }' |
    grep -vE '^__(asan|odr_asan|ubsan|sanitizer|tsan)|^\.L' | sort -u)
complain "libyolotrain.a has global symbols that are neither yti_ nor declared with YT_API" \
    "$(without "$statics" "$api" | grep -v '^yti_' || true)"
complain "libyolotrain.a lacks what include/ declares" "$(without "$api" "$statics")"

if [[ -e $build/libyolotrain.so ]]; then
    exported=$(nm --dynamic --defined-only "$build/libyolotrain.so" | awk '{ print $3 }' |
        grep -vE '^__(asan|odr_asan|ubsan|sanitizer)' | sort -u)
    complain "libyolotrain.so exports what is not declared with YT_API" "$(without "$exported" "$api")"
    complain "libyolotrain.so does not export what include/ declares" "$(without "$api" "$exported")"
    soname=$(objdump -p "$build/libyolotrain.so" | awk '$1 == "SONAME" { print $2 }')
else
    soname="no shared library"
fi
((bad == 0)) || exit 1
echo "$(wc -l <<<"$api") functions are exported ($soname); $(wc -l <<<"$statics") global symbols, all yt_ or yti_"
