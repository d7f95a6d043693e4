#!/usr/bin/env bash
# check_fresh.sh: what README.md says to type, on a machine that has nothing.
#
#   tools/check_fresh.sh [--no-optional | --without "PACKAGE..."] [--base FOLDER] [BLOCK...]
#
# Clones HEAD into the home of a user who may sudo, on a minimal Debian 12 without anything beside it, and runs the blocks of commands below the
# headings "Train" and "Test" of README.md (or BLOCK...) as they stand there. Prints exit codes, times and what ctest counted;
# exits with 1 where a block failed.
#
# The system is that of debian_root.sh. --no-optional takes the optional libraries and gnuplot out of the packages that the blocks install, --without others.
# --base keeps the minimal system in FOLDER for the next time. Where none can be made the exit code is 77.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly optional="libjpeg-dev libwebp-dev libtiff-dev libheif-dev gnuplot-nox"
without="" base="" blocks=()
while (($# > 0)); do
    case $1 in
    --no-optional) without+=" $optional" ;;
    --without) without+=" $2" && shift ;;
    --base) base=$2 && shift ;;
    --*) echo "check_fresh.sh: unknown option $1" >&2 && exit 2 ;;
    *) blocks+=("$1") ;;
    esac
    shift
done
((${#blocks[@]} > 0)) || blocks=(Train Test)

# shellcheck source=tools/debian_root.sh
source tools/debian_root.sh
name=check_fresh.sh

run_block() { # heading
    local commands status=0 start=$SECONDS package
    commands=$(tools/readme_block.sh "$1" "$root/home/user/yolotrain/README.md")
    for package in $without; do commands=$(sed -E "s/(^| )$package( |$)/ /g" <<<"$commands"); done
    echo "== README.md, $1${without:+, without$without}"
    printf '%s\n' "$commands" | sed 's/^/   /'
    chroot "$root" su --login user --command "cd yolotrain && export DEBIAN_FRONTEND=noninteractive && $commands" \
        >"$log" 2>&1 || status=$?
    if ((status == 0)); then
        grep -E '^--   (found|missing) |tests passed|\(Skipped\)$|weights hash' "$log" || true
    else
        tail -n 60 "$log"
    fi
    echo "== README.md, $1: exit code $status, $((SECONDS - start)) s"
    return "$status"
}

open_system "$base"
git clone --quiet --no-hardlinks . "$root/home/user/yolotrain"
chroot "$root" chown -R user: /home/user
log=$temporary/block.log
status=0
for block in "${blocks[@]}"; do run_block "$block" || status=1; done
exit "$status"
