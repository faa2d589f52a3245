//! update-distcc-symlinks is a drop-in for the C project's. Knows our program only from outside.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use test_hosts::distccd::make_executable;
use test_hosts::need;
use test_hosts::process::{Outcome, clean, run};
use test_hosts::workdir::Workdir;

/// Their program, and ours where every user may run it.
struct Programs {
    theirs: PathBuf,
    ours: PathBuf,
    _work: Workdir,
}

impl Programs {
    /// None after a skip has been announced.
    fn new() -> Option<Programs> {
        let theirs = need::program("update-distcc-symlinks", "install distcc 3.4 (Debian)")?;
        need::program("setpriv", "install util-linux")?;
        if !need::root() {
            return None;
        }
        let work = Workdir::new();
        let ours = work.path().join("update-distcc-symlinks");
        fs::copy(env!("CARGO_BIN_EXE_update-distcc-symlinks"), &ours).unwrap();
        make_executable(&ours);
        Some(Programs { theirs, ours, _work: work })
    }
}

/// Runs a script on a machine of its own, whose /usr/lib/distcc is empty; `theirs` and `ours` run the programs.
fn on_a_machine(programs: &Programs, script: &str) -> Outcome {
    let mut command = clean("/usr/bin/unshare");
    let script = format!(
        "set -e; mount -t tmpfs -o mode=755 none /usr/lib/distcc; cd /usr/lib/distcc
         theirs() {{ {} \"$@\"; }}; ours() {{ {} \"$@\"; }}; ours={1}\n{script}",
        programs.theirs.display(),
        programs.ours.display()
    );
    command.args(["--mount", "sh", "-c", &script]);
    run(command)
}

fn lines(text: &str) -> BTreeSet<&str> {
    text.lines().collect()
}

#[test]
fn the_names_that_the_c_projects_program_finds() {
    let Some(programs) = Programs::new() else { return };
    let theirs = on_a_machine(&programs, "theirs; find . -type l -printf '%f %l\\n'").good().out();
    let printed = on_a_machine(&programs, "ours").good().out();
    let ours =
        on_a_machine(&programs, "ours >&2; find . -maxdepth 1 -type l -printf '%f %l\\n'").good().out();
    let (theirs, ours) = (lines(&theirs), lines(&ours));
    assert!(theirs.contains("gcc ../../bin/distcc"), "{theirs:?}");
    let missing: Vec<_> = theirs.difference(&ours).filter(|link| !link.starts_with("nvcc ")).collect();
    assert_eq!(missing, Vec::<&&str>::new());
    // Debian's does not know these two.
    let more: Vec<_> =
        ours.difference(&theirs).filter(|link| !["c89", "c99"].contains(&&link[..3])).collect();
    assert_eq!(more, Vec::<&&str>::new());
    let linked: Vec<&str> = ours.iter().filter_map(|link| link.split(' ').next()).collect();
    assert_eq!(printed.lines().collect::<Vec<_>>(), linked, "what is printed is linked, sorted, and once");
}

#[test]
fn what_is_stale_goes_and_what_an_administrator_made_stays() {
    let Some(programs) = Programs::new() else { return };
    let script = "ln -s ../../bin/distcc nvcc; ln -s ../../bin/distcc gone-gcc; ln -s ../../bin/ccache other-gcc
        rm -f gcc; echo script >gcc; ours >first; ours >second; cmp first second
        test -h nvcc; test ! -h gone-gcc; test -h other-gcc; test ! -h gcc; test -h bin/gcc; echo as it should be";
    assert_eq!(on_a_machine(&programs, script).good().out(), "as it should be\n");
}

#[test]
fn without_the_rights_one_line_names_the_next_command() {
    let Some(programs) = Programs::new() else { return };
    let outcome = on_a_machine(&programs, "setpriv --reuid 65534 --regid 65534 --clear-groups $ours");
    let said = outcome.err();
    assert_eq!((outcome.code(), outcome.out().as_str()), (Some(1), ""), "{said}");
    assert!(said.starts_with("update-distcc-symlinks: cannot change /usr/lib/distcc/"), "{said}");
    assert!(said.ends_with("; to try again as root: sudo update-distcc-symlinks\n"), "{said}");
    assert_eq!(said.lines().count(), 1);
}

#[test]
fn words_change_nothing() {
    let check = |word: &str, code: i32, out: &str, err: &str| {
        let mut command = clean(env!("CARGO_BIN_EXE_update-distcc-symlinks"));
        command.arg(word);
        let outcome = run(command);
        assert_eq!(outcome.code(), Some(code), "{word}");
        assert!(
            outcome.out().starts_with(out) && outcome.err().starts_with(err),
            "{word}: {}",
            outcome.err()
        );
    };
    check("--help", 0, "Usage: update-distcc-symlinks\n", "");
    check("--version", 0, "update-distcc-symlinks ", "");
    check("--dry-run", 1, "", "update-distcc-symlinks: takes no options; ");
}
