#!/usr/bin/env bash
# Makes stand-ins for the base images of the Dockerfiles, for a machine that cannot pull them: one Debian 12 with this
# machine's toolchains, under every name that a FROM line takes by default. Results tell that they were made locally,
# and which versions really ran. A name that the engine already has is left alone.
set -euo pipefail
cd "$(dirname "$0")/.."

names=$(sed -nE 's/^ARG [A-Z_]+_IMAGE=(\S+).*/\1/p' server/Dockerfile clients/*/Dockerfile | sort -u)
missing=()
for name in $names; do
  docker image inspect "$name" >/dev/null 2>&1 || missing+=("$name")
done
[ ${#missing[@]} -gt 0 ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packages=ca-certificates,maven,openjdk-17-jdk-headless
# The toolchains that may not be Debian's, and the certificates by which this machine reaches its registries.
hooks=(--customize-hook='mkdir -p "$1/usr/local/go"' --customize-hook="sync-in $(go env GOROOT) /usr/local/go")
node=$(readlink -f "$(command -v node)")
if ldd "$node" | grep -q libnode; then
  packages+=,nodejs
else
  packages+=,libstdc++6
  hooks+=(--customize-hook="upload $node /usr/bin/node" --customize-hook='chmod 755 "$1/usr/bin/node"')
fi
# Python of the version that the names name, if pyenv has one; else Debian's.
version=$(sed -nE 's/^python:([0-9]+\.[0-9]+)-.*/\1/p' <<<"$names" | sort -u)
python=$(find "$(pyenv root 2>/dev/null)/versions" -path "*/$version.*/bin/python$version" 2>/dev/null | sort -V | tail -n 1 || true)
if [ -n "$python" ]; then
  packages+=,libbz2-1.0,libffi8,liblzma5,libssl3,zlib1g
  mkdir "$work/python"
  tar -C "${python%/bin/*}" --exclude=__pycache__ --exclude='config-*' --exclude=test --exclude=site-packages -c \
    "bin/python$version" bin/python3 lib | tar -C "$work/python" -x
  hooks+=(
    --customize-hook="sync-in $work/python /usr/local"
    --customize-hook='chroot "$1" ldconfig'
    --customize-hook='chroot "$1" /usr/local/bin/python3 -c "import bz2, ctypes, lzma, ssl, zlib"'
    --customize-hook='PIP_ROOT_USER_ACTION=ignore chroot "$1" /usr/local/bin/python3 -m ensurepip >/dev/null'
  )
else
  packages+=,python3,python3-pip
fi
for file in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/java/cacerts; do
  if [ -f "$file" ]; then hooks+=(--customize-hook="upload $file $file"); fi
done
mmdebstrap --quiet --variant=minbase --include="$packages" "${hooks[@]}" bookworm "$work/root.tar"

image=$(docker import \
  --change 'ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --change 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt' \
  "$work/root.tar")
for name in "${missing[@]}"; do
  docker tag "$image" "$name"
  echo "stand-in for $name"
done
docker run --rm --network none "$image" \
  sh -c 'echo "they hold:"; python3 --version; node --version; go version; java --version | head -n 1'
