#!/usr/bin/env bash
# readme_block.sh: the first block of commands below a heading of README.md, as it stands there.
#
#   tools/readme_block.sh Train [README.md]        tools/readme_block.sh Test [README.md]
set -euo pipefail
readme=${2:-$(dirname "$0")/../README.md}
awk -v heading="## $1" '
    $0 == heading { below = 1 }
    below && /^```$/ { exit }
    inside { print }
    below && /^```sh$/ { inside = 1 }' "$readme" | grep . || {
    echo "readme_block.sh: $readme: no block of commands below \"## $1\"" >&2
    exit 1
}
