//! The daemon as systemd starts it, with all that its unit forbids, runs the compilers of a 32-bit root. Knows nothing of
//! packages.

use std::path::Path;

use test_hosts::need;
use test_hosts::netns::Network;
use test_hosts::nspawn::{Machine, Share};

const INSTALL: &str = "set -e
    install /opt/programs/distcc /opt/programs/distccd /usr/bin
    install -m 644 /opt/checkout/systemd/distccd.service /usr/lib/systemd/system/
    useradd --system --user-group --no-create-home distcc
    mkdir -p /etc/conf.d /etc/distcc /usr/lib/distcc
    ln -s ../../bin/distcc /usr/lib/distcc/gcc
    echo 'DISTCC_ARGS=\"--allow-private --log-level info\"' >/etc/conf.d/distccd
    printf '[toolchain.i686]\\nroot = \"/opt/arch32\"\\n' >/etc/distcc/toolchains.toml
    systemctl daemon-reload; systemctl start distccd.service";

#[test]
fn the_unit_lets_compilers_of_a_32_bit_root_run() {
    let (Some(image), Some(i386)) = (need::bootable_image(), need::i386_root()) else { return };
    let network = Network::new(0);
    let programs = Path::new(env!("CARGO_BIN_EXE_distccd")).parent().unwrap();
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shares = [(&*i386, "/opt/arch32"), (programs, "/opt/programs"), (checkout, "/opt/checkout")];
    let shares = shares.map(|(here, there)| Share { here, there, writable: false });
    let machine = Machine::boot(&image, network.builder(), &shares);
    machine.root(INSTALL);
    let compile = "cd /tmp; echo 'long f(void) { return sizeof(long); }' >x.i
        export DISTCC_HOSTS=127.0.0.1 DISTCC_FALLBACK=0 DISTCC_TOOLCHAIN_CHECK=off
        distcc i686-linux-gnu-gcc -O2 -c x.i -o x.o || { journalctl --sync; journalctl -u distccd -o cat; exit 1; }
        od -An -tx1 -j4 -N1 x.o; od -An -tx1 -j18 -N2 x.o";
    assert_eq!(machine.root(compile).out(), " 01\n 03 00\n");
}
