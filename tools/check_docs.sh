#!/usr/bin/env bash
# check_docs.sh: fails when the documentation points at nothing.
#
# - A citation "(spec architecture 3.2)" in a source file names a section of docs/spec/architecture.md.
# - A relative link in a Markdown file leads to a file, and its #anchor to a heading.
# - A path in backticks in a Markdown file, `src/...` and the like, exists. (CHANGELOG.md may name what is gone.)
set -euo pipefail
cd "$(dirname "$0")/.."

bad=0
complain() {
    echo "$1" >&2
    bad=$((bad + 1))
}

documents() { find ./*.md docs data models tools tests examples -name '*.md' -not -path '*/node_modules/*' 2>/dev/null | sort -u; }
sources() { find include src tests tools models examples CMakeLists.txt -type f \( -name '*.[ch]' -o -name '*.in[cl]' -o -name '*.yaml' -o -name '*.txt' -o -name '*.md' \) 2>/dev/null | sort; }

# file:document:section of every citation. A citation may go over the end of a line of a comment, and may name several
# sections of one document: "spec training 4.2, 4.5 and 4.10"; of "1 to 5" both ends are looked for.
citations() {
    local file
    while IFS= read -r file; do
        tr '\n' ' ' <"$file" | sed -E 's/ +(\*|#|\/\/)? +/ /g' |
            grep -oE '\bspec (architecture|training) [0-9]+(\.[0-9]+)*((, | and | to )[0-9]+(\.[0-9]+)*)*' |
            awk -v file="$file" '{ for (i = 3; i <= NF; i++) if ($i ~ /^[0-9]/) { sub(/,$/, "", $i); print file ":" $2 ":" $i } }' || true
    done
}

cited=0
while IFS=: read -r file document section; do
    cited=$((cited + 1))
    grep -qE "^#+ ${section//./\\.} " "docs/spec/$document.md" ||
        complain "$file: \"spec $document $section\": docs/spec/$document.md has no such section"
done < <({ sources; echo docs/spec/architecture.md; echo docs/spec/training.md; } | citations)
((cited >= 90)) || complain "only $cited citations of docs/spec were found in the sources"

# A heading as the anchor that GitHub makes of it.
anchors() { sed -nE 's/^#+ +//p' "$1" | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'; }

links=0 paths=0
while IFS= read -r file; do
    while IFS= read -r link; do
        links=$((links + 1))
        target=${link%%#*} anchor=""
        [[ $link == *'#'* ]] && anchor=${link#*#}
        path=$(dirname "$file")/$target
        [[ -n $target ]] || path=$file
        if [[ ! -e $path ]]; then
            complain "$file: ($link) leads nowhere"
        elif [[ -n $anchor && -f $path ]] && ! anchors "$path" | grep -qxF "$anchor"; then
            complain "$file: ($link): $path has no heading of that name"
        fi
    done < <(grep -oE '\]\([^) ]+\)' "$file" | sed -E 's/^\]\(//; s/\)$//' | grep -vE '^[a-z]+:' || true)
    [[ $file == ./CHANGELOG.md ]] && continue
    while IFS= read -r path; do
        paths=$((paths + 1))
        [[ -e $path ]] || complain "$file: \`$path\` does not exist"
    done < <(grep -oE '`(src|include|tests|tools|docs|models|examples|\.ci)/[A-Za-z0-9_./-]*`' "$file" | tr -d '`' || true)
done < <(documents)

if ((bad > 0)); then
    echo "$bad places of the documentation lead nowhere" >&2
    exit 1
fi
echo "$cited citations, $links links and $paths paths lead somewhere"
