#!/bin/bash
# What the programs' tables of options are made into: every option of --help is in the manual page and in the completions; the
# page is rendered without a warning; bash completes. zsh, fish, mandoc and groff are asked where they are installed.
# usage: test_help.sh BUILD
set -euo pipefail
build=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export OMP_WAIT_POLICY=passive # and the program does not start itself over
fail() {
    echo "FAILED: $*"
    exit 1
}
has() { command -v "$1" >/dev/null; }

options_of() { # of the text of --help: long names, with --no-NAME where that is how it is turned off
    sed -nE 's/^  (-., |    )--(\[no-\])?([a-z0-9-]+).*/\2 \3/p' "$1" | while read -r first second; do
        if [[ -n $second ]]; then printf '%s\nno-%s\n' "$second" "$second"; else echo "$first"; fi
    done
}

check_page() { # program
    groff -man -Tutf8 -ww "$folder/man.1" >"$folder/page" 2>"$folder/warnings" || fail "$1: groff: $(cat "$folder/warnings")"
    [[ ! -s $folder/warnings ]] || fail "$1: groff warns: $(cat "$folder/warnings")"
    sed -i 's/.\x08//g; s/\x1b\[[0-9;]*m//g' "$folder/page"
    for heading in NAME SYNOPSIS DESCRIPTION OPTIONS ENVIRONMENT 'EXIT STATUS'; do
        grep -qx "$heading" "$folder/page" || fail "$1: the manual page lacks $heading"
    done
}

# complete WORDS...: what bash offers for the last of them; "=" is a word of its own, as in bash.
complete_words() { # program, words...
    bash --norc --noprofile -c '
        source "$1"; name=$2; shift 2
        COMP_WORDS=("$name" "$@") COMP_CWORD=$#
        "$(complete -p "$name" | sed "s/.*-F \([^ ]*\).*/\1/")" "$name" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf "%s\n" "${COMPREPLY[@]}"' bash "$folder/bash" "$@" | sort | tr '\n' ' '
}

offers() { # expected, program, words...
    local expected=$1 got
    shift
    got=$(complete_words "$@")
    [[ $got == "$expected " ]] || fail "bash completes \"$*\" with: $got(expected: $expected)"
}

for program in yolotrain yoloinfer yoloval yoloexport; do
    for format in text man bash zsh fish; do "$build/$program" --help=$format >"$folder/$format"; done
    mv "$folder/man" "$folder/man.1" # mandoc takes the section from the name, else from a point in that of the folder
    cmp -s <("$build/$program" --help) "$folder/text" || fail "$program: --help and --help=text differ"
    count=0
    while read -r name; do
        count=$((count + 1))
        grep -q -- "\\\\-\\\\-${name//-/\\\\-}\\\\f\|\\\\-\\\\-${name//-/\\\\-}\[" "$folder/man.1" || fail "$program: --$name is not in the manual page"
        grep -qE -- "[ \"(|]--$name[ |)\"]" "$folder/bash" || fail "$program: --$name is not in the completion for bash"
        grep -qE -- "[{,']--$name[]=[}']" "$folder/zsh" || fail "$program: --$name is not in the completion for zsh"
        grep -qE -- " -l $name " "$folder/fish" || fail "$program: --$name is not in the completion for fish"
    done < <(options_of "$folder/text")
    ((count >= 4)) || fail "$program: only $count options are found in --help"
    echo "$program: $count options are in the manual page and in the completions"
    if has groff; then check_page $program; fi
    if has mandoc; then
        # No date is in the page, so that it is the same for every build of a version.
        warnings=$(mandoc -T lint -W warning "$folder/man.1" | grep -v 'missing date' || true)
        [[ -z $warnings ]] || fail "$program: mandoc: $warnings"
    fi
    bash -n "$folder/bash"
    if has zsh; then zsh -n "$folder/zsh"; fi
    if has fish; then fish --no-execute "$folder/fish"; fi

    cd "$folder"
    mkdir -p empty/photos && cd empty && : >"a photo.jpg"
    offers "--version" $program --vers
    offers "--help" $program --hel
    offers "a photo.jpg" $program a
    case $program in
    yolotrain)
        offers "--epochs" yolotrain --ep
        offers "--cls --cls-pw --cls-remap" yolotrain --cls
        offers "SGD" yolotrain --optimizer S
        offers "SGD" yolotrain --optimizer = S
        offers "add:backbone" yolotrain --no-residual add:b
        offers "photos" yolotrain --project p
        offers "" yolotrain --epochs a
        offers "a photo.jpg" yolotrain data.yaml --weights a
        offers "a photo.jpg" yolotrain data.yaml -w a
        ;;
    yoloinfer) offers "--no-rect" yoloinfer --no ;;
    yoloval) offers "test train" yoloval data.yaml --split = t ;;
    yoloexport) offers "ncnn onnx safetensors" yoloexport --format "" ;;
    esac
    cd "$folder" && rm -rf empty
done

"$build/yoloexport" --help=troff >"$folder/out" 2>&1 && fail "--help=troff is accepted"
grep -q -- '--help: unknown "troff"; it is one of text, man, bash, zsh, fish' "$folder/out" || fail "$(cat "$folder/out")"
if [[ $(ldd "$build/yoloexport") == *libgomp* ]]; then # how waiting threads wait is chosen before main: by starting over
    env -u OMP_WAIT_POLICY OMP_DISPLAY_ENV=verbose "$build/yoloexport" --version >"$folder/out" 2>&1
    grep -q "GOMP_SPINCOUNT = '4000'" "$folder/out" ||
        fail "the programs do not choose how waiting threads wait"
fi
