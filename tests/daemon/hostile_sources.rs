//! Clients whose sources and options reach for what is not theirs: on this machine's disk nothing of it is read or
//! written. Knows nothing of ordinary jobs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use test_hosts::workdir::{Workdir, names_in};

use crate::daemon::Daemon;
use crate::project::Project;

const SECRET: &str = "int the_secret_of_this_machine;\n";

/// A directory of this machine that everybody may read and write, with a file in it.
fn secrets() -> Workdir {
    let secrets = Workdir::new();
    let file = secrets.write("secret.h", SECRET);
    for path in [secrets.path(), &secrets.src(), &file] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    secrets
}

/// A compile of `text`, in which `@` stands for the directory of secrets.
#[track_caller]
fn check(daemon: &Daemon, text: &str, options: &str) {
    let secrets = secrets();
    let place = secrets.src();
    let fill = |text: &str| text.replace('@', place.to_str().unwrap());
    let mut project = Project::new(&[("x.c", &fill(text))]);
    project.add_all();
    let words = fill(&format!("gcc -c x.c {options}"));
    if let Some(made) = project.compile_there(daemon.address(), words.trim()) {
        let seen = [made.stderr.as_bytes(), &made.object, made.rules.as_bytes()].concat();
        assert!(!String::from_utf8_lossy(&seen).contains("the_secret"), "{text} {options}: {}", made.stderr);
    }
    assert_eq!(names_in(&place), ["secret.h"], "{text} {options}");
    assert_eq!(fs::read_to_string(place.join("secret.h")).unwrap(), SECRET);
}

const TEXTS: [(&str, &str); 11] = [
    ("#include \"@/secret.h\"\n", ""),
    ("#include \"../../../../../../../../../../../..@/secret.h\"\n", ""),
    ("# 1 \"@/secret.h\"\nint x = ;\n", ""),
    ("__asm__(\".incbin \\\"@/secret.h\\\"\");\n", ""),
    ("__asm__(\".include \\\"@/secret.h\\\"\");\n", ""),
    (
        "#pragma GCC dependency \"@/secret.h\"\n#if __has_include(\"@/secret.h\")\nint the_secret;\n#endif\n",
        "",
    ),
    ("#include <secret.h>\n", "-I@"),
    ("int x;\n", "-include @/secret.h"),
    ("int x;\n", "-MD -MF @/written.d"),
    ("int x;\n", "-imacros @/secret.h -g3"),
    (
        "#include \"/proc/self/environ\"\n#include \"/etc/passwd\"\n#include \"/proc/self/root@/secret.h\"\n",
        "",
    ),
];

#[test]
fn nothing_is_reached_from_a_view() {
    let daemon = Daemon::insecure(&["--pump=namespace"]);
    for (text, options) in TEXTS {
        check(&daemon, text, options);
    }
}

#[test]
fn nothing_is_reached_from_a_mirror() {
    let daemon = Daemon::insecure(&["--pump=mirror"]);
    if daemon.log().contains("has no Landlock") {
        eprintln!(
            "SKIPPED: this kernel has no Landlock, so nothing keeps a compiler in a mirror from reading"
        );
        return;
    }
    for (text, options) in TEXTS {
        check(&daemon, text, options);
    }
}

/// The compiler's own parts cannot be replaced by the client's, be they links or files.
#[test]
fn no_program_of_a_client_is_run() {
    let daemon = Daemon::insecure(&[]);
    let marker = Path::new("/tmp/distccd-ran-a-clients-program");
    let specs = format!("*cc1:\n%(echo) ; touch {}\n", marker.display());
    for name in
        ["/usr/lib/gcc/x86_64-linux-gnu/12/specs", "/usr/bin/as", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1"]
    {
        let mut project = Project::new(&[("x.c", "int x;\n")]);
        project.add_all();
        project.add_file(Path::new(name), Some(specs.as_bytes()));
        // It cannot be shown there, and so it is not.
        let made = project.compile_there(daemon.address(), "gcc -c x.c").unwrap();
        assert_eq!((made.status, made.stderr.as_str()), (0, ""), "{name}");
    }
    assert!(!marker.exists());
}
