# common.sh: what the tests of the programs share. Sourced by test_<program>.sh PROGRAM SOURCE SHARED [reference], which then
# runs in an empty folder of its own.
set -eu
program=$1 source=$2 shared=$3 part=${4:-}
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

# habit WHAT-IS-SAID ARGUMENTS...: arguments as other programs take them are answered with ours.
habit() {
    said=$1
    shift
    expect 2 "$@"
    says err "$said"
}

# reference_part FILE...: ends the script, or with the argument `reference` goes on where the files are there. So what needs
# files from outside the repository is a test of its own, which shows as skipped without them.
reference_part() {
    if [ "$part" != reference ]; then
        echo "$name: all checks without reference weights passed"
        exit 0
    fi
    for file in "$@"; do
        if [ ! -e "$file" ]; then
            echo "SKIPPED: $file is not here"
            exit 77
        fi
    done
}
