#!/bin/sh
# The example in an internal header's first comment compiles against the headers as they are: each is the body of a function whose
# parameters, in example.h, are what the examples presume.
# usage: check_examples.sh COMPILER SOURCE
set -eu
compiler=$1 source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
examples=0
for header in $(find "$source/src" -name "*.h" | sort); do
    name=$(basename "$header" .h)
    awk '/\*\//{exit} /^ \*     /{sub(/^ \*     /, ""); print}' "$header" >"$folder/body"
    [ -s "$folder/body" ] || continue
    examples=$((examples + 1))
    {
        echo "#include \"$header\""
        echo '#include "example.h"'
        if [ "$name" = cli_options ]; then # its table stands outside a function
            sed '/^};$/q' "$folder/body"
            sed '1,/^};$/d' "$folder/body" >"$folder/rest"
            mv "$folder/rest" "$folder/body"
            echo 'int example(int argc, char **argv);'
            echo 'int example(int argc, char **argv) {'
            cat "$folder/body"
            echo 'return imgsz; }'
        else
            echo 'yt_status example(EXAMPLE_PARAMETERS);'
            echo 'yt_status example(EXAMPLE_PARAMETERS) { {'
            cat "$folder/body"
            echo '} return YT_OK; }'
        fi
    } >"$folder/$name.c"
    "$compiler" -std=c17 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-variable \
        -Wno-unused-but-set-variable -fsyntax-only -I"$source/include" -I"$source/src" -I"$source/tests/headers" \
        "$folder/$name.c" || {
        echo "FAILED: the example in $header does not compile"
        exit 1
    }
done
[ $examples -ge 9 ] || {
    echo "FAILED: only $examples examples were found"
    exit 1
}
echo "$examples examples compile"
