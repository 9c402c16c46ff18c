#!/bin/bash
# Builds and runs the image without a container engine's daemon and without a registry of images, in mounts of its own:
#   image.sh build FOLDER CHECKOUT NODE    builds CHECKOUT/deploy/docker/Dockerfile with Debian's buildah, prints buildah's description of it
#   image.sh run FOLDER LAYER ARGUMENT…    runs it on a read-only root as its user; LAYER/etc, LAYER/log and LAYER/var are mounted as deploy/ does
# The images that it is built from cannot be had: they are made anew of the Debian packages and the Node that make them up.
set -eu
what=$1 folder=$2
if [ "${AUDITSIEVE_IMAGE_INSIDE:-}" = "" ]; then
  AUDITSIEVE_IMAGE_INSIDE=1 exec unshare --mount bash "$0" "$@"
fi
unset AUDITSIEVE_IMAGE_INSIDE
shift 2
tool=$folder/tool
export CONTAINERS_STORAGE_CONF=$folder/storage.conf CONTAINERS_REGISTRIES_CONF=$folder/registries.conf CONTAINERS_CONF=/dev/null

packages() { # FOLDER PACKAGE…: unpacked there, nothing is installed
  local into=$1 package
  shift
  for package in "$@"; do
    dpkg-deb --fsys-tarfile "$folder/packages/${package}"_*.deb | tar -x -C "$into" --keep-directory-symlink
  done
}

root() { # FOLDER PACKAGE…: the root of a Debian
  local into=$1
  shift
  mkdir -p "$into"/usr/{bin,sbin,lib,lib64,local/bin,local/lib/node_modules} "$into"/{tmp,root,proc} "$into/etc/ssl/certs"
  ln -s usr/bin usr/sbin usr/lib usr/lib64 "$into"
  packages "$into" base-files libc6 libgcc-s1 libstdc++6 libatomic1 "$@"
  cp -L /etc/ssl/certs/ca-certificates.crt "$into/etc/ssl/certs/"
}

image() { # FOLDER NAME USER
  local container
  container=$($tool/usr/bin/buildah from scratch)
  $tool/usr/bin/buildah copy --quiet "$container" "$1" /
  $tool/usr/bin/buildah config --env PATH=/usr/local/bin:/usr/bin:/bin \
    --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt --user "$3" "$container"
  $tool/usr/bin/buildah commit --quiet --rm --signature-policy "$folder/policy.json" "$container" "$2"
}

libraries() { # What buildah needs, over what the machine has.
  mount -t overlay -o "lowerdir=$tool/usr/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu" libraries /usr/lib/x86_64-linux-gnu
}

if [ "$what" = build ]; then
  checkout=$1 node=$2
  mkdir -p "$folder/packages" "$tool"
  own="base-files libc6 libgcc-s1 libstdc++6 libatomic1"
  slim="dash coreutils libacl1 libattr1 libselinux1 libpcre2-8-0 libgmp10 libssl3 sed grep"
  distroless="libssl3 netbase tzdata"
  builder="buildah libgpgme11 golang-github-containers-image golang-github-containers-common"
  (cd "$folder/packages" && apt-get download -q $own $slim $distroless $builder && npm pack --silent npm@11) >&2
  packages "$tool" $builder
  root "$folder/slim" $slim
  root "$folder/distroless" $distroless
  cp "$node" "$folder/slim/usr/local/bin/node"
  mkdir -p "$folder/distroless/nodejs/bin"
  cp "$node" "$folder/distroless/nodejs/bin/node"
  tar -xzf "$folder"/packages/npm-*.tgz -C "$folder/packages"
  mv "$folder/packages/package" "$folder/slim/usr/local/lib/node_modules/npm"
  chmod +x "$folder"/slim/usr/local/lib/node_modules/npm/bin/*.js
  for name in npm npx; do ln -s "../lib/node_modules/npm/bin/$name-cli.js" "$folder/slim/usr/local/bin/$name"; done
  echo 'root:x:0:0:root:/root:/bin/sh' > "$folder/slim/etc/passwd"
  printf 'root:x:0:0::/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n' > "$folder/distroless/etc/passwd"
  echo '{"default":[{"type":"insecureAcceptAnything"}]}' > "$folder/policy.json"
  echo 'unqualified-search-registries = ["docker.io"]' > "$folder/registries.conf"
  printf '[storage]\ndriver = "vfs"\nrunroot = "%s/run"\ngraphroot = "%s/store"\n' "$folder" "$folder" > "$CONTAINERS_STORAGE_CONF"
  libraries
  image "$folder/slim" docker.io/library/node:24-slim 0 >&2
  image "$folder/distroless" gcr.io/distroless/nodejs24-debian12:nonroot 65532 >&2
  cd "$checkout"
  $tool/usr/bin/buildah bud --signature-policy "$folder/policy.json" --pull-never --isolation chroot --network host \
    -f deploy/docker/Dockerfile -t auditsieve . >&2
  $tool/usr/bin/buildah mount "$($tool/usr/bin/buildah from --pull-never localhost/auditsieve)" > "$folder/rootfs"
  exec $tool/usr/bin/buildah inspect --type image localhost/auditsieve
fi

layer=$1
shift
rootfs=$(cat "$folder/rootfs")
mount --bind "$rootfs" "$rootfs"
mkdir -p "$rootfs/etc/auditsieve" "$rootfs/var/log/kubernetes/audit" "$rootfs/var/lib/auditsieve"
mount -o remount,bind,ro "$rootfs"
mount --bind "$layer/etc" "$rootfs/etc/auditsieve"
mount --bind "$layer/log" "$rootfs/var/log/kubernetes/audit"
mount --bind "$layer/var" "$rootfs/var/lib/auditsieve"
mount --bind /proc "$rootfs/proc"
exec env -i CLUSTER=prod NODE_ENV=production "$(command -v chroot)" --userspec=65532:65532 "$rootfs" "$@"
