#!/bin/bash
# Starts systemd as the manager of one user's units, in namespaces and control groups of its own: start.sh NAME LAYER CHECKOUT.
# LAYER/etc and LAYER/bin lie over /etc and /usr/bin, and LAYER/run is /run/test: nothing outside changes. CHECKOUT is /run/checkout.
set -eu
name=$1 layer=$2 checkout=$3
groups=/sys/fs/cgroup

if [ "${4:-}" != inside ]; then
  # Where there is a file of controllers all groups are of the second version; elsewhere both versions lie side by side.
  hierarchies=$groups
  [ -e $groups/cgroup.controllers ] || hierarchies="$groups/systemd $groups/unified"
  for hierarchy in $hierarchies; do
    mkdir "$hierarchy/$name"
    echo $$ > "$hierarchy/$name/cgroup.procs"
  done
  exec unshare --mount --pid --fork --kill-child --ipc --uts --cgroup bash "$0" "$name" "$layer" "$checkout" inside
fi

mount -t proc proc /proc
if [ -e $groups/cgroup.controllers ]; then
  umount $groups
  mount -t cgroup2 unified $groups
else
  # Hierarchies that are not ours alone are left alone.
  for hierarchy in $groups/*/; do
    umount "$hierarchy" || true
  done
  mount -t cgroup -o name=systemd systemd $groups/systemd
  mount -t cgroup2 unified $groups/unified
fi
mount -t tmpfs run /run
mkdir -p /run/test /run/checkout /run/user /run/etc /run/bin /run/systemd/system /run/systemd/inaccessible/dir
# What a unit must not see is covered with these; the first process of a machine makes them.
touch /run/systemd/inaccessible/reg
mkfifo /run/systemd/inaccessible/fifo
chmod 0 /run/systemd/inaccessible/*
mount --bind "$layer/run" /run/test
mount --bind "$layer/etc" /run/etc
mount --bind "$layer/bin" /run/bin
mount --bind "$checkout" /run/checkout
mount -t overlay -o lowerdir=/run/etc:/etc etc /etc
mount -t overlay -o lowerdir=/run/bin:/usr/bin bin /usr/bin
# StateDirectory= of a user's unit lies below this.
mount -t tmpfs state /var/lib
mount --bind "$layer/log" /var/log
export HOME=/run/user XDG_RUNTIME_DIR=/run/user XDG_CONFIG_HOME=/var/lib
export SYSTEMD_UNIT_PATH=/etc/systemd/system:/usr/lib/systemd/user
# The first process of these namespaces is the shell: systemd refuses to be it for a user.
/lib/systemd/systemd --user --unit=basic.target &
wait
