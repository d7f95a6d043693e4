# common.sh: what the tests of the programs share. Sourced by test_<program>.sh PROGRAM SOURCE SHARED, which then runs in an
# empty folder of its own.
set -eu
program=$1 source=$2 shared=$3
name=$(basename "$program")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "FAILED: $1"
    for file in out err; do sed "s/^/  $file: /" "$file"; done
    exit 1
}

# expect CODE ARGUMENTS...: runs the program with its output in the files out and err.
expect() {
    code=$1
    shift
    got=0
    "$program" "$@" >out 2>err || got=$?
    [ "$got" -eq "$code" ] || fail "$name $* exits with $got instead of $code"
}

says() { # FILE EXTENDED-REGULAR-EXPRESSION
    grep -Eq -- "$2" "$1" || fail "$1 has no line like: $2"
}
