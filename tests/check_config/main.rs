//! `distcc-arch check` names each fault of a configuration, and what it says to type mends it. Knows the program only
//! from outside; everything happens below a root directory of the test's own.

mod findings;
mod machine;
mod packages;

use std::fs;
use std::os::unix::fs::{chown, symlink};

use findings::findings;
use machine::{GOOD, Machine};
use test_hosts::need;
use test_hosts::process::{clean, run};

#[test]
fn a_good_configuration_is_well() {
    let Some(there) = Machine::new() else { return };
    let outcome = there.check(&[]);
    assert_eq!(outcome.code(), Some(0), "{}{}", outcome.out(), outcome.err());
    assert!(outcome.out().starts_with("makepkg\n  ok      makepkg: "), "{}", outcome.out());
    assert!(!outcome.out().contains("type:"), "{}", outcome.out());
    let json = there.check(&["--json"]).good().out();
    assert!(json.contains("\"verdict\": \"well\"\n}") && !json.contains("\"failure\""), "{json}");
}

/// One thing that is wrong.
struct Fault {
    break_it: fn(&Machine),
    /// Name, verdict and subject of the finding; ROOT stands for the root directory.
    finding: [&'static str; 3],
    /// How the remedy begins.
    remedy: &'static str,
    exit: i32,
}

#[track_caller]
fn check(fault: &Fault) {
    let Some(there) = Machine::new() else { return };
    (fault.break_it)(&there);
    let outcome = there.check(&["--json"]);
    let json = outcome.out();
    assert_eq!(outcome.code(), Some(fault.exit), "{json}{}", outcome.err());
    let [name, verdict, subject] = fault.finding.map(|text| text.replace("ROOT", &there.root()));
    let found = findings(&json).into_iter().find(|found| found.name == name && found.verdict == verdict);
    let found = found.unwrap_or_else(|| panic!("no {verdict} {name}: {json}"));
    assert_eq!(found.subject, subject, "{json}");
    let remedy = fault.remedy.replace("ROOT", &there.root());
    assert!(found.remedy.contains(&remedy), "{remedy} in {json}");
    if FOLLOWED.iter().any(|command| found.remedy.starts_with(command)) {
        there.type_in(&found.remedy);
        let after = there.check(&["--json"]);
        assert_eq!(after.code(), Some(0), "{}\n{}", found.remedy, after.out());
    }
}

/// Remedies that need neither a network nor a person.
const FOLLOWED: &[&str] = &["sed ", "chmod ", "chown ", "rm ", "rmdir "];

#[test]
fn distcc_is_switched_off() {
    check(&Fault {
        break_it: |there| there.replace("(distcc ", "(!distcc "),
        finding: ["buildenv", "failure", "ROOT/etc/makepkg.conf:6"],
        remedy: "distcc-arch setup --root ROOT --hosts \"192.168.0.2/5,lzo 192.168.0.3/3 192.168.0.4/3\"",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| there.replace("(distcc ", "("),
        finding: ["buildenv", "failure", "ROOT/etc/makepkg.conf:6"],
        remedy: "distcc-arch setup --root ROOT --hosts",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| there.replace("(distcc color !ccache check !sign)", "\"distcc\""),
        finding: ["buildenv", "failure", "ROOT/etc/makepkg.conf:6"],
        remedy: "${EDITOR:-vi} +6 ROOT/etc/makepkg.conf",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| {
            there.reads_drop_ins();
            there.write("etc/makepkg.conf.d/x.conf", "\nBUILDENV=(color\n  !distcc)\n");
        },
        finding: ["buildenv", "failure", "ROOT/etc/makepkg.conf.d/x.conf:3"],
        remedy: "distcc-arch setup --root ROOT --config ROOT/etc/makepkg.conf.d/x.conf --hosts",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| there.write("home/u/.makepkg.conf", "BUILDENV=(color)\n"),
        finding: ["buildenv", "failure", "ROOT/home/u/.makepkg.conf:1"],
        remedy: "distcc-arch setup --root ROOT --config ROOT/home/u/.makepkg.conf --hosts",
        exit: 2,
    });
}

#[test]
fn what_setup_would_refuse_takes_an_editor() {
    check(&Fault {
        break_it: |there| there.write("home/u/.makepkg.conf", "if true; then\n  BUILDENV=(color)\nfi\n"),
        finding: ["buildenv", "failure", "ROOT/home/u/.makepkg.conf:2"],
        remedy: "${EDITOR:-vi} +2 ROOT/home/u/.makepkg.conf",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| there.replace("MAKEFLAGS=\"-j11\"", "if true; then MAKEFLAGS=\"-j2\"; fi"),
        finding: ["makeflags", "warning", "ROOT/etc/makepkg.conf:5"],
        remedy: "${EDITOR:-vi} +5 ROOT/etc/makepkg.conf",
        exit: 1,
    });
}

#[test]
fn makepkg_itself_is_missing() {
    check(&Fault {
        break_it: |there| fs::remove_file(there.at("usr/bin/makepkg")).unwrap(),
        finding: ["makepkg", "failure", "makepkg"],
        remedy: "pacman --sysroot ROOT -S pacman",
        exit: 2,
    });
}

#[test]
fn a_configuration_that_the_user_may_not_read() {
    if !need::root() {
        return;
    }
    check(&Fault {
        break_it: |there| there.allow("etc/makepkg.conf", 0o600),
        finding: ["makepkg-config", "failure", "ROOT/etc/makepkg.conf"],
        remedy: "chmod a+r ROOT/etc/makepkg.conf",
        exit: 2,
    });
}

#[test]
fn compilers_are_called_themselves() {
    check(&Fault {
        break_it: |there| fs::remove_dir_all(there.at("usr/lib/distcc/bin")).unwrap(),
        finding: ["masquerade-directory", "failure", "ROOT/usr/lib/distcc/bin"],
        remedy: "distcc-arch masquerade --root ROOT",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| fs::remove_file(there.at("usr/lib/distcc/bin/g++")).unwrap(),
        finding: ["masquerade-links", "failure", "ROOT/usr/lib/distcc/bin"],
        remedy: "distcc-arch masquerade --root ROOT",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| {
            fs::remove_file(there.at("usr/lib/distcc/bin/gcc")).unwrap();
            symlink("../../../bin/nowhere", there.at("usr/lib/distcc/bin/gcc")).unwrap();
        },
        finding: ["masquerade-links", "failure", "ROOT/usr/lib/distcc/bin"],
        remedy: "distcc-arch masquerade --root ROOT",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| {
            fs::remove_file(there.at("usr/bin/distcc")).unwrap();
        },
        finding: ["distcc-program", "failure", "distcc"],
        remedy: "distcc-arch setup --root ROOT --hosts ",
        exit: 2,
    });
}

#[test]
fn native_flags_are_spelled_out() {
    let Some(there) = Machine::new() else { return };
    there.replace("-O2", "-O2 -march=native");
    there.replace("-Wp,-D_GLIBCXX_ASSERTIONS", "-g");
    let outcome = there.check(&["--json"]);
    assert_eq!(outcome.code(), Some(0), "{}", outcome.out());
    for said in [
        "-march=native is sent as -march=",
        "-march=native may be sent to some hosts, as -march=",
        ": -g has gcc write down its words for this processor, and only daemons of distcc-arch",
    ] {
        assert_eq!(outcome.out().matches(said).count(), 1, "{said}: {}", outcome.out());
    }
}

#[test]
fn flags_that_keep_files_here() {
    check(&Fault {
        break_it: |there| there.replace("-Wformat", "-march=native -fverbose-asm"),
        finding: ["native-flags", "failure", "ROOT/etc/makepkg.conf:3"],
        remedy: "sed -i 3s/-march=native/-march=",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| {
            there.replace("-O2", "-O2 -mtune=native");
            there.replace("-Wformat", "-march=native -fverbose-asm");
        },
        finding: ["native-flags", "failure", "ROOT/etc/makepkg.conf:2"],
        remedy: "3s/-march=native/-march=",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| there.replace("-O2", "-O2 -fprofile-generate"),
        finding: ["flags", "failure", "ROOT/etc/makepkg.conf:2"],
        remedy: "sed -i 2s/-fprofile-generate// ROOT/etc/makepkg.conf",
        exit: 2,
    });
}

#[test]
fn toolchains_that_the_daemon_cannot_understand() {
    check(&Fault {
        break_it: |there| {
            there.write("etc/distcc/toolchains.toml", "# ours\n[toolchain.i686]\nrot = \"/opt/arch32\"\n");
        },
        finding: ["toolchains", "failure", "ROOT/etc/distcc/toolchains.toml:3"],
        remedy: "${EDITOR:-vi} +3 ROOT/etc/distcc/toolchains.toml",
        exit: 2,
    });
}

#[test]
fn hosts_and_jobs() {
    check(&Fault {
        break_it: |there| there.replace("-j11", "-j2"),
        finding: ["makeflags", "warning", "ROOT/etc/makepkg.conf:5"],
        remedy: "distcc-arch setup --root ROOT --hosts",
        exit: 1,
    });
    check(&Fault {
        break_it: |there| there.replace("\"-j11\"", "\"-k -j$(echo 2)\""),
        finding: ["makeflags", "warning", "ROOT/etc/makepkg.conf:5"],
        remedy: "sed -i '5s/\"-k -j\\$(echo 2)\"/\"-k -j11\"/' ROOT/etc/makepkg.conf",
        exit: 1,
    });
    check(&Fault {
        break_it: |there| there.replace("DISTCC_HOSTS", "#"),
        finding: ["host-list", "failure", ""],
        remedy: "distcc-arch setup --root ROOT --hosts \"HOST/SLOTS,lzo\"",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| there.replace("192.168.0.4/3", "192.168.0.4/0"),
        finding: ["host-words", "warning", "ROOT/etc/makepkg.conf:8: DISTCC_HOSTS"],
        remedy: "sed -i '8s/192\\.168\\.0\\.4\\/0//' ROOT/etc/makepkg.conf",
        exit: 1,
    });
    check(&Fault {
        break_it: |there| there.replace("192.168.0.2/5,lzo 192.168.0.3/3 192.168.0.4/3", "localhost/11"),
        finding: ["host-list", "failure", "ROOT/etc/makepkg.conf:8: DISTCC_HOSTS"],
        remedy: "distcc-arch hosts add --root ROOT HOST/SLOTS,lzo",
        exit: 2,
    });
}

#[test]
fn what_is_left_by_root() {
    if !need::root() {
        return;
    }
    check(&Fault {
        break_it: |there| {
            there.write("home/u/.distcc/lock/cpu_x", "");
            for path in ["home/u/.distcc/lock/cpu_x", "home/u/.distcc/lock"] {
                chown(there.at(path), Some(0), Some(0)).unwrap();
            }
        },
        finding: ["state-directory", "failure", "ROOT/home/u/.distcc"],
        remedy: "chown -R 54321:54321 ROOT/home/u/.distcc",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| {
            chown(there.at("home/u/.distcc/lock"), Some(0), Some(0)).unwrap();
            there.allow("home/u/.distcc/lock/cpu_localhost_0", 0o400);
        },
        finding: ["state-directory", "failure", "ROOT/home/u/.distcc"],
        remedy: "chown -R 54321:54321 ROOT/home/u/.distcc && chmod -R u+rwX ROOT/home/u/.distcc",
        exit: 2,
    });
}

#[test]
fn what_its_owner_cannot_write() {
    for mode in [0o500, 0o600] {
        let Some(there) = Machine::new() else { return };
        there.allow("home/u/.distcc/lock", mode);
        let json = there.check(&["--json"]).out();
        let found = findings(&json).into_iter().find(|found| found.name == "state-directory").unwrap();
        assert_eq!(found.remedy, format!("chmod -R u+rwX {}/home/u/.distcc", there.root()), "{json}");
        there.type_in(&found.remedy);
        there.check(&[]).good();
    }
}

#[test]
fn configurations_that_makepkg_cannot_read() {
    let cases = [
        ("if true\n", 10, "syntax error: unexpected end of file"),
        ("no-such-command-at-all\n", 9, "no-such-command-at-all: command not found"),
        ("exit 0\n", 9, "this ends makepkg before it has begun"),
        ("sleep 600\n", 9, "this does not come to an end within 10 s"),
    ];
    for (text, line, what) in cases {
        let Some(there) = Machine::new() else { return };
        there.write("etc/makepkg.conf", &format!("{GOOD}{text}"));
        let json = there.check(&["--json"]).out();
        let found = findings(&json).into_iter().find(|found| found.name == "makepkg-config").unwrap();
        let place = format!("{}/etc/makepkg.conf:{line}", there.root());
        assert_eq!((found.subject, found.verdict.as_str()), (place, "failure"), "{json}");
        assert!(found.what.contains(what), "{what}: {json}");
        assert!(found.remedy.contains(&format!("+{line} ")), "{json}");
    }
    check(&Fault {
        break_it: |there| {
            there.reads_drop_ins();
            fs::create_dir(there.at("etc/makepkg.conf.d")).unwrap();
        },
        finding: ["makepkg-config", "failure", "ROOT/etc/makepkg.conf.d"],
        remedy: "rmdir ROOT/etc/makepkg.conf.d",
        exit: 2,
    });
}

#[test]
fn a_user_file_never_runs_as_root() {
    if !need::root() {
        return;
    }
    let Some(there) = Machine::new() else { return };
    there.write("home/u/.makepkg.conf", "id -u >\"$HOME/ran-as\"\n");
    there.check(&[]).good();
    assert_eq!(fs::read_to_string(there.at("home/u/ran-as")).unwrap(), format!("{}\n", there.uid));
}

#[test]
fn a_state_directory_through_a_link() {
    if !need::root() {
        return;
    }
    check(&Fault {
        break_it: |there| {
            fs::rename(there.at("home/u/.distcc"), there.at("state")).unwrap();
            symlink(there.at("state"), there.at("home/u/.distcc")).unwrap();
            chown(there.at("state/lock"), Some(0), Some(0)).unwrap();
        },
        finding: ["state-directory", "failure", "ROOT/home/u/.distcc"],
        remedy: "chown -R 54321:54321 ROOT/state",
        exit: 2,
    });
    check(&Fault {
        break_it: |there| {
            fs::remove_dir_all(there.at("home/u/.distcc")).unwrap();
            symlink(there.at("etc"), there.at("home/u/.distcc")).unwrap();
        },
        finding: ["state-directory", "failure", "ROOT/home/u/.distcc"],
        remedy: "rm ROOT/home/u/.distcc",
        exit: 2,
    });
}

#[test]
fn a_temporary_directory_that_cannot_be_written() {
    let Some(there) = Machine::new() else { return };
    let mut command = clean(env!("CARGO_BIN_EXE_distcc-arch"));
    command.args(["check", "--offline", "--root", &there.root()]).env("TMPDIR", "/nowhere/at/all");
    let outcome = run(command);
    assert_eq!((outcome.code(), outcome.out().as_str()), (Some(2), ""));
    let said = "distcc-arch: cannot write to /nowhere/at/all: ";
    assert!(outcome.err().starts_with(said) && outcome.err().lines().count() == 1, "{}", outcome.err());
}

#[test]
fn command_lines_that_make_no_sense() {
    let Some(there) = Machine::new() else { return };
    for (words, why) in [
        (["--user", "nobody-at-all"], "there is no user nobody-at-all below "),
        (["--root", "/nowhere/at/all"], "/nowhere/at/all: no such directory"),
    ] {
        let mut command = clean(env!("CARGO_BIN_EXE_distcc-arch"));
        command.args(["check", "--offline"]).args(words);
        if words[0] == "--user" {
            command.args(["--root", &there.root()]);
        }
        let outcome = run(command);
        assert_eq!(outcome.code(), Some(2), "{}", outcome.err());
        assert!(outcome.err().starts_with(&format!("distcc-arch: {why}")), "{}", outcome.err());
    }
}
