#!/usr/bin/env bash
# install_missing.sh: the Debian packages that .ci/run needs, by apt, where they are missing.
set -euo pipefail
packages=(build-essential cmake ninja-build pkg-config libstb-dev libyaml-dev libcjson-dev libzip-dev libjpeg-dev libwebp-dev libtiff-dev
    libheif-dev libcriterion-dev gnuplot-nox clang clang-format libomp-dev valgrind qemu-user mmdebstrap lintian groff-base mandoc locales zsh
    fish)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
((${#missing[@]} > 0)) || exit 0
root=()
[[ $(id -u) == 0 ]] || root=(sudo)
"${root[@]}" apt-get update -qq
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
