//! The real journal of a machine that booted: what journalctl shows of the daemon's and the client's records.

use std::path::Path;

use serde_json::Value;
use test_hosts::need;
use test_hosts::netns::Network;
use test_hosts::nspawn::{Machine, Share};

/// The records that `journalctl` finds for these words.
#[track_caller]
fn records(machine: &Machine, words: &str) -> Vec<Value> {
    let found = machine.root(&format!("journalctl --sync; journalctl -o json {words}")).out();
    found.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn check(record: &Value, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(record[name], *value, "{name} of {record}");
    }
}

/// The service as packages install it, which is allowed little, and whose settings bring a warning at its start.
const SERVE: &str = "
    useradd --system distcc
    cp /opt/distcc/distccd /usr/bin
    cp /opt/systemd/distccd.service /etc/systemd/system
    mkdir -p /etc/conf.d
    printf '%s\\n' DISTCC_ARGS=--enable-tcp-insecure DISTCCD_PRINCIPAL=x >/etc/conf.d/distccd
    systemctl daemon-reload
    systemctl start distccd.service
";

#[test]
fn journalctl_finds_jobs_by_their_facts() {
    let Some(image) = need::bootable_image() else { return };
    let programs = Path::new(env!("CARGO_BIN_EXE_distccd")).parent().unwrap();
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let shares = [
        Share { here: programs, there: "/opt/distcc", writable: false },
        Share { here: &units, there: "/opt/systemd", writable: false },
    ];
    let network = Network::new(0);
    let machine = Machine::boot(&image, network.builder(), &shares);
    machine.root(SERVE);
    machine.root("cd /root; echo 'int x;' >good.c; echo 'int x = y;' >bad.c");
    warnings_of_the_start_come_once(&machine);
    facts_of_jobs(&machine);
    messages_of_a_client(&machine);
    stderr_is_the_journals_too(&machine);
    a_journal_that_restarts_is_found_again(&machine);
}

/// To the log and to stderr, which is the journal as well.
fn warnings_of_the_start_come_once(machine: &Machine) {
    let told = records(machine, "-u distccd.service -p warning");
    assert_eq!(told.len(), 1, "{told:?}");
}

fn facts_of_jobs(machine: &Machine) {
    machine.root(
        "cd /root
        for file in good bad; do
            DISTCC_HOSTS=127.0.0.1 DISTCC_FALLBACK=0 /opt/distcc/distcc gcc -c $file.c || true
        done",
    );
    let jobs = records(machine, "DISTCC_FILE=good.c DISTCC_RESULT=COMPILE_OK");
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    check(
        &jobs[0],
        &[
            ("PRIORITY", "5"),
            ("SYSLOG_IDENTIFIER", "distccd"),
            ("_SYSTEMD_UNIT", "distccd.service"),
            ("_TRANSPORT", "journal"),
            ("DISTCC_CLIENT", "127.0.0.1"),
            ("DISTCC_COMPILER", "x86_64-linux-gnu-gcc"),
            ("DISTCC_EXIT", "0"),
        ],
    );
    let failed = records(machine, "-u distccd DISTCC_RESULT=COMPILE_ERROR");
    assert_eq!(failed.len(), 1, "{failed:?}");
    check(&failed[0], &[("DISTCC_FILE", "bad.c"), ("DISTCC_EXIT", "1")]);
}

fn messages_of_a_client(machine: &Machine) {
    machine.root(
        "systemd-run --wait --unit=build --setenv=DISTCC_HOSTS=127.0.0.1:1 --setenv=DISTCC_DIR=/root \
            --working-directory=/root /opt/distcc/distcc gcc -c good.c",
    );
    let told = records(machine, "-u build DISTCC_HOST=127.0.0.1:1 -p warning");
    let reasons: Vec<&Value> = told.iter().map(|record| &record["DISTCC_REASON"]).collect();
    assert!(reasons.iter().any(|reason| reason.to_string().contains("Connection refused")), "{told:?}");
    check(&told[0], &[("SYSLOG_IDENTIFIER", "distcc"), ("_TRANSPORT", "journal"), ("DISTCC_FILE", "good.c")]);
}

fn stderr_is_the_journals_too(machine: &Machine) {
    machine.root(
        "systemd-run --unit=second --property=Type=notify /usr/bin/distccd --daemon --no-detach --user nobody \
            --port 4000 --log-stderr --log-level info --enable-tcp-insecure
        systemctl stop second",
    );
    let second = records(machine, "_EXE=/usr/bin/distccd -u second");
    assert!(!second.is_empty());
    for record in &second {
        check(record, &[("_TRANSPORT", "journal"), ("SYSLOG_IDENTIFIER", "distccd")]);
    }
}

fn a_journal_that_restarts_is_found_again(machine: &Machine) {
    machine.root(
        "systemctl restart systemd-journald
        cd /root; DISTCC_HOSTS=127.0.0.1 DISTCC_FALLBACK=0 /opt/distcc/distcc gcc -c good.c -o again.o",
    );
    assert_eq!(records(machine, "DISTCC_RESULT=COMPILE_OK").len(), 2);
}
