//! The links to compilers follow what pacman installs, and are those that the C program makes. Knows our program only
//! from outside.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use test_hosts::distccd::make_executable;
use test_hosts::need;
use test_hosts::process::{clean, run};
use test_hosts::workdir::{Workdir, names_in};

const OURS: &str = env!("CARGO_BIN_EXE_distcc-arch");
const TOP: &str = env!("CARGO_MANIFEST_DIR");

/// What pacman says when our hook runs.
const HOOK: &str = "Updating distcc's links to compilers...";

#[test]
fn pacman_installs_upgrades_and_removes_a_compiler() {
    let Some(system) = System::new() else { return };
    let ours = system.package(
        "distcc-arch",
        "1",
        &["usr/bin/distcc*", "usr/lib/distcc/bin/", "usr/bin/distcc-arch"],
    );
    system.pacman(&["-U", &ours], false);
    system.links(&[]);

    system.pacman(&["-U", &system.package("editor", "1", &["usr/bin/editor*"])], false);
    system.pacman(&["-U", &system.gcc("13.3.1")], true);
    system.links(&["gcc", "gcc-13", "t-linux-gnu-gcc", "t-linux-gnu-gcc-13.3.1"]);

    symlink("../../bin/distcc", system.path("usr/lib/distcc/nvcc")).unwrap();
    system.pacman(&["-U", &system.gcc("14.2.1")], true);
    let after = ["gcc", "gcc-14", "t-linux-gnu-gcc", "t-linux-gnu-gcc-14.2.1"];
    assert!(fs::remove_file(system.path("usr/lib/distcc/nvcc")).is_ok(), "an administrator's link is kept");
    system.links(&after);

    system.pacman(&["-R", "gcc"], true);
    system.links(&[]);
}

#[test]
fn our_package_takes_its_links_with_it() {
    let Some(system) = System::new() else { return };
    let owned = "usr/lib/distcc/bin/gcc>../../../bin/distcc";
    let ours = system.package("distcc-arch", "1", &["usr/bin/distcc*", owned, "usr/bin/distcc-arch"]);
    system.pacman(&["-U", &system.gcc("14.2.1"), &ours], true);
    system.links(&["gcc", "gcc-14", "t-linux-gnu-gcc", "t-linux-gnu-gcc-14.2.1"]);
    fs::write(system.path("usr/lib/distcc/notes"), "an administrator's").unwrap();
    system.pacman(&["-R", "distcc-arch"], false);
    assert_eq!(names_in(&system.path("usr/lib/distcc")), ["notes"]);
}

#[test]
fn the_c_program_makes_the_same_links() {
    let remedy = "install distcc 3.4 (Debian)";
    let Some(theirs) = need::program("update-distcc-symlinks", remedy) else { return };
    if !need::root() {
        return;
    }
    let made_by = |program: &str| -> BTreeSet<String> {
        let mut command = clean("/usr/bin/unshare");
        let script =
            format!("mount -t tmpfs none /usr/lib/distcc && {program} >&2 && find /usr/lib/distcc -type l");
        command.args(["--mount", "sh", "-c", &script]);
        let found = run(command).good().out();
        found.lines().filter_map(|link| link.strip_prefix("/usr/lib/distcc/")).map(str::to_owned).collect()
    };
    let (theirs, ours) = (made_by(theirs.to_str().unwrap()), made_by(&format!("{OURS} masquerade")));
    assert!(theirs.contains("gcc"), "{theirs:?}");
    let missing: Vec<_> = theirs.difference(&ours).filter(|name| *name != "nvcc").collect();
    assert_eq!(missing, Vec::<&String>::new());
    // 3.4 as Debian has it leaves these two to their -gcc names, and has no directory for makepkg.
    let more = ours.difference(&theirs).filter(|name| !["c89", "c99"].contains(&name.as_str()));
    assert_eq!(more.filter(|name| !name.starts_with("bin/")).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// An empty system below a directory, with just what our package's hook and scriptlet need, and pacman for it.
struct System {
    work: Workdir,
    pacman: PathBuf,
}

impl System {
    /// None after a skip has been announced.
    fn new() -> Option<System> {
        let pacman = need::program("pacman", "install pacman-package-manager (Debian)")?;
        if !need::root() {
            return None;
        }
        let system = System { work: Workdir::new(), pacman };
        for directory in ["usr/bin", "var/lib/pacman", "var/cache/pacman/pkg", "var/log", "etc", "tmp"] {
            fs::create_dir_all(system.path(directory)).unwrap();
        }
        symlink("usr/bin", system.path("bin")).unwrap();
        let options = "[options]\nArchitecture = auto\nSigLevel = Never\nLocalFileSigLevel = Never\n";
        fs::write(system.work.path().join("pacman.conf"), options).unwrap();
        system.bring(Path::new("/bin/sh"), "usr/bin/sh");
        system.libraries_of(OURS.as_ref());
        Some(system)
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.work.path().join("root").join(inside)
    }

    fn bring(&self, file: &Path, inside: &str) {
        let place = self.path(inside);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(file, place).unwrap();
        self.libraries_of(file);
    }

    fn libraries_of(&self, program: &Path) {
        let mut ldd = clean("/usr/bin/ldd");
        ldd.arg(program);
        for library in run(ldd).good().out().split_whitespace().filter(|word| word.starts_with('/')) {
            let place = self.path(&library[1..]);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(library, place).unwrap();
        }
    }

    /// A package of these files: `usr/bin/gcc*` may be run, `x/` is a directory, `a>b` a link. `usr/bin/distcc-arch`
    /// brings our program, its hooks and its scriptlet.
    fn package(&self, name: &str, version: &str, files: &[&str]) -> String {
        let staging = self.work.path().join(format!("{name}-{version}"));
        let place = |file: &str| {
            let place = staging.join(file);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            place
        };
        for file in files {
            if let Some((file, target)) = file.split_once('>') {
                symlink(target, place(file)).unwrap();
            } else if let Some(directory) = file.strip_suffix('/') {
                fs::create_dir_all(place(directory)).unwrap();
            } else if let Some(program) = file.strip_suffix('*') {
                fs::write(place(program), version).unwrap();
                make_executable(&place(program));
            } else {
                fs::copy(OURS, place(file)).unwrap();
                fs::copy(Path::new(TOP).join("distcc-arch.install"), place(".INSTALL")).unwrap();
                for hook in names_in(&Path::new(TOP).join("libalpm-hooks")) {
                    let from = Path::new(TOP).join("libalpm-hooks").join(&hook);
                    fs::copy(from, place(&format!("usr/share/libalpm/hooks/{hook}"))).unwrap();
                }
            }
        }
        let info = format!("pkgname = {name}\npkgver = {version}-1\npkgdesc = x\nsize = 1\narch = any\n");
        fs::write(place(".PKGINFO"), info).unwrap();
        let package = self.work.path().join(format!("{name}-{version}-1-any.pkg.tar"));
        let mut tar = clean("/usr/bin/tar");
        tar.arg("-C").arg(&staging).arg("-cf").arg(&package).args(names_in(&staging));
        run(tar).good();
        package.to_str().unwrap().to_owned()
    }

    /// As Arch names its files.
    fn gcc(&self, version: &str) -> String {
        let major = version.split('.').next().unwrap();
        let files = [
            "usr/bin/gcc*".to_owned(),
            format!("usr/bin/gcc-{major}*"),
            "usr/bin/gcc-ar*".to_owned(),
            "usr/bin/t-linux-gnu-gcc*".to_owned(),
            format!("usr/bin/t-linux-gnu-gcc-{version}*"),
            format!("usr/lib/gcc/t-linux-gnu/{version}/"),
        ];
        self.package("gcc", version, &files.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// One transaction, in which our hook runs or does not.
    #[track_caller]
    fn pacman(&self, words: &[&str], hook_runs: bool) {
        let at = |inside: &str| self.path(inside);
        let mut pacman = clean(&self.pacman);
        pacman.arg("--root").arg(at("")).arg("--dbpath").arg(at("var/lib/pacman"));
        pacman
            .arg("--hookdir")
            .arg(at("etc/pacman.d/hooks"))
            .arg("--cachedir")
            .arg(at("var/cache/pacman/pkg"));
        pacman.arg("--logfile").arg(at("var/log/pacman.log")).arg("--gpgdir").arg(at("etc/pacman.d/gnupg"));
        pacman.arg("--config").arg(self.work.path().join("pacman.conf")).arg("--noconfirm").args(words);
        let outcome = run(pacman).good();
        let said = outcome.out() + &outcome.err();
        assert_eq!(said.contains(HOOK), hook_runs, "{said}");
        assert!(!said.contains("distcc-arch: ") && !said.contains("command failed"), "{said}");
    }

    /// Checks the names in both directories, and where the links lead.
    #[track_caller]
    fn links(&self, expected: &[&str]) {
        for (directory, target) in
            [("usr/lib/distcc", "../../bin/distcc"), ("usr/lib/distcc/bin", "../../../bin/distcc")]
        {
            let names = names_in(&self.path(directory));
            let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != "bin").collect();
            assert_eq!(names, expected, "{directory}");
            for name in names {
                let link = self.path(directory).join(name);
                assert_eq!(fs::read_link(&link).unwrap(), Path::new(target), "{}", link.display());
            }
        }
    }
}
