//! What the package installs as it is, as the tools that will read it see it: units, users, the makepkg template, the
//! PKGBUILD. Knows nothing of a machine that it is installed on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use test_hosts::need;
use test_hosts::process::{Outcome, clean, run};
use test_hosts::settings::PATH;
use test_hosts::workdir::{Workdir, names_in};

/// In tenths of the number that systemd-analyze security shows.
const MOST_EXPOSURE: u32 = 30;

#[test]
fn systemd_has_nothing_to_say_about_the_units() {
    let Some(analyze) = need::program("systemd-analyze", "install systemd") else { return };
    for unit in ["distccd.service", "distccd@i686.service"] {
        let place = Workdir::new();
        let path = unit_with_a_program(&place, unit);
        let mut verify = clean(&analyze);
        verify.args(["verify", "--man=no"]).arg(&path);
        // It warns on stderr and succeeds.
        assert_eq!(run(verify).good().err(), "", "{unit}");

        let mut security = clean(&analyze);
        security.args(["security", "--offline=true", "--no-pager", &format!("--threshold={MOST_EXPOSURE}")]);
        run({
            security.arg(&path);
            security
        })
        .good();
    }
}

/// A copy of the unit that starts a program which is there before distccd is installed.
fn unit_with_a_program(place: &Workdir, unit: &str) -> PathBuf {
    let template = unit.replace("i686", "");
    let text = fs::read_to_string(top().join("systemd").join(&template)).expect("a unit of ours");
    assert!(text.contains("ExecStart=/usr/bin/distccd "), "{template}");
    place.write(&template, text.replace("ExecStart=/usr/bin/distccd ", "ExecStart=/bin/true "));
    place.src().join(unit)
}

#[test]
fn users_and_files_are_made_below_another_root() {
    let programs =
        ["systemd-sysusers", "systemd-tmpfiles"].map(|name| need::program(name, "install systemd"));
    let [Some(sysusers), Some(tmpfiles)] = programs else { return };
    if !need::root() {
        return;
    }
    let place = Workdir::new();
    let root = place.open_dir("root");
    fs::create_dir_all(root.join("etc")).expect("a directory of ours");
    for (program, option, file) in [
        (&sysusers, "--no-pager", "systemd/sysusers.d/distcc.conf"),
        (&tmpfiles, "--clean", "tmpfiles.d/distcc.conf"),
    ] {
        let mut command = clean(program);
        command.arg(option).arg(format!("--root={}", root.display())).arg(top().join(file));
        run(command).good();
    }
    let users = fs::read_to_string(root.join("etc/passwd")).expect("a file that systemd-sysusers writes");
    assert!(users.lines().any(|line| line.starts_with("distcc:x:")), "{users}");
}

/// The directory keeps its name and place; only what is old in it goes.
#[test]
fn what_a_killed_daemon_left_in_memory_goes_after_a_day() {
    let Some(tmpfiles) = need::program("systemd-tmpfiles", "install systemd") else { return };
    if !need::root() {
        return;
    }
    let place = Workdir::new();
    let memory = place.path().join("dev/shm");
    let [old, new, other] =
        ["distccd-7-0/old.i", "distccd-7-1/new.i", "other/old.i"].map(|name| memory.join(name));
    for file in [&old, &new, &other] {
        fs::create_dir_all(file.parent().expect("a directory")).expect("a directory of ours");
        fs::write(file, "").expect("a file of ours");
    }
    let mut age = clean("find");
    age.arg(&memory).args(["-name", "old.i", "-exec", "touch", "-d", "3 days ago", "{}", "+"]);
    run(age).good();
    let mut command = clean(tmpfiles);
    command.arg("--clean").arg(format!("--root={}", place.path().display()));
    run({
        command.arg(top().join("tmpfiles.d/distcc.conf"));
        command
    })
    .good();
    assert_eq!([&old, &new, &other].map(|file| file.exists()), [false, true, true]);
}

#[test]
fn the_pkgbuild_says_what_cargo_says() {
    let Some(makepkg) = need::program("makepkg", "install makepkg (Debian) or pacman (Arch)") else { return };
    let place = Workdir::new();
    let info = makepkg_in_a_clone(&place, &makepkg, &["--printsrcinfo"]).good().out();
    for line in [
        &format!("pkgver = {}", env!("CARGO_PKG_VERSION")),
        "license = GPL-3.0-or-later",
        "provides = distcc",
        "conflicts = distcc",
        "makedepends = cargo",
        "install = distcc-arch.install",
        "backup = etc/conf.d/distccd",
        "backup = etc/distcc/hosts",
        "options = !lto",
    ] {
        assert!(info.lines().any(|said| said.trim() == line), "{line}:\n{info}");
    }
}

#[test]
fn makepkg_leaves_our_own_src_alone() {
    let Some(makepkg) = need::program("makepkg", "install makepkg (Debian) or pacman (Arch)") else { return };
    let place = Workdir::new();
    makepkg_in_a_clone(&place, &makepkg, &["--nobuild", "--cleanbuild", "--nodeps"]).good();
    let clone = place.path().join("clone");
    assert_eq!(names_in(&clone), ["PKGBUILD", "distcc-arch.install", "src", "target"]);
    for copy in ["src/kept.rs", "target/makepkg/distcc-arch/src/distcc-arch/src/kept.rs"] {
        assert!(clone.join(copy).exists(), "{copy}");
    }
}

/// makepkg refuses root, and wants to write where it is. What it may call of cargo does nothing.
fn makepkg_in_a_clone(place: &Workdir, makepkg: &Path, options: &[&str]) -> Outcome {
    let [clone, src, programs] = ["clone", "clone/src", "programs"].map(|name| place.open_dir(name));
    fs::write(src.join("kept.rs"), "").expect("a file of ours");
    for file in ["PKGBUILD", "distcc-arch.install"] {
        fs::copy(top().join(file), clone.join(file)).expect("a file of ours");
    }
    for name in ["cargo", "rustc"] {
        symlink("/bin/true", programs.join(name)).expect("a link of ours");
    }
    let script = "if [ \"$(id -u)\" = 0 ]; then set -- setpriv --reuid 65534 --regid 65534 --clear-groups -- \"$@\"; fi
        umask 022; exec \"$@\"";
    let mut command = clean("sh");
    command.env("PATH", format!("{}:{PATH}", programs.display()));
    command.args(["-c", script, "sh"]).arg(makepkg).args(options).current_dir(clone);
    run(command)
}

#[test]
fn bash_and_shellcheck_accept_what_is_sourced() {
    let Some(shellcheck) = need::program("shellcheck", "install shellcheck") else { return };
    for file in ["PKGBUILD", "distcc-arch.install", "makepkg.d/distcc.conf"] {
        let mut parse = clean("bash");
        parse.arg("-n").arg(top().join(file));
        run(parse).good();
        let mut check = clean(&shellcheck);
        check.arg("--exclude=SC2034").arg(top().join(file));
        run(check).good();
    }
}

/// What bash has after a makepkg.conf and the template, with two hosts of 8 and 3 slots.
#[track_caller]
fn check_template(makepkg_conf: &str, build_env: &str, make_flags: &str) {
    let place = Workdir::new();
    let template = fs::read_to_string(top().join("makepkg.d/distcc.conf")).expect("a file of ours");
    let filled = template.replace("@HOSTS@", "red/8,lzo [fd00::2]:3692/3").replace("@JOBS@", "11");
    assert_eq!(template.matches("\"@HOSTS@\"").count(), 1, "the line that setup fills in");
    assert_eq!(template.matches("-j@JOBS@").count(), 1, "the line that setup fills in");
    let script = "set -eE; trap 'exit 9' ERR; source \"$1\"; source \"$2\"; \
        echo \"${BUILDENV[*]}\"; echo \"$MAKEFLAGS\"; echo \"$DISTCC_HOSTS\"";
    let mut bash = clean("bash");
    bash.args(["-c", script, "bash"]);
    bash.arg(place.write("makepkg.conf", makepkg_conf)).arg(place.write("distcc.conf", filled));
    let said = run(bash).good();
    let expected = format!("{build_env}\n{make_flags}\nred/8,lzo [fd00::2]:3692/3\n");
    assert_eq!((said.out(), said.err()), (expected, String::new()), "{makepkg_conf}");
}

#[test]
fn the_template_adds_to_what_makepkg_conf_says() {
    let plain = "distcc color !ccache check !sign";
    check_template("BUILDENV=(!distcc color !ccache check !sign)\n#MAKEFLAGS='-j2'", plain, "-j11");
    check_template("BUILDENV=(distcc color !ccache check !sign)", plain, "-j11");
    check_template("BUILDENV=(color)\nMAKEFLAGS=", "color distcc", "-j11");
    check_template("BUILDENV=(distcc !distcc)", "distcc distcc", "-j11");
    check_template("", "distcc", "-j11");
    check_template("BUILDENV=(!distcc)\nDISTCC_HOSTS=other\nMAKEFLAGS='-j2 -O'", "distcc", "-O -j11");
    check_template("MAKEFLAGS='--output-sync --jobs=4 V=1'", "distcc", "--output-sync V=1 -j11");
    check_template("MAKEFLAGS='-j 4 -k -j'", "distcc", "-k -j11");
    check_template("MAKEFLAGS='--jobs 4 -j8 -j8'", "distcc", "-j11");
    check_template(
        "MAKEFLAGS=\"-j$(nproc) --jobserver-style=fifo\"",
        "distcc",
        "--jobserver-style=fifo -j11",
    );
}

#[test]
fn nothing_is_distributed_by_being_installed() {
    let hosts = fs::read_to_string(top().join("makepkg.d/hosts")).expect("a file of ours");
    assert!(hosts.lines().all(|line| line.starts_with('#')), "{hosts}");
    let pkgbuild = fs::read_to_string(top().join("PKGBUILD")).expect("a file of ours");
    assert!(!pkgbuild.contains("etc/makepkg.conf"), "{pkgbuild}");
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
