//! Makes distcc's links follow the compilers that are installed. Knows nothing of which links those are.

use crate::check::remedy::word;
use crate::{Answer, Exit};
use clap::Args;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use toolchain::{Compilers, Failure, Plan, Root, Toolchain, find, is_name, refresh, removal};

/// What `masquerade` is asked to do.
#[derive(Debug, Args)]
pub(crate) struct Masquerade {
    /// Remove every link to distcc from both directories instead
    #[arg(long)]
    pub(crate) remove: bool,
    /// Say what would be done, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Say nothing unless something goes wrong
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Change the system below this directory
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,
}

/// Makes both directories right, or empties them of links to distcc.
pub(crate) fn run(asked: &Masquerade) -> Answer {
    match changed(asked) {
        Ok(text) => {
            let text = if asked.quiet { String::new() } else { text };
            Answer { text, complaint: String::new(), exit: Exit::Code(0) }
        }
        Err(failure) => Answer {
            text: String::new(),
            complaint: format!("distcc-arch: {}\n", explained(&failure, asked)),
            exit: Exit::Code(2),
        },
    }
}

/// What was done, or would be.
fn changed(asked: &Masquerade) -> Result<String, Failure> {
    let failed = |error| Failure { path: asked.root.clone(), error };
    let root = Root::open(&asked.root).map_err(failed)?;
    let (plan, compilers) = if asked.remove {
        (removal(&root)?, Compilers::default())
    } else {
        needs_distcc(&root)?;
        let compilers = find(&root).map_err(failed)?;
        (refresh(&root, &compilers)?, compilers)
    };
    if !asked.dry_run {
        plan.apply(&root)?;
    }
    Ok(said(&plan, &root, asked.dry_run) + &advice(&compilers.elsewhere))
}

/// Links to a distcc that is not there would lead nowhere.
fn needs_distcc(root: &Root) -> Result<(), Failure> {
    let distcc = Path::new("/usr/bin/distcc");
    let failed = |error| Failure { path: root.outside(distcc), error };
    if root.is_program(distcc).map_err(failed)? {
        return Ok(());
    }
    Err(failed(io::Error::other("there is no such program, and links to it would lead nowhere")))
}

fn said(plan: &Plan, root: &Root, dry_run: bool) -> String {
    let mut text = String::new();
    let mut say = |done: &str, wish: &str, path: &Path, why: &str| {
        let done = if dry_run { wish } else { done };
        let _ = writeln!(text, "{done} {}{why}", root.outside(path).display());
    };
    for path in &plan.directories {
        say("added", "would add", path, "/");
    }
    for link in &plan.add {
        match &link.replaces {
            None => say("added", "would add", &link.path, ""),
            Some(old) => {
                let why = format!(", which led to {} and nothing there", old.display());
                say("replaced", "would replace", &link.path, &why);
            }
        }
    }
    for path in &plan.remove {
        say("removed", "would remove", path, "");
    }
    for path in &plan.in_the_way {
        say("left", "would leave", path, ", which is no link to distcc, as it is");
    }
    if text.is_empty() {
        text.push_str("no link to change\n");
    }
    text
}

/// What no link can do for a daemon.
fn advice(elsewhere: &[Toolchain]) -> String {
    let unknown: Vec<_> = elsewhere.iter().filter(|toolchain| !toolchain.on_daemon_path).collect();
    if unknown.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "the daemon here does not know the compilers below; to offer them to other machines, type\n",
    );
    for toolchain in unknown {
        let directory = word(&toolchain.directory.to_string_lossy());
        let _ = writeln!(text, "    sudo distcc-arch toolchain add {} {directory}", name_for(toolchain));
    }
    text
}

/// The target in front of a compiler's name, else what the directory of its programs is in.
fn name_for(toolchain: &Toolchain) -> String {
    let mut targets = toolchain.names.iter().filter_map(|name| Some(name.rsplit_once('-')?.0));
    let above = || toolchain.directory.parent()?.file_name()?.to_str();
    let found = targets.find(|target| target.contains('-')).or_else(above);
    found.filter(|name| is_name(name)).unwrap_or("NAME").to_owned()
}

fn explained(failure: &Failure, asked: &Masquerade) -> String {
    match failure.error.kind() {
        io::ErrorKind::PermissionDenied => {
            let option = if asked.remove { " --remove" } else { "" };
            let root = match asked.root.to_str() {
                Some("/") => String::new(),
                _ => format!(" --root {}", asked.root.display()),
            };
            format!(
                "cannot change {failure}; to try again as root: sudo distcc-arch masquerade{option}{root}"
            )
        }
        _ => failure.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::advice::misunderstood;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// /usr/bin has distcc, gcc, clang; makepkg's directory has a stale link, a broken one, and a script named cc.
    fn house() -> tempfile::TempDir {
        let house = tempfile::tempdir().unwrap();
        let at = |name: &str| house.path().join(name);
        for directory in ["usr/bin", "usr/lib/distcc/bin", "opt/x-tools8/a-b-c/bin"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        for name in [
            "usr/bin/distcc",
            "usr/bin/cc",
            "usr/bin/gcc",
            "usr/bin/clang",
            "opt/x-tools8/a-b-c/bin/a-b-c-gcc",
        ] {
            fs::write(at(name), "").unwrap();
            fs::set_permissions(at(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        symlink("../../../bin/distcc", at("usr/lib/distcc/bin/gcc-13")).unwrap();
        symlink("../../nowhere", at("usr/lib/distcc/bin/gcc")).unwrap();
        fs::write(at("usr/lib/distcc/bin/cc"), "a script").unwrap();
        house
    }

    fn asked(house: &Path) -> Masquerade {
        Masquerade { remove: false, dry_run: false, quiet: false, root: house.to_owned() }
    }

    #[track_caller]
    fn check(asked: &Masquerade, expected: &str) {
        let answer = run(asked);
        assert_eq!((answer.complaint.as_str(), answer.exit), ("", Exit::Code(0)));
        let text = answer.text.replace(&format!("{}/usr/lib/distcc", asked.root.display()), "D");
        assert_eq!(text, expected);
    }

    const ADVICE: &str =
        "the daemon here does not know the compilers below; to offer them to other machines, type
    sudo distcc-arch toolchain add a-b-c /opt/x-tools8/a-b-c/bin
";

    #[test]
    fn everything_is_said_once_done_and_only_once() {
        let house = house();
        let asked = asked(house.path());
        let wishes = "would add D/a-b-c-gcc\nwould add D/cc\nwould add D/clang\nwould add D/gcc\nwould add D/bin/clang\n\
                      would replace D/bin/gcc, which led to ../../nowhere and nothing there\n\
                      would remove D/bin/gcc-13\nwould leave D/bin/cc, which is no link to distcc, as it is\n";
        check(&Masquerade { dry_run: true, ..self::asked(house.path()) }, &format!("{wishes}{ADVICE}"));
        let done = wishes.replace("would add", "added").replace("would replace", "replaced");
        let done = done.replace("would remove", "removed").replace("would leave", "left");
        check(&asked, &format!("{done}{ADVICE}"));
        check(&asked, &format!("left D/bin/cc, which is no link to distcc, as it is\n{ADVICE}"));
        check(&Masquerade { quiet: true, ..self::asked(house.path()) }, "");
    }

    #[test]
    fn what_is_advised_works() {
        for (directory, names, expected) in [
            ("/opt/gcc-13.2/bin", &["arm-none-eabi-gcc-13.2"][..], "arm-none-eabi-gcc /opt/gcc-13.2/bin"),
            ("/opt/gcc-13.2/bin", &["arm-none-eabi-gcc"], "arm-none-eabi /opt/gcc-13.2/bin"),
            ("/usr/lib/llvm-13.2/bin", &["clang"], "llvm-13.2 /usr/lib/llvm-13.2/bin"),
            ("/opt/my tools/bin", &["clang"], "NAME '/opt/my tools/bin'"),
        ] {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let toolchain = Toolchain { directory: directory.into(), names, on_daemon_path: false };
            let text = advice(&[toolchain]);
            let line = text.lines().last().unwrap().trim();
            assert_eq!(line, format!("sudo distcc-arch toolchain add {expected}"));
            assert_eq!(misunderstood(line), None);
        }
    }

    #[test]
    fn removal() {
        let house = house();
        check(&Masquerade { quiet: true, ..asked(house.path()) }, "");
        let remove = Masquerade { remove: true, ..asked(house.path()) };
        let expected = "removed D/bin/clang\nremoved D/bin/gcc\nremoved D/a-b-c-gcc\nremoved D/cc\nremoved D/clang\nremoved D/gcc\n";
        check(&remove, expected);
        check(&remove, "no link to change\n");
        assert!(house.path().join("usr/lib/distcc/bin/cc").exists());
    }

    #[test]
    fn where_nothing_can_be_done() {
        let place = tempfile::tempdir().unwrap();
        for (root, missing) in
            [(place.path().to_owned(), "usr/bin/distcc"), (place.path().join("nowhere"), "")]
        {
            let answer = run(&asked(&root));
            let start = format!("distcc-arch: {}", root.join(missing).display());
            assert!(answer.complaint.starts_with(start.trim_end_matches('/')), "{}", answer.complaint);
            assert_eq!((answer.text.as_str(), answer.exit), ("", Exit::Code(2)));
        }
    }

    #[test]
    fn what_to_type_when_it_is_not_permitted() {
        let failure =
            Failure { path: "/usr/lib/distcc/gcc".into(), error: io::ErrorKind::PermissionDenied.into() };
        let start = "cannot change /usr/lib/distcc/gcc: permission denied; to try again as root: ";
        let here = Masquerade { remove: true, ..asked(Path::new("/")) };
        assert_eq!(explained(&failure, &here), format!("{start}sudo distcc-arch masquerade --remove"));
        let there = asked(Path::new("/mnt"));
        assert_eq!(explained(&failure, &there), format!("{start}sudo distcc-arch masquerade --root /mnt"));
    }
}
