#!/bin/sh
# The public headers: each compiles alone and all together, as C99, C17 and C++11 with nothing beyond the standard; they
# include none but each other and the standard's own; and the lines of code in their comments are lines of examples/.
# usage: check_public.sh SOURCE C-COMPILER [C++-COMPILER]
set -eu
source=$1 cc=$2 cxx=${3-}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bad=0
complain() {
    echo "FAILED: $*"
    bad=1
}

headers=$(cd "$source/include" && find . -name '*.h' | sed 's|^\./||' | sort)
for header in $headers; do
    echo "#include <$header>" >"$folder/one.c"
    cp "$folder/one.c" "$folder/one.cpp"
    for standard in c99 c17; do
        "$cc" -std=$standard -pedantic-errors -Wall -Wextra -Wstrict-prototypes -Werror -fsyntax-only -I"$source/include" \
            "$folder/one.c" || complain "$header is not $standard"
    done
    [ -z "$cxx" ] || "$cxx" -std=c++11 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only -I"$source/include" \
        "$folder/one.cpp" || complain "$header is not C++11"
done
[ -n "$cxx" ] || echo "there is no C++ compiler: not compiled as C++"

# Plain C, and of its library only what a caller needs.
included=$(cd "$source/include" && grep -h '^#include' $headers | sed 's/.*["<]\(.*\)[">].*/\1/' | sort -u)
for name in $included; do
    case $name in
    yolotrain/*.h | stddef.h | stdint.h) ;;
    *) complain "a public header includes $name" ;;
    esac
done

# Quoted is what is indented by four more spaces in a header's first comment.
quoted=0
for header in $headers; do
    awk '/\*\//{exit} /^ \*     /{sub(/^ \*     */, ""); print}' "$source/include/$header" >"$folder/lines"
    while IFS= read -r line; do
        quoted=$((quoted + 1))
        sed 's/^ *//' "$source"/examples/*.c "$source"/examples/*.cpp | grep -Fxq -e "$line" ||
            complain "$header quotes a line that is in no example: $line"
    done <"$folder/lines"
done
[ $quoted -ge 7 ] || complain "only $quoted lines of examples are quoted"
[ $bad -eq 0 ] && echo "$(echo "$headers" | wc -l) headers, $quoted quoted lines"
exit $bad
