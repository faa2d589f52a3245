#!/usr/bin/env bash
# Makes a machine that boots from the image look like Arch: its makepkg.conf, the pacman hooks of its systemd, a user
# who builds, and (once /opt/packages has one) a repository.
set -euo pipefail
here=$(dirname "$0")

printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$(uname -n)" >/etc/hosts
# makepkg takes its search path from /etc/profile once it has installed something.
[[ ! -d /opt/rust ]] || ln -sf -t /usr/local/bin /opt/rust/bin/{cargo,rustc}

id builder >/dev/null 2>&1 || useradd --uid 1000 --shell /bin/bash --home-dir /home/builder builder
install -d -o builder -g builder /home/builder
echo 'builder ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/builder
install -m644 "$here/makepkg.conf" /etc/makepkg.conf
ln -sf gcc /usr/bin/x86_64-pc-linux-gnu-gcc
ln -sf g++ /usr/bin/x86_64-pc-linux-gnu-g++
ln -sf g++ /usr/bin/x86_64-pc-linux-gnu-c++
install -Dm644 -t /usr/share/libalpm/hooks "$here"/hooks/*.hook

cat >/etc/pacman.conf <<'CONF'
[options]
Architecture = auto
SigLevel = Never
LocalFileSigLevel = Optional
CONF
pacman -T >/dev/null
if [[ -e /opt/packages/stand-ins.db ]]; then
    printf '[stand-ins]\nServer = file:///opt/packages\n' >>/etc/pacman.conf
    pacman --sync --refresh --noconfirm bash gcc gcc-libs glibc
fi
