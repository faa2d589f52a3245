#!/usr/bin/env bash
# The first process of a machine that a test makes: its own copy-on-write view of the whole file system, then a wait for
# the test to let go. Runs in mount, process and host name namespaces of its own. Arguments: an empty directory, a name.
set -euo pipefail
scratch=$1 name=$2

hostname "$name"
mount -t tmpfs -o mode=0755 machine "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" machine "$scratch/root"
cd "$scratch/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=0755 dev dev
for device in null zero full random urandom tty; do
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,mode=0620,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=0755 run run
mkdir -p run/left run/lock
pivot_root . run/left
umount -l /run/left
rmdir /run/left
cd /
echo ready
# As the first process it is everyone's last parent, and bash reaps what it inherits. The end of its input is the test's
# end, and with the first process all others go, and with them all mounts.
read -r _ || true
