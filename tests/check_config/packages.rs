//! What `check` says beside a PKGBUILD. Knows nothing of the machine's own configuration.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use test_hosts::need;

use crate::findings::findings;
use crate::machine::Machine;

#[test]
fn nothing_of_a_package_runs_as_root() {
    if !need::root() {
        return;
    }
    let Some(there) = Machine::new() else { return };
    there.write("home/u/pkg/PKGBUILD", "pkgname=x\nid -u >ran-as\n");
    fs::set_permissions(there.at("home/u/pkg"), fs::Permissions::from_mode(0o777)).unwrap();
    let json = there.check_as("root", "home/u/pkg", &["--json"]).out();
    assert!(
        findings(&json).iter().any(|found| found.name == "build-user" && found.verdict == "failure"),
        "{json}"
    );
    assert_eq!(fs::read_to_string(there.at("home/u/pkg/ran-as")).unwrap(), "65534\n");
}

#[test]
fn what_the_functions_of_a_package_do() {
    for (line, name) in
        [("  export PATH=/opt/x:$PATH", "package-path"), ("  make CC=/usr/bin/gcc", "package-compiler")]
    {
        let Some(there) = Machine::new() else { return };
        there.write("home/u/pkg/PKGBUILD", &format!("pkgname=x\nbuild() {{\n{line}\n}}\n"));
        let json = there.check_in("home/u/pkg", &["--json"]).out();
        let found = findings(&json).into_iter().find(|found| found.name == name).unwrap();
        assert_eq!((found.verdict.as_str(), found.remedy.contains("+3 ")), ("warning", true), "{json}");
    }
}

#[test]
fn what_a_configuration_is_called_controls_no_terminal() {
    let Some(there) = Machine::new() else { return };
    there.write("home/u/\x1b[31mpkg/PKGBUILD", "pkgname=x\noptions=(!distcc)\n");
    let text = there.check_in("home/u/\x1b[31mpkg", &[]).out();
    assert!(!text.contains('\x1b') && text.contains("\\u{1b}[31mpkg/PKGBUILD:2: "), "{text}");
    let json = there.check_in("home/u/\x1b[31mpkg", &["--json"]).out();
    let found = findings(&json).into_iter().find(|found| found.name == "package-options").unwrap();
    there.type_in_bash(&found.remedy);
    assert_eq!(there.check_in("home/u/\x1b[31mpkg", &[]).code(), Some(0));
}

#[test]
fn options_of_a_package() {
    for (line, verdict, name, exit) in [
        ("options=(!strip '!distcc')", "failure", "package-options", 2),
        ("options=('!makeflags')", "warning", "package-options", 1),
        ("BUILDENV=(!distcc)", "failure", "package-buildenv", 2),
    ] {
        let Some(there) = Machine::new() else { return };
        there.write("home/u/pkg/PKGBUILD", &format!("pkgname=x\npkgver=1\n{line}\n"));
        let outcome = there.check_in("home/u/pkg", &["--json"]);
        let json = outcome.out();
        assert_eq!(outcome.code(), Some(exit), "{json}");
        let found = findings(&json).into_iter().find(|found| found.name == name).unwrap();
        let place = format!("{}/home/u/pkg/PKGBUILD:3", there.root());
        assert_eq!((found.subject, found.verdict.as_str()), (place, verdict), "{json}");
        if found.remedy.starts_with("sed ") {
            there.type_in(&found.remedy);
            assert_eq!(there.check_in("home/u/pkg", &[]).code(), Some(0));
        }
    }
}

#[test]
fn a_package_that_cannot_be_read_hides_nothing_else() {
    let Some(there) = Machine::new() else { return };
    there.write("home/u/pkg/PKGBUILD", "pkgname=x\nif true\n");
    let json = there.check_in("home/u/pkg", &["--json"]).out();
    let found = findings(&json);
    let package = found.iter().find(|found| found.name == "package").unwrap();
    assert_eq!(package.subject, format!("{}/home/u/pkg/PKGBUILD:3", there.root()), "{json}");
    assert!(found.iter().any(|found| found.name == "flags" && found.verdict == "well"), "{json}");
}
