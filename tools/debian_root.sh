# debian_root.sh: a minimal Debian 12 in a folder, for the checks of what a machine without anything can do. Sourced; sets
# `temporary` and `root`, and takes them away in the end. `name` is the script's, for messages.
#
# The system is made with mmdebstrap or debootstrap, with the mirror that apt uses here; in it is a user who may sudo. With a base
# it is made there once, and every check works on a copy. Needs root and an apt that is configured for Debian 12; without, nothing
# can be checked, and the script ends with exit code 77.

skip() {
    echo "$name: SKIPPED: $1"
    exit 77
}
clean_up() {
    umount "$root/dev/shm" "$root/proc" "$root/var/cache/apt/archives" 2>/dev/null || true
    if ! grep -q " $temporary/" /proc/self/mounts; then rm -rf "$temporary"; fi
}

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

open_system() { # folder of the base, or ""
    local base=$1
    [[ $(id -u) == 0 ]] || skip "only root can make a system in a folder"
    maker=$(command -v mmdebstrap || command -v debootstrap) || skip "neither mmdebstrap nor debootstrap is installed"
    temporary=$(mktemp -d)
    root=$temporary/root
    trap clean_up EXIT
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
    if [[ -n $base ]]; then # what one check downloads the next one has
        mkdir -p "$base.archives/partial"
        mount --bind "$base.archives" "$root/var/cache/apt/archives"
    fi
}
