//! Requests that are not served: each is logged with its reason and answered with nothing, while others are served.
//! Knows nothing of what is served.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use test_hosts::distccd::make_executable;
use test_hosts::workdir::Workdir;

use crate::daemon::Daemon;
use crate::wire::{ask, connect, exchange, head, read_all, request};

const GCC: [&str; 5] = ["gcc", "-c", "t.c", "-o", "t.o"];

#[track_caller]
fn refused(daemon: &Daemon, bytes: &[u8], reason: &str) {
    let logged = daemon.log().len();
    assert_eq!(String::from_utf8_lossy(&exchange(daemon.address(), bytes)), "", "{reason}");
    daemon.wait_for_log_after(logged, reason);
}

fn with(option: &str) -> Vec<u8> {
    let mut args = GCC.to_vec();
    args.extend(option.split(' '));
    request(&args, b"int x;\n")
}

#[test]
fn options_that_load_code_or_touch_other_files() {
    let daemon = Daemon::insecure(&[]);
    served_meanwhile(&daemon, || {
        for option in [
            "-fplugin=/tmp/evil.so",
            "-fplugin /tmp/evil.so",
            "-B/tmp",
            "-B /tmp",
            "-wrapper /tmp/evil",
            "-specs=/tmp/evil",
            "--specs=/tmp/evil",
            "-Xclang -load",
            "-fmodule-mapper=|/tmp/evil",
            "@/etc/passwd",
            "-o /tmp/evil",
        ] {
            refused(&daemon, &with(option), "Warning: command refused: ");
        }
    });
    daemon.wait_for_log(" OTHER exit:0 sig:0 core:0 ret:100 time:");
}

#[test]
fn a_command_is_refused_before_its_source_has_come() {
    let daemon = Daemon::insecure(&[]);
    refused(&daemon, &head(&[&GCC[..], &["-fplugin=/tmp/evil.so"]].concat()), "command refused: ");
    let daemon = Daemon::start(&[], &[("DISTCC_CMDLIST", "/nowhere/list")]);
    refused(&daemon, &head(&GCC), "compiler \"gcc\" refused: ");
}

#[test]
fn objects_that_are_no_files() {
    let work = Workdir::new();
    let daemon = Daemon::start(&["--enable-tcp-insecure"], &[("DISTCC_MAX_BODY", "1")]);
    let script = work.path().join("cc");
    for (leave, reason) in [
        ("mkfifo t.o", "the object is not a file"),
        ("mkdir t.o", "the object is not a file"),
        ("ln -s /etc/passwd t.o", "symbolic link"),
        ("head -c 1048577 /dev/zero >t.o", "1048577 bytes are over the limit of 1048576"),
    ] {
        fs::write(&script, format!("#!/bin/sh\n{leave}\n")).unwrap();
        make_executable(&script);
        let bytes = request(&[&[script.to_str().unwrap()], &GCC[1..]].concat(), b"");
        refused(&daemon, &bytes, "ERROR: cannot read what the compiler made: ");
        assert!(daemon.log().contains(reason), "{}", daemon.log());
        daemon.wait_for_empty_spool();
    }
}

#[test]
fn bytes_that_are_no_request() {
    let daemon = Daemon::insecure(&[]);
    let claims = |text: &str| [text.as_bytes(), &[b'x'; 10_000]].concat();
    let many: Vec<&str> = std::iter::repeat_n("-c", 100_000).collect();
    let bad = " REJ_BAD_REQ exit:0 sig:0 core:0 ret:109 ";
    served_meanwhile(&daemon, || {
        refused(&daemon, &head(&many), bad);
        refused(&daemon, &claims("DIST00000001ARGCffffffff"), bad);
        refused(&daemon, &claims("DIST00000001ARGC00000001ARGVffffffff"), bad);
        refused(&daemon, &[head(&GCC), claims("DOTIffffffff")].concat(), bad);
        refused(&daemon, b"GET / HTTP/1.0\r\n\r\n", bad);
        refused(&daemon, b"DIST00000009ARGC00000001", bad);
        refused(&daemon, b"DIST00000001ARGC00000000DOTI00000000", bad);
        refused(&daemon, b"DIST00000001ARGX00000001", bad);
        let broken =
            [b"DIST00000002".as_slice(), &head(&GCC)[12..], b"DOTI00000004\xff\xff\xff\xff"].concat();
        refused(&daemon, &broken, bad);
    });
    assert!(daemon.log().contains("ERROR: bad request: ARGC of 4294967295 is over the limit of "));
}

#[test]
fn a_client_that_leaves_before_it_has_asked() {
    let daemon = Daemon::insecure(&[]);
    for bytes in [&b""[..], b"DIST", &head(&GCC), &request(&GCC, b"int x;\n")[..105]] {
        let logged = daemon.log().len();
        drop_after(&daemon, bytes);
        daemon.wait_for_log_after(logged, " OTHER exit:0 sig:0 core:0 ret:108 ");
    }
}

fn drop_after(daemon: &Daemon, bytes: &[u8]) {
    let mut stream = connect(daemon.address());
    stream.write_all(bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut stream), b"");
}

#[test]
fn addresses() {
    let denied = "ERROR: connection from client '127.0.0.1:";
    let daemon = Daemon::insecure(&["--allow", "127.0.0.2"]);
    refused(&daemon, &request(&GCC, b"int x;\n"), denied);
    refused(&daemon, &request(&GCC, b"int x;\n"), "' denied by access list");
    assert!(!daemon.log().contains("client: 127"), "no summary for who was not let in");
    for allowed in [&["--allow", "127.0.0.2", "--allow", "127.0.0.0/24"][..], &["--allow-private"], &[]] {
        assert_eq!(ask(Daemon::insecure(allowed).address(), &GCC, "int x;\n").status, 0, "{allowed:?}");
    }
}

#[test]
fn compilers_that_are_not_listed() {
    let work = Workdir::new();
    let list = work.write("list", "# what clients may run\n/usr/bin/gcc\n");
    let daemon = Daemon::start(&[], &[("DISTCC_CMDLIST", list.to_str().unwrap())]);
    for (compiler, reason) in [
        ("g++", "compiler \"g++\" refused: it is not in the list that DISTCC_CMDLIST names"),
        ("/usr/bin/g++", "compiler \"/usr/bin/g++\" refused: "),
        ("sh", "compiler \"sh\" refused: "),
    ] {
        refused(&daemon, &request(&[&[compiler], &GCC[1..]].concat(), b""), reason);
    }
    // The listed one is run, whatever path the client has.
    for compiler in ["gcc", "/opt/of/the/client/gcc"] {
        let args = [&[compiler], &GCC[1..]].concat();
        assert_eq!(ask(daemon.address(), &args, "int x;\n").status, 0, "{compiler}");
    }
}

#[test]
fn a_list_that_cannot_be_read_permits_nothing() {
    let daemon = Daemon::start(&["--enable-tcp-insecure"], &[("DISTCC_CMDLIST", "/nowhere/list")]);
    refused(&daemon, &request(&GCC, b"int x;\n"), "refused: the list in DISTCC_CMDLIST could not be read");
    assert!(daemon.log().contains("ERROR: cannot read the list of compilers /nowhere/list"));
}

#[test]
fn compilers_that_are_not_linked() {
    if !["/usr/lib/distcc/gcc", "/usr/lib/distcc/bin/gcc"].iter().any(|link| Path::new(link).exists()) {
        let line = "SKIPPED test compilers_that_are_not_linked: /usr/lib/distcc has no link named gcc. \
                    To get it: update-distcc-symlinks\n";
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }
    // A compiler of ours, first on the daemon's search path but linked nowhere.
    let work = Workdir::new();
    let unlinked = work.path().join("unlinked-cc");
    fs::write(&unlinked, "#!/bin/sh\n").unwrap();
    make_executable(&unlinked);
    let path = format!("{}:/usr/lib/distcc:/usr/lib/distcc/bin:/usr/bin:/bin", work.path().display());
    let daemon = Daemon::start(&[], &[("DISTCCD_PATH", &path)]);
    for (compiler, reason) in [
        ("unlinked-cc", "no masquerade directory has a link of that name"),
        (unlinked.to_str().unwrap(), "a path is permitted only by DISTCC_CMDLIST or --enable-tcp-insecure"),
        ("/usr/lib/distcc/gcc", "a path is permitted only by"),
        ("../../../usr/bin/gcc", "a path is permitted only by"),
    ] {
        refused(&daemon, &request(&[&[compiler], &GCC[1..]].concat(), b""), reason);
    }
    // The link permits, and what is run is the compiler and not the link.
    for compiler in ["gcc", "/usr/bin/gcc"] {
        let args = [&[compiler], &GCC[1..]].concat();
        assert_eq!(ask(daemon.address(), &args, "int x;\n").status, 0, "{compiler}");
    }
}

/// While `work` is done, another client is served all the time.
#[track_caller]
fn served_meanwhile(daemon: &Daemon, work: impl FnOnce()) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut served = 0;
            while served < 3 || !done.load(Ordering::Relaxed) {
                assert_eq!(ask(daemon.address(), &GCC, "int x;\n").status, 0);
                served += 1;
            }
        });
        let set_even_in_a_panic = SetOnDrop(&done);
        work();
        drop(set_even_in_a_panic);
        other.join().unwrap();
    });
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
