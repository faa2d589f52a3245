//! The daemon as systemd starts it, with all that its unit forbids, runs the compilers of a 32-bit root; and another one is
//! started inside that root. Knows nothing of packages.

use std::path::Path;

use test_hosts::need;
use test_hosts::netns::Network;
use test_hosts::nspawn::{Machine, Share};

const INSTALL: &str = "set -e
    install /opt/programs/distcc /opt/programs/distccd /opt/programs/distcc-arch /usr/bin
    install -m 644 /opt/checkout/systemd/distccd*.service /usr/lib/systemd/system/
    useradd --system --user-group --no-create-home distcc
    mkdir -p /etc/conf.d /etc/distcc /usr/lib/distcc
    ln -s ../../bin/distcc /usr/lib/distcc/gcc
    echo 'DISTCC_ARGS=\"--allow-private --log-level info\"' >/etc/conf.d/distccd
    printf '[toolchain.i686]\\nroot = \"/opt/arch32\"\\n' >/etc/distcc/toolchains.toml
    systemctl daemon-reload";

/// The root has a distccd, with the libraries that it needs there as long as it is not built for it.
const INSTALL_INSIDE: &str = "set -e
    mkdir -p /run/inside/upper /run/inside/work /srv/arch32
    mount -t overlay none -o lowerdir=/opt/arch32,upperdir=/run/inside/upper,workdir=/run/inside/work /srv/arch32
    for file in $(ldd /usr/bin/distccd | grep -o '/[^ :]*\\.so[^ :]*') /usr/bin/distccd /usr/bin/distcc; do
        install -D $file /srv/arch32$file
    done";

/// Class and machine of what the daemon at PORT makes.
const COMPILE: &str = "cd /tmp; echo 'long f(void) { return sizeof(long); }' >x.i
    export DISTCC_HOSTS=127.0.0.1:PORT DISTCC_FALLBACK=0 DISTCC_TOOLCHAIN_CHECK=off
    distcc i686-linux-gnu-gcc -O2 -c x.i -o x.o || { journalctl --sync; journalctl -u 'distccd*' -o cat; exit 1; }
    od -An -tx1 -j4 -N1 x.o; od -An -tx1 -j18 -N2 x.o";
const OF_32_BITS: &str = " 01\n 03 00\n";

fn machine(network: &Network) -> Option<Machine> {
    let (image, i386) = (need::bootable_image()?, need::i386_root()?);
    let programs = Path::new(env!("CARGO_BIN_EXE_distccd")).parent().unwrap();
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shares = [(&*i386, "/opt/arch32"), (programs, "/opt/programs"), (checkout, "/opt/checkout")];
    let shares = shares.map(|(here, there)| Share { here, there, writable: false });
    let machine = Machine::boot(&image, network.builder(), &shares);
    machine.root(INSTALL);
    Some(machine)
}

#[test]
fn the_unit_lets_compilers_of_a_32_bit_root_run() {
    let network = Network::new(0);
    let Some(machine) = machine(&network) else { return };
    machine.root("systemctl start distccd.service");
    assert_eq!(machine.root(&COMPILE.replace("PORT", "3632")).out(), OF_32_BITS);
}

#[test]
fn a_second_daemon_in_the_root_is_one_command_there_and_back() {
    let network = Network::new(0);
    let Some(machine) = machine(&network) else { return };
    machine.root(INSTALL_INSIDE);
    let files = "cd /etc; ls /srv/arch32/usr/lib; find systemd/system conf.d distcc /var/lib/distcc* -printf '%p %l %m\\n' 2>/dev/null | sort";
    let said = |script: &str| machine.root(script).out();
    let before = said(files);
    let set_up = "distcc-arch chroot daemon i686 --root /srv/arch32 --allow 127.0.0.0/8 --yes";
    let state = "systemctl is-active distccd@i686 || true; systemctl is-enabled distccd@i686 || true";

    said(set_up);
    assert_eq!(said(&COMPILE.replace("PORT", "3692")), OF_32_BITS);
    assert_eq!(said(state), "active\nenabled\n");
    assert!(said(set_up).starts_with("nothing to change"));
    assert!(said("distcc-arch chroot list").contains("its own daemon listens on port 3692"));
    let check = "distcc-arch check --offline | grep -A1 distccd@i686";
    assert!(said(check).contains("serves /srv/arch32 on port 3692"));
    let other = said("distcc-arch chroot daemon i686 --root /opt/arch32 --yes 2>&1 || true");
    assert!(other.contains("no /usr/bin/distccd is in it: install distcc there"), "{other}");

    said("systemctl stop distccd@i686");
    assert!(said(check).contains("type: sudo systemctl start distccd@i686.service"));
    said("distcc-arch chroot remove i686 --yes");
    assert_eq!(said(state), "inactive\ndisabled\n");
    assert!(said("distcc-arch chroot list").starts_with("no chroot is named here"));
    assert_ne!(said(set_up), "");
    said("distcc-arch chroot add other --root /srv/arch32 --yes");
    said("distcc-arch undo --yes");
    assert_eq!(said(state), "inactive\ndisabled\n");
    assert_eq!(said(files), before);
}
