#!/usr/bin/env bash
# check_fresh.sh: what README.md says to type, on a machine that has nothing.
#
#   tools/check_fresh.sh [--no-optional | --without "PACKAGE..."] [--base FOLDER] [BLOCK...]
#
# Makes a minimal Debian 12 in a folder (mmdebstrap, or debootstrap), with the mirror that apt uses here, and in it a user
# who may sudo; clones HEAD into the user's home, without anything beside it; and runs the blocks of commands below the
# headings "Train" and "Test" of README.md (or BLOCK...) as they stand there. Prints exit codes, times and what ctest counted;
# exits with 1 where a block failed.
#
# --no-optional takes the optional libraries and gnuplot out of the packages that the blocks install, --without others.
# --base keeps the minimal system in FOLDER for the next time, which works on a copy. Needs root and an apt that is configured
# for Debian 12; without, nothing is checked and the exit code is 77.
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

skip() {
    echo "check_fresh.sh: SKIPPED: $1"
    exit 77
}
[[ $(id -u) == 0 ]] || skip "only root can make a system in a folder"
maker=$(command -v mmdebstrap || command -v debootstrap) || skip "neither mmdebstrap nor debootstrap is installed"

temporary=$(mktemp -d)
root=$temporary/root
clean_up() {
    umount "$root/dev/shm" "$root/proc" 2>/dev/null || true
    if ! grep -q " $temporary/" /proc/self/mounts; then rm -rf "$temporary"; fi
}
trap clean_up EXIT

# Debian 12's own archives, as apt here knows them.
sources() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk '$2 ~ /^bookworm/ && $3 == "main" && !seen[$0]++ { print "deb", $1, $2, $3 }'
}

# How apt reaches them: proxies and the like.
network_of_apt() {
    apt-config dump | grep -iE '^Acquire::(http|https)::.+' || echo '// as it is'
}

make_base() { # folder
    local lines start=$SECONDS
    lines=$(sources)
    [[ -n $lines ]] || skip "apt is not configured for Debian 12"
    network_of_apt >"$temporary/apt.conf"
    if [[ $maker == *mmdebstrap ]]; then
        mmdebstrap --quiet --variant=minbase --include=sudo,git --aptopt="$temporary/apt.conf" bookworm "$1" - <<<"$lines"
    else
        debootstrap --variant=minbase --include=sudo,git bookworm "$1" "$(awk 'NR == 1 { print $2 }' <<<"$lines")" >/dev/null
        echo "$lines" >"$1/etc/apt/sources.list"
        cp "$temporary/apt.conf" "$1/etc/apt/apt.conf.d/99machine"
        chroot "$1" apt-get update -qq
    fi
    chroot "$1" useradd --create-home --shell /bin/bash user
    echo 'user ALL=(ALL) NOPASSWD: ALL' >"$1/etc/sudoers.d/user"
    touch "$1/complete"
    echo "== a minimal Debian 12: $(chroot "$1" dpkg-query -f '.\n' -W | wc -l) packages, $(du -sm "$1" | cut -f1) MB, $((SECONDS - start)) s"
}

open_system() {
    if [[ -z $base ]]; then
        make_base "$root"
    else
        if [[ ! -e $base/complete ]]; then
            rm -rf "$base"
            mkdir -p "$(dirname "$base")"
            make_base "$base"
        fi
        cp -a "$base" "$root"
    fi
    cp -L /etc/hosts /etc/resolv.conf "$root/etc/"
    mount -t proc proc "$root/proc"
    mkdir -p "$root/dev/shm"
    mount -t tmpfs tmpfs "$root/dev/shm" # the test programs' processes share memory
    git clone --quiet --no-hardlinks . "$root/home/user/yolotrain"
    chroot "$root" chown -R user: /home/user
}

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

open_system
log=$temporary/block.log
status=0
for block in "${blocks[@]}"; do run_block "$block" || status=1; done
exit "$status"
