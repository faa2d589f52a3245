//! The client's messages where its stderr is read by the journal, and where DISTCC_LOG is. Knows nothing of hosts that work.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use test_hosts::need;
use test_hosts::process::run;
use test_hosts::workdir::Workdir;

use crate::reader::Reader;
use crate::rooms::Rooms;

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
/// Nobody listens there.
const HOST: &str = "127.0.0.1:1/3";

/// A compile that has to fall back, with stderr in a file.
fn compile(rooms: &Rooms, work: &Workdir, variables: &[(&str, &str)]) -> (Command, String) {
    work.write("x.c", "int x;\n");
    let stderr = File::create(work.path().join("stderr")).unwrap();
    let found = stderr.metadata().unwrap();
    let mut command = rooms.command("sh");
    command
        .args(["-c", "exec 2>\"$0\"; exec \"$@\""])
        .arg(work.path().join("stderr"))
        .args([DISTCC, "gcc", "-c", "x.c", "-o", "x.o"])
        .env("DISTCC_DIR", work.distcc_dir())
        .env("DISTCC_HOSTS", HOST)
        .envs(variables.iter().copied())
        .current_dir(work.src());
    (command, format!("{}:{}", found.dev(), found.ino()))
}

fn stderr(work: &Workdir) -> String {
    fs::read_to_string(work.path().join("stderr")).unwrap()
}

#[test]
fn the_journal_behind_stderr_gets_records() {
    if !need::root() {
        return;
    }
    let (rooms, work) = (Rooms::new(), Workdir::new());
    let journal = Reader::at(&rooms.journal());
    let (mut command, stream) = compile(&rooms, &work, &[]);
    command.env("JOURNAL_STREAM", stream);
    run(command).good();
    assert_eq!(stderr(&work), "");
    let failed = journal.record("cannot compile x.c on ");
    failed.check(&[
        "PRIORITY=4",
        "SYSLOG_IDENTIFIER=distcc",
        "DISTCC_FILE=x.c",
        &format!("DISTCC_HOST={HOST}"),
        &format!("MESSAGE=Warning: cannot compile x.c on {HOST}: {}", failed.get("DISTCC_REASON")),
    ]);
    assert!(failed.get("DISTCC_REASON").contains("Connection refused"), "{failed:?}");
    journal.record("running locally instead").check(&["DISTCC_FILE=x.c"]);
}

#[test]
fn any_other_stderr_gets_lines() {
    if !need::root() {
        return;
    }
    let check = |variables: &[(&str, &str)], with_journal: bool, expected_lines: usize| {
        let (rooms, work) = (Rooms::new(), Workdir::new());
        let journal = with_journal.then(|| Reader::at(&rooms.journal()));
        let (mut command, stream) = compile(&rooms, &work, variables);
        if !with_journal {
            command.env("JOURNAL_STREAM", stream);
        }
        run(command).good();
        let said = stderr(&work);
        assert_eq!(said.lines().count(), expected_lines, "{variables:?}: {said}");
        assert!(said.lines().all(|line| line.starts_with("distcc[")), "{said}");
        assert_eq!(journal.map_or(0, |journal| journal.records().len()), 0);
    };
    check(&[], true, 2);
    check(&[("JOURNAL_STREAM", "1:1")], true, 2);
    check(&[("JOURNAL_STREAM", "")], true, 2);
    check(&[("JOURNAL_STREAM", "what")], true, 2);
    // The variable is right, and yet there is nobody.
    check(&[], false, 2);
}

#[test]
fn a_log_file_is_where_everything_goes() {
    if !need::root() {
        return;
    }
    let (rooms, work) = (Rooms::new(), Workdir::new());
    let journal = Reader::at(&rooms.journal());
    let log = work.path().join("log");
    let (mut command, stream) = compile(&rooms, &work, &[]);
    command.env("JOURNAL_STREAM", stream).env("DISTCC_LOG", &log);
    run(command).good();
    let log = fs::read_to_string(log).unwrap();
    assert!(
        log.contains("Warning: cannot compile x.c on")
            && log.contains("] local: no-hosts: no host took it\n"),
        "{log}"
    );
    assert_eq!((stderr(&work).as_str(), journal.records().len()), ("", 0));
}
