//! A daemon that systemd stops while it compiles: with `--drain` the unit's own patience does not count. Knows nothing of
//! packages.

use std::path::Path;

use test_hosts::need;
use test_hosts::netns::Network;
use test_hosts::nspawn::{Machine, Share};

const INSTALL: &str = r#"
    install /opt/ours/distcc /opt/ours/distccd /usr/bin
    cp /opt/systemd/distccd.service /etc/systemd/system
    systemd-sysusers /opt/systemd/sysusers.d/distcc.conf
    mkdir -p /etc/conf.d /usr/lib/distcc /etc/systemd/system/distccd.service.d
    printf '[Service]\nTimeoutStopSec=1\n' >/etc/systemd/system/distccd.service.d/impatient.conf
    printf '#!/bin/sh\ncase " $* " in *" -E "*) ;; *) sleep 4 ;; esac\nexec gcc "$@"\n' >/usr/bin/slow-cc
    chmod 755 /usr/bin/slow-cc
    ln -s ../../bin/distcc /usr/lib/distcc/slow-cc
    systemctl daemon-reload
    echo 'int x;' >/tmp/x.c
"#;

/// Stops the service under a client whose compiler has four seconds to go, and says how both ended.
const STOP: &str = r#"
    echo "DISTCC_ARGS=\"--allow-private $OPTIONS\"" >/etc/conf.d/distccd
    systemctl restart distccd.service
    cd /tmp
    DISTCC_HOSTS=127.0.0.1 DISTCC_FALLBACK=0 DISTCC_TOOLCHAIN_CHECK=off distcc slow-cc -c x.c 2>said & client=$!
    for _ in $(seq 200); do pgrep -u distcc sleep >/dev/null && break; sleep 0.05; done
    systemctl stop distccd.service
    wait $client && echo compiled || echo refused
    systemctl show -P Result distccd.service
    pgrep -u distcc || true
"#;

#[test]
fn a_stop_waits_for_compilers_if_it_is_to() {
    let Some(image) = need::bootable_image() else { return };
    let network = Network::new(0);
    let programs = Path::new(env!("CARGO_BIN_EXE_distccd")).parent().unwrap();
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let shares = [
        Share { here: programs, there: "/opt/ours", writable: false },
        Share { here: &units, there: "/opt/systemd", writable: false },
    ];
    let machine = Machine::boot(&image, network.builder(), &shares);
    machine.root(INSTALL);
    for (options, expected) in [("--drain=30", "compiled\nsuccess\n"), ("", "refused\nsuccess\n")] {
        let ended = machine.root(&format!("OPTIONS={options}\n{STOP}")).out();
        assert_eq!(ended, expected, "{options}: {}", machine.root("journalctl -u distccd -o cat").out());
    }
}
