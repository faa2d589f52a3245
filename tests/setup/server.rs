//! This machine serves afterwards: distccd's arguments and the link that starts it, through the real systemctl.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use test_hosts::need;
use test_hosts::process::{LIMIT, Running, run};
use test_hosts::wait::wait_until;

use crate::scene::{Scene, refused, set_mode};

const UNIT: &str = "[Service]\nExecStart=/usr/bin/distccd\n[Install]\nWantedBy=multi-user.target\n";
const WANTED: &str = "etc/systemd/system/multi-user.target.wants/distccd.service";

fn scene(arguments: Option<&str>) -> Option<Scene> {
    need::program("systemctl", "install systemd")?;
    let scene = Scene::bare();
    scene.write("usr/lib/systemd/system/distccd.service", UNIT);
    if let Some(text) = arguments {
        scene.write("etc/conf.d/distccd", text);
    }
    Some(scene)
}

fn is_enabled(scene: &Scene) -> bool {
    fs::symlink_metadata(scene.path(WANTED)).is_ok()
}

#[test]
fn there_and_back() {
    let old = "# mine\nDISTCC_ARGS=\"--allow 10.1.0.0/16 --jobs 3\"\n";
    let Some(scene) = scene(Some(old)) else { return };
    let original = scene.tree();
    let words = ["--server", "--allow", "192.168.0.0/24", "--allow", "fd00::1", "--log-level", "error"];
    let shown = scene.changes_nothing(&[&["setup", "--dry-run"], &words[..]].concat()).out();
    assert!(shown.contains("\n# systemctl --root="), "{shown}");
    let said = scene.setup(&words).good().out();
    assert!(said.contains("etc/conf.d/distccd\n  systemctl --root="), "{said}");
    let new = "# mine\nDISTCC_ARGS=\"--allow 10.1.0.0/16 --allow 192.168.0.0/24 --allow fd00::1 --jobs 3 --log-level error\"\n";
    assert_eq!(scene.read("etc/conf.d/distccd"), new);
    assert!(is_enabled(&scene));
    scene.changes_nothing(&[&["setup", "--yes"], &words[..]].concat());
    scene.changes_nothing(&["setup", "--yes", "--server"]);
    scene.setup(&["--server", "--port", "3633"]).good();
    assert!(scene.read("etc/conf.d/distccd").ends_with("--log-level error --port 3633\"\n"));
    scene.undo();
    let mut left = scene.tree();
    // systemctl made these, and nobody needs them to be gone.
    left.retain(|path, _| !path.starts_with("etc/systemd"));
    assert_eq!(left, original);
    assert!(!is_enabled(&scene));
}

#[test]
fn options_that_somebody_added_since_stay() {
    let Some(scene) = scene(Some("DISTCC_ARGS=\"--allow-private\"\n")) else { return };
    scene.setup(&["--server", "--allow", "10.0.0.0/8"]).good();
    scene.write("etc/conf.d/distccd", "DISTCC_ARGS=\"--allow 10.0.0.0/8 --jobs 3\"\n");
    scene.undo();
    assert_eq!(scene.read("etc/conf.d/distccd"), "DISTCC_ARGS=\"--allow-private --jobs 3\"\n");
    assert!(!is_enabled(&scene) && !scene.path("var").exists());
}

#[test]
fn what_was_enabled_before_stays_enabled() {
    let Some(scene) = scene(None) else { return };
    let link = scene.path(WANTED);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/usr/lib/systemd/system/distccd.service", &link).unwrap();
    let original = scene.tree();
    scene.setup(&["--server"]).good();
    assert!(scene.read("etc/conf.d/distccd").contains("\nDISTCC_ARGS=\"--allow-private\"\n"));
    scene.undo();
    assert_eq!(scene.tree(), original);
}

/// A systemctl that knows the unit and does this for `enable`.
fn with_systemctl(scene: &Scene, enable: &str) -> Command {
    let bin = scene.home().join("bin");
    fs::create_dir(&bin).unwrap();
    let script = format!(
        "#!/bin/sh\ncase $* in *is-enabled*) echo disabled;; *enable*) {enable};; *) echo \"$*\" >>\"$HOME/ran\";; esac\n"
    );
    fs::write(bin.join("systemctl"), script).unwrap();
    set_mode(&bin.join("systemctl"), 0o755);
    let mut command = scene.command(&["setup", "--yes", "--server", "--port", "99"]);
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    command
}

#[test]
fn a_daemon_that_does_not_start_changes_nothing() {
    let Some(scene) = scene(Some("DISTCC_ARGS=\"\"\n")) else { return };
    let before = scene.tree();
    let command = with_systemctl(&scene, "echo 'Job for distccd.service failed' >&2; exit 1");
    refused(&run(command), "Job for distccd.service failed");
    assert_eq!(scene.tree(), before);
}

#[test]
fn an_interrupt_in_the_middle_takes_everything_back() {
    let Some(scene) = scene(Some("DISTCC_ARGS=\"\"\n")) else { return };
    let before = scene.tree();
    let command = with_systemctl(&scene, "touch \"$HOME/enabling\"; sleep 60");
    let running = Running::start(command);
    wait_until(LIMIT, "systemctl runs", || scene.home().join("enabling").exists());
    assert!(scene.read("etc/conf.d/distccd").contains("--port 99"));
    assert!(running.signal(Signal::SIGINT));
    let outcome = running.finish(LIMIT);
    assert_eq!(outcome.signal(), Some(Signal::SIGINT as i32), "{}", outcome.err());
    assert!(outcome.err().starts_with("distcc-arch: interrupted: "), "{}", outcome.err());
    assert_eq!(scene.tree(), before);
}

#[test]
fn refusals() {
    let Some(scene) = scene(None) else { return };
    for (words, said) in [
        (
            &["--allow", "192.168.0.5/24"][..],
            "--allow 192.168.0.5/24: bits are set behind the first 24: write 192.168.0.0/24",
        ),
        (&["--allow", "192.168.0.0/33"], "\"33\" is no number of bits from 0 to 32"),
        (&["--allow", "red"], "no address"),
        (&["--log-level", "loud"], "write one of critical, error"),
        (&["--log-file", "d.log"], "write a path from / on"),
    ] {
        scene.refuses(&[&["setup", "--server", "--yes"], words].concat(), said);
    }
    fs::remove_file(scene.path("usr/lib/systemd/system/distccd.service")).unwrap();
    scene.refuses(&["setup", "--server", "--yes"], "there is no distccd.service below ");
}

#[test]
fn a_port_that_is_none() {
    let Some(scene) = scene(None) else { return };
    let outcome = scene.setup(&["--server", "--port", "0"]);
    assert_eq!(outcome.code(), Some(2));
    assert!(outcome.err().contains("0 is not in 1..=65535"), "{}", outcome.err());
}

#[test]
fn warnings() {
    let Some(scene) = scene(None) else { return };
    let err =
        scene.setup(&["--server", "--allow", "0.0.0.0/0", "--log-file", "/tmp/distccd.log"]).good().err();
    assert!(err.contains("warning: --allow 0.0.0.0/0 lets every machine that reaches it"), "{err}");
    assert!(
        err.contains("--log-file /tmp/distccd.log lies in a /tmp that only distccd.service sees"),
        "{err}"
    );
    assert!(Path::new(&scene.path(WANTED)).symlink_metadata().is_ok());
}
