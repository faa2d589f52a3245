#!/usr/bin/env bash
# Builds what the tests install, as the user who builds: the stand-ins and their repository, this project as it is in
# /opt/checkout, and the same as a later release with another conf.d. They come to lie in /opt/packages.
set -euo pipefail
export CARGO_HOME=/opt/cargo CARGO_NET_OFFLINE=true PKGDEST=/opt/packages
here=/opt/checkout/tests/machines
clone=~/distcc-arch

# What is tested is what is installed, and not how fast it is; but each machine looks at all of its compilers.
configure_cargo() {
    mkdir -p ~/.cargo
    cat >~/.cargo/config.toml <<'END'
[profile.release]
lto = false
codegen-units = 16
opt-level = 0
debug = false

[profile.release.package]
blake3.opt-level = 3
memchr.opt-level = 3
END
}

build_stand_ins() {
    cp -r "$here/stand-ins" ~/stand-ins
    (cd ~/stand-ins && makepkg)
    (cd "$PKGDEST" && repo-add --quiet stand-ins.db.tar.gz ./*-1-1-any.pkg.tar.zst)
    sudo "$here/arch.sh"
}

# Like a clone with changes of its own, and like an unpacked release: without .git.
unpack() {
    mkdir "$clone"
    tar -C /opt/checkout --exclude-vcs --exclude=./target --exclude=tests/fuzz -cf - . | tar -C "$clone" -xf -
}

# Tests of the project run elsewhere, and compiling them would take minutes.
make_package() {
    (cd "$clone" && makepkg --syncdeps --noconfirm --nocheck)
}

# What was compiled is packaged once more.
make_later_release() {
    sed -i 's/^pkgrel=1$/pkgrel=2/' "$clone/PKGBUILD"
    echo '# a comment of the next release' >>"$clone"/target/makepkg/distcc-arch/src/distcc-arch/systemd/conf.d/distccd
    (cd "$clone" && makepkg --repackage)
}

configure_cargo
build_stand_ins
unpack
make_package
# makepkg calls its own directory src too.
diff -r /opt/checkout/src "$clone/src"
make_later_release
