//! Compilers that /etc/distcc/toolchains.toml offers, and what is wrong with such files. Knows nothing of other roots
//! and of our client.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;
use test_hosts::distccd::make_executable;
use test_hosts::need;
use test_hosts::process::{clean, run};
use test_hosts::wait::{wait_for, wait_until};
use test_hosts::workdir::Workdir;

use crate::daemon::{Daemon, SOON, distccd};
use crate::inquiries::{fingerprint, inquiry, proof, text_of, told};
use crate::wire::{answer, ask, exchange, read_all, request};

const SOURCE: &str = "int f(int a) { return a + 1; }\n";

/// A daemon whose file says this, with DIR for the directory that it is in.
fn daemon(work: &Workdir, options: &[&str], text: &str) -> Daemon {
    let file = write(work, text);
    Daemon::start(options, &[("DISTCCD_TOOLCHAINS", file.as_str())])
}

fn write(work: &Workdir, text: &str) -> String {
    let text = text.replace("DIR", work.path().to_str().unwrap());
    work.write("toolchains.toml", text).to_str().unwrap().to_owned()
}

/// Compilers in DIR/tools that make an object of their own name.
fn compilers(work: &Workdir, names: &[&str]) {
    work.open_dir("tools");
    compilers_at(work, "tools", names);
}

fn compilers_at(work: &Workdir, directory: &str, names: &[&str]) {
    let directory = work.path().join(directory);
    for path in names.iter().map(|name| directory.join(name)) {
        fs::write(&path, "#!/bin/sh\nbasename \"$0\" >t.o\n").unwrap();
        make_executable(&path);
    }
}

fn args(compiler: &str) -> [&str; 5] {
    [compiler, "-c", "t.c", "-o", "t.o"]
}

#[test]
fn a_directory_permits_its_compilers() {
    let work = Workdir::new();
    compilers(&work, &["odd-cpu-gcc", "odd-cpu-objcopy", "gcc", "no-triple"]);
    let list = work.write("list", "/usr/bin/true\n");
    let file = write(&work, "[toolchain.odd]\ndirectory = \"DIR/tools\"\n");
    let variables = [("DISTCC_CMDLIST", list.to_str().unwrap()), ("DISTCCD_TOOLCHAINS", file.as_str())];
    let daemon = Daemon::start(&[], &variables);
    for name in ["odd-cpu-gcc", "/usr/bin/odd-cpu-gcc"] {
        let answer = ask(daemon.address(), &args(name), SOURCE);
        assert_eq!(
            (answer.status, answer.object.as_slice()),
            (0, &b"odd-cpu-gcc\n"[..]),
            "{}",
            answer.stderr
        );
    }
    for name in ["odd-cpu-objcopy", "gcc", "no-triple", "odd-cpu-g++", "../tools/odd-cpu-gcc"] {
        assert_eq!(exchange(daemon.address(), &request(&args(name), SOURCE.as_bytes())), b"", "{name}");
    }
    let told = told(&daemon, &[]);
    assert!(told.contains("\ncompiler odd-cpu-gcc target= version= machine=unknown\n"), "{told}");
}

/// A job could not name it, and would get the native one.
#[test]
fn nobody_is_told_of_a_script_that_is_not_the_first() {
    let work = Workdir::new();
    compilers(&work, &["gcc"]);
    let daemon = daemon(&work, &["--enable-tcp-insecure"], "[toolchain.odd]\ndirectory = \"DIR/tools\"\n");
    let told = told(&daemon, &["gcc"]);
    assert_eq!(told.matches("\ncompiler gcc ").count(), 1, "{told}");
}

/// Its target says which of the compilers of that name it is.
#[test]
fn a_proof_finds_its_compiler_wherever_it_is() {
    let work = Workdir::new();
    fs::copy("/usr/bin/gcc", work.open_dir("bin").join("odd-cpu-gcc")).unwrap();
    symlink("/usr/lib", work.path().join("lib")).unwrap();
    let text = "[toolchain.odd]\ndirectory = \"DIR/bin\"\n";
    let daemon = daemon(&work, &["--enable-tcp-insecure"], text);
    let fits = proof(&fingerprint(&told(&daemon, &["odd-cpu-gcc"]), "odd-cpu-gcc"));
    let job = |name: &str| [fits.clone(), request(&args(name), SOURCE.as_bytes())].concat();
    assert_eq!(answer(&exchange(daemon.address(), &job("odd-cpu-gcc"))).status, 0);
    let refused = text_of(&exchange(daemon.address(), &job("other-cpu-gcc")));
    assert!(
        refused.starts_with("refused compiler other-cpu-gcc: no such program here; it has "),
        "{refused}"
    );
    let restricted = format!("{text}target = \"odd-cpu\"\n");
    write(&work, &restricted);
    daemon.signal(Signal::SIGHUP);
    wait_until(SOON, "a compiler that is not offered any more", || {
        ask(daemon.address(), &args("odd-cpu-gcc"), SOURCE).status == 0x6e00
    });
}

/// What the daemon says of a compiler that nobody has.
#[track_caller]
fn answered(daemon: &Daemon) -> String {
    let answer = ask(daemon.address(), &args("none-gcc"), SOURCE);
    let line = "] ERROR: failed to exec none-gcc: no such program on the PATH of this server; ";
    answer.stderr.split_once(line).expect(&answer.stderr).1.to_owned()
}

#[test]
fn a_compiler_that_is_not_here_is_answered_with_those_that_are() {
    let work = Workdir::new();
    let daemon = daemon(&work, &["--enable-tcp-insecure"], "");
    let native = format!(" for {}-", std::env::consts::ARCH);
    let is_told =
        |said: &str| said.starts_with("it has ") && said.contains("gcc 1") && said.contains(&native);
    wait_until(SOON, "a list of what there is", || is_told(&answered(&daemon)));
}

/// The "code 110" of distcc 3.4: which program it is, why, and in the log what to do.
#[test]
fn a_compiler_that_the_daemon_may_not_run() {
    if !need::root() {
        return;
    }
    let work = Workdir::new();
    compilers(&work, &["odd-cpu-gcc"]);
    let closed = work.path().join("tools/odd-cpu-gcc");
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let text = "[toolchain.odd]\ndirectory = \"DIR/tools\"\n";
    let why = format!("{}: Permission denied (os error 13)", closed.display());
    for (target, expected) in [
        (
            "target = \"odd-cpu\"\n",
            format!("odd-cpu-gcc: no such program on the PATH of this server; {why}\n"),
        ),
        ("", format!("failed to exec {why}\n")),
    ] {
        let daemon = daemon(&work, &["--enable-tcp-insecure"], &format!("{text}{target}"));
        let job = request(&args("odd-cpu-gcc"), SOURCE.as_bytes());
        let unproven = text_of(&exchange(daemon.address(), &[proof(&"5".repeat(64)), job].concat()));
        assert_eq!(
            unproven,
            format!("refused compiler odd-cpu-gcc cannot be asked what it is here: {why}\n")
        );
        let answer = ask(daemon.address(), &args("odd-cpu-gcc"), SOURCE);
        assert!(answer.status == 0x6e00 && answer.stderr.ends_with(&expected), "{}", answer.stderr);
        let told = told(&daemon, &["odd-cpu-gcc"]);
        assert!(told.ends_with(&format!("missing odd-cpu-gcc {why}\n")), "{told}");
        daemon.wait_for_log(&format!("may not pass {0}: type `chmod a+rx {0}`", closed.display()));
        fs::set_permissions(&closed, Permissions::from_mode(0o755)).unwrap();
        daemon.signal(Signal::SIGHUP);
        // Sooner than it would ask again by itself.
        wait_until(Duration::from_secs(8), "a compiler that may be run", || {
            crate::inquiries::told(&daemon, &["odd-cpu-gcc"]) != told
        });
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    }
}

/// A job without a proof would get the one that cannot be asked, as soon as that can be.
#[test]
fn what_comes_after_a_silent_compiler_needs_a_proof() {
    if !need::root() {
        return;
    }
    let work = Workdir::new();
    compilers(&work, &["odd-cpu-gcc"]);
    let silent = work.path().join("tools/odd-cpu-gcc");
    fs::set_permissions(&silent, Permissions::from_mode(0o700)).unwrap();
    fs::copy("/usr/bin/gcc", work.open_dir("bin").join("odd-cpu-gcc")).unwrap();
    symlink("/usr/lib", work.path().join("lib")).unwrap();
    work.open_dir("scripts");
    compilers_at(&work, "scripts", &["odd-cpu-gcc"]);
    let check = |behind: &str, serves_one: bool, expected: usize| {
        let text = "[toolchain.a]\ndirectory = \"DIR/tools\"\n[toolchain.b]\ndirectory = \"DIR/BEHIND\"\n";
        let text = text.replace("BEHIND", behind);
        let told = if serves_one {
            told_to_one(&write(&work, &text), "odd-cpu-gcc")
        } else {
            told(&daemon(&work, &["--enable-tcp-insecure"], &text), &["odd-cpu-gcc"])
        };
        assert_eq!(told.matches("\ncompiler odd-cpu-gcc ").count(), expected, "{behind}: {told}");
        let missing = format!("\nmissing odd-cpu-gcc {}: Permission denied ", silent.display());
        assert_eq!(told.contains(&missing), expected == 0, "{behind}: {told}");
    };
    check("bin", false, 1);
    check("scripts", false, 0);
    check("bin", true, 0);
}

/// What a daemon tells the one client that it is started for.
#[track_caller]
fn told_to_one(toolchains: &str, name: &str) -> String {
    let work = Workdir::new();
    work.open_dir("spool");
    let mut command = distccd(&["--inetd", "--enable-tcp-insecure", "--log-file=/dev/null"], &work);
    command.env("DISTCCD_TOOLCHAINS", toolchains).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // What the client sends ends with the client.
    let mut to = child.stdin.take().unwrap();
    to.write_all(&inquiry(&[name])).unwrap();
    let answer = read_all(&mut child.stdout.take().unwrap());
    assert!(wait_for(SOON, "the end of the daemon", || child.try_wait().unwrap()).success());
    text_of(&answer)
}

#[test]
fn nobody_is_told_of_compilers_that_have_gone() {
    let work = Workdir::new();
    let odd = work.open_dir("tools").join("odd-cpu-gcc");
    let put = || {
        let says = "#!/bin/sh\ncase $1 in -dumpmachine) echo odd-cpu;; -dump*) echo 9.9.9;;\n\
            --version) echo odd; echo Free Software Foundation;; esac\n";
        fs::write(&odd, says).unwrap();
        make_executable(&odd);
    };
    put();
    let text = "[toolchain.odd]\ndirectory = \"DIR/tools\"\n";
    let daemon = daemon(&work, &["--enable-tcp-insecure"], text);
    let comes_to_be = |told_of: bool| {
        wait_until(SOON, &format!("told of it: {told_of}"), || {
            answered(&daemon).contains("gcc 9.9.9 for odd-cpu") == told_of
        });
        let line = told(&daemon, &["gcc"]);
        assert_eq!(
            line.lines().any(|line| line.starts_with("targets ") && line.contains(" odd-cpu")),
            told_of,
            "{line}"
        );
    };
    comes_to_be(true);
    fs::remove_file(&odd).unwrap();
    comes_to_be(false);
    put();
    comes_to_be(true);
    write(&work, "");
    daemon.signal(Signal::SIGHUP);
    comes_to_be(false);
}

/// Clients name the target, and native compilers of some systems do not.
#[test]
fn a_native_compiler_is_found_by_its_target() {
    let Some(clang) = need::program("clang", "install clang") else { return };
    let mut asked = clean(clang);
    asked.arg("-dumpmachine");
    let target = run(asked).out();
    let work = Workdir::new();
    work.open_dir("tools");
    let daemon = daemon(&work, &["--enable-tcp-insecure"], "[toolchain.a]\ndirectory = \"DIR/tools\"\n");
    let name = format!("{}-clang", target.trim());
    let there = ask(daemon.address(), &args(&name), SOURCE);
    let native = ask(daemon.address(), &args("clang"), SOURCE);
    assert_eq!((there.status, there.object == native.object), (0, true), "{}", there.stderr);
    let fits = proof(&fingerprint(&told(&daemon, &[&name]), &name));
    let job = request(&args(&name), SOURCE.as_bytes());
    assert_eq!(answer(&exchange(daemon.address(), &[fits, job].concat())).status, 0);
    // What is called just so comes before what is only native for it.
    compilers_at(&work, "tools", &[&name]);
    assert_eq!(ask(daemon.address(), &args(&name), SOURCE).object, format!("{name}\n").as_bytes());
    let told = told(&daemon, &[&name]);
    let first = told.lines().find(|line| line.starts_with("compiler ")).expect(&told);
    assert!(first.contains(" target= "), "{told}");
    assert_eq!(ask(daemon.address(), &args("odd-cpu-clang"), SOURCE).status, 0x6e00);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_native_compiler_stands_in_where_that_is_allowed() {
    let work = Workdir::new();
    let class = |object: &[u8]| object.get(4).copied();
    let daemon = daemon(&work, &["--enable-tcp-insecure"], "multilib = true\n");
    let made = ask(daemon.address(), &args("i686-odd-linux-gnu-gcc"), SOURCE);
    assert_eq!((made.status, class(&made.object)), (0, Some(1)), "{}", made.stderr);
    let told = told(&daemon, &["i686-odd-linux-gnu-gcc"]);
    let line = told.lines().find(|line| line.starts_with("compiler ")).expect(&told);
    assert!(line.contains(" target=i686-odd-linux-gnu "), "{line}");
    let with_proof = |words: &[&str]| {
        let fits = proof(&fingerprint(&told, "i686-odd-linux-gnu-gcc"));
        let words = [&["i686-odd-linux-gnu-gcc"], words, &["-c", "t.c", "-o", "t.o"]].concat();
        exchange(daemon.address(), &[fits, request(&words, SOURCE.as_bytes())].concat())
    };
    assert_eq!(class(&answer(&with_proof(&["-O2"])).object), Some(1));
    let refused = text_of(&with_proof(&["-O2", "-g"]));
    assert_eq!(refused, "refused job gcc -m32 stands in for i686-odd-linux-gnu-gcc here, but not with -g\n");
    let native = proof(&fingerprint(&crate::inquiries::told(&daemon, &["gcc"]), "gcc"));
    let job = request(&args("i686-odd-linux-gnu-gcc"), SOURCE.as_bytes());
    let refused = text_of(&exchange(daemon.address(), &[native, job].concat()));
    assert!(refused.starts_with("refused compiler "), "{refused}");
    write(&work, "multilib = false\n");
    daemon.signal(Signal::SIGHUP);
    wait_until(SOON, "no more than is allowed", || {
        ask(daemon.address(), &args("i686-odd-linux-gnu-gcc"), SOURCE).status == 0x6e00
    });
}

#[test]
fn a_wrong_file_changes_nothing_while_the_daemon_serves() {
    let work = Workdir::new();
    compilers(&work, &["odd-cpu-gcc"]);
    let daemon = daemon(
        &work,
        &[],
        "[toolchain.odd]\ndirectory = \"DIR/tools\"\n[toolchain.gone]\nroot = \"DIR/gone\"\n",
    );
    daemon.wait_for_log("/toolchains.toml:3: ");
    write(&work, "[toolchain.odd]\ndirectry = \"DIR/tools\"\n");
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_log("/toolchains.toml:2: unknown key `directry`");
    daemon.wait_for_log("; what was read before stays in force\n");
    assert_eq!(ask(daemon.address(), &args("odd-cpu-gcc"), SOURCE).status, 0);
}

/// The line of the file that is wrong, and how it is called.
#[test]
fn a_daemon_with_a_wrong_file_does_not_start() {
    let work = Workdir::new();
    work.open_dir("spool");
    for (text, expected) in [
        ("multilib = 1\n", "1: multilib is neither true nor false"),
        ("\nmulti = true\n", "2: unknown key `multi`"),
        ("toolchain = 1\n", "1: toolchain is no table"),
        ("[toolchain]\na = 1\n", "2: `a` is no section"),
        ("[toolchain.a]\n", "1: [toolchain.a] has no place"),
        ("[toolchain.a]\nroot = \"/a\"\nflags = 1\n", "3: unknown key `flags`"),
        ("[toolchain.a]\nroot = \"/a\"\ndirectory = \"/b\"\n", "2: [toolchain.a] has a root and a directory"),
        ("[toolchain.a]\nroot = \"a\"\n", "2: root `a` does not begin with /"),
        ("[toolchain.a]\nroot = \"/\"\n", "2: root is this machine's own root"),
        ("[toolchain.a]\ndirectory = 1\n", "2: directory is no text"),
        ("[toolchain.\"a b\"]\nroot = \"/a\"\n", "1: `a b` is no name"),
        ("[toolchain.a]\nroot = \"/a\"\ntarget = 1\n", "3: target is no target"),
        ("root /a\n", "1: this is not TOML"),
    ] {
        refused(&work, Path::new(&write(&work, text)), &format!("/toolchains.toml:{expected}"));
    }
    refused(&work, Path::new("/nowhere/t.toml"), "cannot read /nowhere/t.toml: No such file or directory");
}

#[track_caller]
fn refused(work: &Workdir, file: &Path, expected: &str) {
    let mut command = distccd(&["--daemon", "--no-detach", "--port=0", "--enable-tcp-insecure"], work);
    command.env("DISTCCD_TOOLCHAINS", file);
    let outcome = run(command);
    assert_eq!(outcome.code(), Some(101), "{}", outcome.err());
    let said = outcome.err();
    assert!(said.contains(expected) && said.lines().count() == 1, "{said}");
}
