#!/usr/bin/env bash
# check_includes.sh: fails when a file includes what is above it, beside it, or not its business.
#
# The floors of the house are the table in CONTRIBUTING.md, lowest first. A room is a folder of src/; a file may include its
# own room and the rooms of lower floors, and of its own floor only those that the table names after '>': `a > b` lets a
# include b. A room inside a room (`train/loop`) is a room like any other. Public headers (include/) are on floor 0.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A floor beside
bad=0
complain() {
    echo "$1" >&2
    bad=$((bad + 1))
}

# Reads the table: | 4 | `model`, `loss`, `weights` > `formats` | ... |
read_table() {
    local number rooms entry names room
    while IFS='|' read -r _ number rooms _; do
        while IFS= read -r entry; do
            mapfile -t names < <(grep -oE '`[a-z_/]+`' <<<"$entry" | tr -d '`')
            ((${#names[@]} > 0)) || continue
            floor[${names[0]}]=${number// /}
            for room in "${names[@]:1}"; do beside["${names[0]} $room"]=1; done
        done < <(tr ',' '\n' <<<"$rooms")
    done < <(grep -E '^\| [0-9]+ \|' CONTRIBUTING.md)
    ((${#floor[@]} > 0)) || complain "CONTRIBUTING.md: the table of floors is not found"
}

# The room of a file named as others include it: the longest folder of its path that the table has.
room_of() {
    local path=${1%/*}
    case $1 in
    yolotrain.h | yolotrain/*)
        echo base
        return
        ;;
    esac
    while [[ -n $path && -z ${floor[$path]:-} && $path == */* ]]; do path=${path%/*}; done
    [[ -n ${floor[$path]:-} ]] && echo "$path"
}

check_floors() { # path, name as others include it
    local mine theirs line text
    mine=$(room_of "$2") || true
    if [[ -z $mine ]]; then
        complain "$1: its folder is in no row of the table of floors in CONTRIBUTING.md"
        return
    fi
    while IFS=: read -r line text; do
        text=${text#*\"}
        text=${text%%\"*}
        theirs=$(room_of "$text") || true
        if [[ -z $theirs ]]; then
            complain "$1:$line: \"$text\" is in no room; write \"room/file.h\""
        elif [[ $theirs != "$mine" && -z ${beside["$mine $theirs"]:-} ]]; then
            if ((floor[$theirs] > floor[$mine])); then
                complain "$1:$line: $mine may not include \"$text\": $theirs is above it"
            elif ((floor[$theirs] == floor[$mine] && floor[$mine] > 0)); then
                complain "$1:$line: $mine may not include \"$text\": $theirs is beside it"
            fi
        fi
    done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$1" || true)
}

# A library's header (regular expression $1) may be used in the files that match $2 only.
check_third_party() {
    local hit
    while IFS= read -r hit; do
        [[ ${hit%%:*} =~ $2 ]] || complain "${hit%:*}: <${hit##*:}> is used in one place only: $2"
    done < <(grep -rnoE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$1[>\"]" --include='*.[ch]' --include='*.in[cl]' \
        include src tools tests | sed -E 's/#[[:space:]]*include[[:space:]]*[<"]([^>"]+)[>"]/\1/')
}

read_table
for room in "${!floor[@]}"; do
    [[ -d src/$room ]] || complain "CONTRIBUTING.md: the table of floors has a room $room that src/ lacks"
done

files=0
while IFS= read -r path; do
    check_floors "$path" "${path#*/}"
    files=$((files + 1))
done < <(find include src \( -name '*.[ch]' -o -name '*.in[cl]' \) | sort)
check_third_party 'stb/[^>"]*' '^(src/image/(stb_formats|image_save)\.c|src/draw/font\.c|src/cli/|tools/)'
check_third_party 'yaml\.h' '^src/base/yaml\.c$'
check_third_party 'zip\.h' '^(src/formats/pt_zip\.c|tests/)'
check_third_party 'jpeglib\.h' '^src/image/jpeg_decode\.c'
check_third_party 'webp/[^>"]*' '^(src/image/webp_decode\.c|tests/)'
check_third_party 'tiffio\.h' '^(src/image/tiff_decode\.c|tests/)'
check_third_party 'libheif/[^>"]*' '^(src/image/heif_decode\.c|tests/)'
check_third_party '(cjson/)?cJSON\.h' '^(src/base/json\.c$|tests/)'

if ((bad > 0)); then
    echo "$bad includes go against the floors of the house" >&2
    exit 1
fi
echo "$files files include only what they may"
