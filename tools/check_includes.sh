#!/usr/bin/env bash
# check_includes.sh: fails when a file includes what is above it, beside it on floor 4, or not its business.
#
# Floors, lowest first (CONTRIBUTING.md): base | tensor geom kernels | ops | graph | model loss optim data eval ckpt flow |
# train | study | cli. A file may include its own folder and every lower floor. Public headers count as part of the folder that
# implements them; those of plain data (tensor, batch, head, box) are on floor 1, whoever fills them.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A floor=([base]=0 [tensor]=1 [geom]=1 [kernels]=1 [ops]=2 [graph]=3 [model]=4 [loss]=4 [optim]=4 [data]=4
    [eval]=4 [ckpt]=4 [flow]=4 [train]=5 [study]=6 [cli]=7)
declare -A home=(
    [status]=base [file]=base [text]=base [rng]=base [log]=base [cpu]=base [yaml]=base [activation]=base
    [tensor]=tensor [batch]=tensor [head]=tensor [box]=geom [kernels]=kernels
    [op]=ops [ops]=ops [graph]=graph
    [model]=model [ablation]=model [init]=model [loss]=loss [optim]=optim [dataset]=data [loader]=data [image]=data [metrics]=eval [confusion]=eval
    [coco_eval]=eval [coco_results]=eval
    [flow]=flow [slope]=flow [verdict]=flow
    [safetensors]=ckpt [pt]=ckpt
    [train]=train [non_finite]=train [train_options]=train [predict]=train [validate]=train [coco_validate]=train
    [weights]=train [compare]=study)

bad=0
complain() {
    echo "$1" >&2
    bad=$((bad + 1))
}

# The folder that the file "$1" belongs to; nothing when it is not known.
folder_of() {
    local name
    case $1 in
    yt/*)
        name=${1#yt/}
        echo "${home[${name%.*}]:-}"
        ;;
    */*) echo "${1%%/*}" ;;
    esac
}

check_floors() { # path, name as others include it
    local mine theirs line text
    mine=$(folder_of "$2")
    if [[ -z $mine || -z ${floor[$mine]:-} ]]; then
        complain "$1: tools/check_includes.sh does not know on which floor this is; add it to its table"
        return
    fi
    while IFS=: read -r line text; do
        text=${text#*\"}
        text=${text%%\"*}
        theirs=$(folder_of "$text")
        if [[ -z $theirs || -z ${floor[$theirs]:-} ]]; then
            complain "$1:$line: \"$text\" is on no known floor; write \"folder/file.h\" or add it to tools/check_includes.sh"
        elif ((floor[$theirs] > floor[$mine])); then
            complain "$1:$line: $mine may not include \"$text\": $theirs is above it"
        elif ((floor[$theirs] == 4)) && [[ $theirs != "$mine" && ${floor[$mine]} == 4 ]]; then
            complain "$1:$line: $mine may not include \"$text\": $theirs is beside it"
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

# The table of floors in CONTRIBUTING.md is the one above, and has every folder of src/.
check_table() {
    local number rest folder listed=' '
    while IFS='|' read -r _ number rest _; do
        for folder in $(grep -oE '`[a-z]+`' <<<"$rest" | tr -d '`'); do
            listed+="$folder "
            [[ ${floor[$folder]:-} == "${number// /}" ]] ||
                complain "CONTRIBUTING.md: $folder is on floor ${floor[$folder]:-(none)} in tools/check_includes.sh, not on ${number// /}"
        done
    done < <(grep -E '^\| [0-9] \|' CONTRIBUTING.md)
    for folder in src/*/; do
        folder=$(basename "$folder")
        [[ $listed == *" $folder "* ]] || complain "CONTRIBUTING.md: the table of floors lacks $folder"
    done
}
check_table

files=0
while IFS= read -r path; do
    check_floors "$path" "${path#*/}"
    files=$((files + 1))
done < <(find include src -name '*.[ch]' -o -name '*.in[cl]' | sort)
check_third_party 'stb/[^>"]*' '^(src/data/(stb_formats|image_save)\.c|src/cli/|tools/)'
check_third_party 'yaml\.h' '^src/base/yaml\.c$'
check_third_party 'zip\.h' '^(src/ckpt/pt_zip\.c|tests/)'
check_third_party 'jpeglib\.h' '^src/data/jpeg_decode\.c'
check_third_party 'webp/[^>"]*' '^(src/data/webp_decode\.c|tests/)'
check_third_party 'tiffio\.h' '^(src/data/tiff_decode\.c|tests/)'
check_third_party 'libheif/[^>"]*' '^(src/data/heif_decode\.c|tests/)'
check_third_party '(cjson/)?cJSON\.h' '^(src/ckpt/|src/train/|src/study/|src/cli/|src/eval/|src/data/(coco_|ndjson)|tests/)'

if ((bad > 0)); then
    echo "$bad includes go against the floors of the house" >&2
    exit 1
fi
echo "$files files include only what they may"
