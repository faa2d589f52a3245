//! Jobs that are served: real compilers, what they are told and what comes back. Knows nothing of refusals.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use test_hosts::client::Client;
use test_hosts::distccd::make_executable;
use test_hosts::need;
use test_hosts::process::{clean, run};
use test_hosts::stub::{OBJECT, Stub};
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;

use crate::daemon::Daemon;
use crate::wire::{Answer, ask, connect, exchange, head, read_all, request};

const LIMIT: Duration = Duration::from_secs(10);

/// As a preprocessor that was called with -g in /the/client leaves it.
const MARKED: &str =
    "# 1 \"src/t.c\"\n# 1 \"/the/client//\"\n# 1 \"src/t.c\"\nint f(int a) { return a + 1; }\n";
const UNMARKED: &str = "int f(int a) { return a + 1; }\n";

const GCC: [&str; 5] = ["gcc", "-c", "src/t.c", "-o", "out/t.o"];

/// What the compiler makes of it without a daemon, in a directory of its own.
fn compiled_here(words: &[&str], name: &str, source: &str) -> Vec<u8> {
    let work = Workdir::new();
    work.write(name, source);
    let mut command: Command = clean(format!("/usr/bin/{}", words[0]));
    command.args(&words[1..]).args([name, "-o", "t.o"]).current_dir(work.src());
    run(command).good();
    fs::read(work.src().join("t.o")).unwrap()
}

/// Then the whole request comes with the last word of the command.
#[test]
fn a_source_may_be_empty() {
    let daemon = Daemon::insecure(&[]);
    let answer = ask(daemon.address(), &GCC, "");
    assert_eq!(answer.status, 0, "{}", answer.stderr);
}

#[test]
fn an_answer_to_the_byte() {
    let daemon = Daemon::insecure(&[]);
    let object = compiled_here(&["gcc", "-c", "-O2"], "t.i", MARKED);
    let mut expected =
        format!("DONE00000001STAT00000000SERR00000000SOUT00000000DOTO{:08x}", object.len()).into_bytes();
    expected.extend(&object);
    let args = ["gcc", "-O2", "-c", "src/t.c", "-o", "out/t.o"];
    assert!(exchange(daemon.address(), &request(&args, MARKED.as_bytes())) == expected);
    daemon.wait_for_log(" COMPILE_OK exit:0 sig:0 core:0 ret:0 time:");
    daemon.wait_for_log("ms gcc src/t.c\n");
    daemon.wait_for_log("] compile from t.c to t.o\n");
    daemon.wait_for_log("] gcc src/t.c on localhost completed ok\n");
    daemon.wait_for_log("] job complete (from 127.0.0.1:");
    daemon.wait_for_empty_spool();
}

#[test]
fn wrong_sources_name_the_clients_file() {
    let daemon = Daemon::insecure(&[]);
    for (args, source, expected) in [
        (GCC, "# 1 \"src/t.c\"\nint f(\n", "src/t.c:"),
        (GCC, "int f(\n", "t.i:"),
        (["gcc", "-c", "/the/client/t.c", "-o", "t.o"], "int f(\n", "t.i:"),
    ] {
        let Answer { status, stderr, stdout, object } = ask(daemon.address(), &args, source);
        assert_eq!((status, stdout.as_str(), object.len()), (0x100, "", 0));
        assert!(stderr.starts_with(expected), "{stderr}");
        assert!(!stderr.contains("spool"), "{stderr}");
    }
    daemon.wait_for_log(" COMPILE_ERROR exit:1 sig:0 core:0 ret:0 time:");
    daemon.wait_for_log("] gcc src/t.c on localhost completed failed\n");
}

#[test]
fn a_warning_comes_with_the_object() {
    let daemon = Daemon::insecure(&[]);
    let answer = ask(daemon.address(), &["gcc", "-Wall", "-c", "t.c", "-o", "t.o"], "static int f;\n");
    assert_eq!(answer.status, 0);
    assert!(answer.stderr.contains("-Wunused-variable") && !answer.object.is_empty(), "{}", answer.stderr);
}

#[test]
fn debug_information_names_the_clients_directory() {
    let daemon = Daemon::insecure(&[]);
    let contains =
        |object: &[u8], text: &str| object.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    let debugging =
        |compiler, source| ask(daemon.address(), &[compiler, "-g", "-c", "t.c", "-o", "t.o"], source).object;
    let marked = debugging("gcc", MARKED);
    assert!(marked == compiled_here(&["gcc", "-c", "-g"], "t.i", MARKED));
    assert!(contains(&marked, "/the/client"));
    for compiler in ["gcc", "clang"] {
        if need::program(compiler, "install it").is_none() {
            continue;
        }
        for source in [MARKED, UNMARKED] {
            let object = debugging(compiler, source);
            assert!(contains(&object, "t.c") || contains(&object, "t.i"), "{compiler}");
            assert!(!contains(&object, "spool") && !contains(&object, "distccd"), "{compiler}: {source}");
        }
    }
}

#[test]
fn a_c_client_in_both_versions() {
    let Some(c) = need::c_distcc() else { return };
    let daemon = Daemon::insecure(&[]);
    let work = Workdir::new();
    let source =
        format!("#include <stdio.h>\nint main(void) {{ puts(\"{}\"); return 0; }}\n", "x".repeat(5000));
    work.write("hello.c", source);
    let plain = Client::new(c.distcc, &work, "").run_plain(&["gcc", "-c", "hello.c", "-o", "plain.o"]);
    plain.good();
    for suffix in ["", ",lzo"] {
        let hosts = format!("{}{suffix}", daemon.address());
        let client = Client::new(c.distcc, &work, &hosts).env("DISTCC_FALLBACK", "0");
        client.run(&["gcc", "-c", "hello.c", "-o", "hello.o"]).good();
        let [distributed, plain] =
            ["hello.o", "plain.o"].map(|name| fs::read(work.src().join(name)).unwrap());
        assert!(distributed == plain, "{suffix}");
    }
    daemon.wait_for_empty_spool();
    // The log is written when the answer is.
    wait_until(LIMIT, "both jobs in the log", || daemon.log().matches("COMPILE_OK").count() == 2);
}

#[test]
fn long_sources_and_objects() {
    let daemon = Daemon::insecure(&[]);
    let long = format!("int x[500000] = {{1}};{}\n", " ".repeat(1_000_000));
    let answer = ask(daemon.address(), &GCC, &long);
    assert!(answer.status == 0 && answer.object.len() > 2_000_000, "{}", answer.stderr);
}

#[test]
fn a_compiler_finds_a_clean_house() {
    let work = Workdir::new();
    let script = work.path().join("cc");
    fs::write(
        &script,
        "#!/bin/sh\nenv | sort; echo in $PWD; ls; umask; : >t.o; : >left; mkdir -p deep/er; chmod 500 deep\n",
    )
    .unwrap();
    make_executable(&script);
    let daemon = Daemon::start(&["--enable-tcp-insecure"], &[("SECRET", "1"), ("LANG", "C"), ("LC_ALL", "")]);
    let Answer { status, stdout, .. } =
        ask(daemon.address(), &[script.to_str().unwrap(), "-c", "t.c", "-o", "t.o"], "");
    assert_eq!(status, 0);
    let lines: Vec<&str> = stdout.lines().collect();
    let names: Vec<&str> = lines.iter().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    // PWD is the shell's own doing.
    assert_eq!(names, ["HOME", "LANG", "PATH", "PWD", "TMPDIR", "_DISTCC_SAFEGUARD"], "{stdout}");
    let place = lines.iter().find_map(|line| line.strip_prefix("TMPDIR=")).unwrap();
    assert!(lines.contains(&format!("in {place}").as_str()) && lines.contains(&"t.i"), "{stdout}");
    daemon.wait_for_empty_spool();
}

#[test]
fn a_compiler_that_is_not_there_is_answered() {
    let daemon = Daemon::insecure(&[]);
    for compiler in ["no-such-cc", "/nowhere/cc"] {
        let answer = ask(daemon.address(), &[compiler, "-c", "t.c", "-o", "t.o"], UNMARKED);
        assert_eq!((answer.status, answer.object.len()), (0x6e00, 0));
        assert!(answer.stderr.contains(&format!("] ERROR: failed to exec {compiler}: no such program")));
    }
    daemon.wait_for_log(" COMPILE_ERROR exit:110 sig:0 core:0 ret:0 time:");
}

#[test]
fn a_compiler_that_dies_of_a_signal() {
    let work = Workdir::new();
    let script = work.path().join("cc");
    fs::write(&script, "#!/bin/sh\necho oops >&2; kill -SEGV $$\n").unwrap();
    make_executable(&script);
    let daemon = Daemon::insecure(&[]);
    let answer = ask(daemon.address(), &[script.to_str().unwrap(), "-c", "t.c", "-o", "t.o"], UNMARKED);
    assert_eq!((answer.status & 0x7f, answer.stderr.as_str(), answer.object.len()), (11, "oops\n", 0));
    daemon.wait_for_log(" COMPILE_ERROR exit:0 sig:11 ");
}

#[test]
fn a_compiler_that_writes_without_end_is_stopped() {
    let work = Workdir::new();
    let script = work.path().join("cc");
    let text =
        "#!/bin/sh\nuntil [ $(ulimit -f) = 8192 ]; do sleep 0.01; done; ulimit -c; ulimit -Hf; : >t.o\n";
    fs::write(&script, text).unwrap();
    make_executable(&script);
    let daemon = Daemon::start(&["--enable-tcp-insecure"], &[("DISTCC_MAX_BODY", "1")]);
    let answer = ask(daemon.address(), &[script.to_str().unwrap(), "-c", "t.c", "-o", "t.o"], "");
    assert_eq!((answer.status, answer.stdout.as_str()), (0, "0\n8192\n"), "in blocks of 512 bytes");
}

#[test]
fn no_more_compilers_than_jobs() {
    let work = Workdir::new();
    let stub = Stub::new(&work, "0.1");
    let daemon = Daemon::insecure(&["--jobs", "2"]);
    thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| {
                let answer = ask(daemon.address(), &[stub.word(), "-c", "t.c", "-o", "t.o"], UNMARKED);
                assert_eq!(answer.object, OBJECT);
            });
        }
    });
    assert_eq!((stub.diary().most, stub.diary().ended), (2, 30));
}

#[test]
fn those_who_say_nothing_keep_nobody_waiting() {
    let daemon = Daemon::insecure(&["--jobs", "1"]);
    let mut silent: Vec<_> = (0..300).map(|_| connect(daemon.address())).collect();
    silent.iter_mut().for_each(|stream| std::io::Write::write_all(stream, b"D").unwrap());
    assert_eq!(ask(daemon.address(), &GCC, UNMARKED).status, 0);
    drop(silent);
}

#[test]
fn who_waits_for_his_preprocessor_keeps_nobody_waiting() {
    let daemon = Daemon::insecure(&["--jobs", "1"]);
    let mut waiting: Vec<_> = (0..5).map(|_| connect(daemon.address())).collect();
    waiting.iter_mut().for_each(|stream| std::io::Write::write_all(stream, &head(&GCC)).unwrap());
    assert_eq!(ask(daemon.address(), &GCC, UNMARKED).status, 0);
    for stream in &mut waiting {
        std::io::Write::write_all(stream, b"DOTI00000000").unwrap();
        assert!(read_all(stream).starts_with(b"DONE00000001STAT00000000"));
    }
}
