#!/usr/bin/env bash
# check_install.sh: the .deb packages on a machine that has nothing.
#
#   tools/check_install.sh [--base FOLDER] [build folder]
#
# Packs what a build made with cpack (configured with -DCMAKE_INSTALL_PREFIX=/usr), and on a minimal Debian 12 (debian_root.sh)
# installs the programs and runs them on the starter data; installs the library and builds programs of others on it, the examples
# among them, by CMake and by pkg-config, shared and static, as C and as C++ (tests/package/consumer.sh), and runs these; removes
# the packages, and looks for what is left.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/debian_root.sh
source tools/debian_root.sh
name=check_install.sh
base="" build=build
while (($# > 0)); do
    case $1 in
    --base) base=$2 && shift ;;
    --*) echo "$name: unknown option $1" >&2 && exit 2 ;;
    *) build=$1 ;;
    esac
    shift
done
grep -q '^CMAKE_INSTALL_PREFIX:PATH=/usr$' "$build/CMakeCache.txt" || {
    echo "$name: $build is not configured with -DCMAKE_INSTALL_PREFIX=/usr" >&2
    exit 2
}
command -v dpkg-shlibdeps >/dev/null || { echo "$name: dpkg-shlibdeps is not installed (apt-get install dpkg-dev)" >&2; exit 2; }

open_system "$base"
log=$temporary/log
in_root() { # what, command: as root
    local start=$SECONDS
    chroot "$root" env DEBIAN_FRONTEND=noninteractive HOME=/root OMP_WAIT_POLICY=passive bash -euc "cd /root; $2" >"$log" 2>&1 || {
        tail -n 60 "$log"
        echo "$name: FAILED: $1"
        exit 1
    }
    echo "== $1: $((SECONDS - start)) s"
}
files() { find "$root" -xdev -path "$root/root" -prune -o -path "$root/var/cache" -prune -o -print | sort; }

mkdir "$temporary/debs"
cpack --config "$build/CPackConfig.cmake" -B "$temporary/debs" >"$log" 2>&1 || { cat "$log"; exit 1; }
if command -v lintian >/dev/null; then
    lintian --allow-root --fail-on error "$temporary"/debs/*.deb || { echo "$name: FAILED: lintian"; exit 1; }
fi
mkdir "$root/root/debs" "$root/root/consumer"
cp "$temporary"/debs/*.deb "$root/root/debs/"
cp tests/package/version.c tests/package/{consumer,examples}.sh "$root/root/consumer/"
cp examples/*.c examples/*.cpp "$root/root/consumer/" 2>/dev/null || true

in_root "apt-get update" "apt-get update -qq"
in_root "the programs are installed" "apt-get install -y -qq --no-install-recommends ./debs/yolotrain_*.deb"
in_root "they train, measure and detect" "
    yolotrain coco8.yaml --imgsz 64 --epochs 1 --name first
    yoloval coco8.yaml
    yoloinfer /usr/share/yolotrain/data/coco8/images/val --save
    yolotrain --version; yoloexport runs/detect/first/weights/best.safetensors -o best.safetensors --half
    yolotrain --model yolo11n.yaml --summary
    test -s /usr/share/man/man1/yolotrain.1.gz
    ! ldd /usr/bin/yolotrain | grep 'not found'"
in_root "compilers are installed" "apt-get install -y -qq --no-install-recommends gcc g++ make cmake pkg-config"
in_root "the library is installed" "apt-get install -y -qq --no-install-recommends ./debs/lib*.deb"
in_root "programs are built on it" "
    photo=/usr/share/yolotrain/data/coco8/images/val/000000000006.jpg weights=/root/runs/detect/first/weights/best.safetensors
    source consumer/examples.sh
    cp consumer/version.c consumer/version.cpp # the headers in C++
    mapfile -t sources < <(example_sources consumer \$weights \$photo /usr/share/yolotrain/data/coco8.yaml yolo26n.yaml)
    bash consumer/consumer.sh /usr /root/built \"\${sources[@]}\""
tail -n 1 "$log"
in_root "the packages are removed" "
    packages=\$(dpkg-query -W -f '\${Package} ' '*yolotrain*')
    dpkg --verify \$packages
    apt-get purge -y -qq \$packages"
left=$(files | grep -iE 'yolo|/coco8' || true)
[[ -z $left ]] || { echo "$name: FAILED: left after the packages were removed: $left"; exit 1; }
echo "installed, used and removed: $(cd "$temporary/debs" && du -k -- *.deb | awk '{ printf "%s%s %d KB", s, $2, $1; s = ", " }')"
