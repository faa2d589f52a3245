//! Chroots: one without a distcc gets this machine's, and one of devtools a drop-in, which its own programs leave alone.

use std::fs;
use std::path::Path;

use test_hosts::need;
use test_hosts::process::{clean, run};

use crate::scene::{Scene, seen_by_bash, set_mode};

const CONF: &str = "BUILDENV=(!distcc color)\nMAKEFLAGS=\"-j2\"\n";
const LOADER: &str = "for c in \"$MAKEPKG_CONF.d\"/*.conf; do source_safe \"$c\"; done\n";

/// A chroot with a compiler and the libraries that programs of this machine need.
fn chroot() -> Scene {
    let scene = Scene::new(CONF);
    scene.write("usr/bin/gcc", "");
    set_mode(&scene.path("usr/bin/gcc"), 0o755);
    scene
}

fn with_libraries(scene: &Scene) {
    let mut ldd = clean("ldd");
    ldd.arg(env!("CARGO_BIN_EXE_distcc"));
    let said = run(ldd).good().out();
    for library in said.split_whitespace().filter(|word| word.starts_with('/')) {
        scene.write(library.trim_start_matches('/'), fs::read(library).unwrap());
        set_mode(&scene.path(library.trim_start_matches('/')), 0o755);
    }
}

#[test]
fn one_without_a_distcc_gets_ours_and_gives_it_back() {
    if !need::root() {
        return;
    }
    let scene = chroot();
    with_libraries(&scene);
    let original = scene.tree();
    let said = scene.setup(&["--hosts", "red/3"]).good().out();
    assert!(said.contains(" /usr/bin/distcc --version\n"), "{said}");
    for name in ["distcc", "pump"] {
        let ours = Path::new(env!("CARGO_BIN_EXE_distcc")).with_file_name(name);
        assert!(fs::read(scene.path("usr/bin").join(name)).unwrap() == fs::read(ours).unwrap(), "{name}");
    }
    assert!(scene.path("usr/lib/distcc/bin/gcc").exists());
    scene.changes_nothing(&["setup", "--hosts", "red/3", "--yes"]);
    scene.undo();
    assert_eq!(scene.tree(), original);
}

/// In a view of the file system that ends with us, toolchains.toml names the chroot, and before it one that never answers,
/// as of a file server that is gone; nothing else names any. Words: our program, the root, an empty directory.
const RENEW: &str = "set -e
    cd $2; mkdir -p distcc silent/usr/bin silent/var/lib/distcc-arch/1
    cp $0 silent/usr/bin/distcc; mkfifo silent/var/lib/distcc-arch/1/record.toml
    printf '[toolchain.%s]\nroot = \"%s\"\n' x /etc/silent y $1 >distcc/toolchains.toml
    for file in passwd group ld.so.cache; do if [ -e /etc/$file ]; then cp /etc/$file .; fi; done
    mount --bind $2 /etc
    if [ -d /var/lib/archbuild ]; then mount -t tmpfs none /var/lib/archbuild; fi
    $0 chroot renew --yes --quiet || echo $?
    rm -r silent; echo again; $0 chroot renew --yes --quiet";

#[test]
fn a_copy_follows_ours_and_a_package_of_its_own_does_not() {
    if !need::root() {
        return;
    }
    let scene = chroot();
    with_libraries(&scene);
    let programs = scene.home().join("programs");
    fs::create_dir(&programs).unwrap();
    let ours = Path::new(env!("CARGO_BIN_EXE_distcc"));
    for name in ["distcc", "pump", "distcc-arch"] {
        fs::copy(ours.with_file_name(name), programs.join(name)).unwrap();
    }
    let original = scene.tree();
    let run_of = |words: &[&str]| {
        let mut command = clean(programs.join("distcc-arch"));
        command.args(words).arg("--root").arg(scene.root()).env("HOME", scene.home());
        run(command)
    };
    let there = scene.path("usr/bin/distcc");
    let program = |state: &str| {
        let found = run_of(&["check", "--offline"]).out();
        let line = found.lines().find(|line| line.contains("usr/bin/distcc")).unwrap_or_default().to_owned();
        assert!(line.contains(state), "{found}");
    };
    run_of(&["setup", "--hosts", "red/3", "--yes"]).good();
    program("there");
    // Another version.
    let mut newer = fs::read(ours).unwrap();
    newer.extend(b"newer");
    fs::write(programs.join("distcc"), &newer).unwrap();
    program("a copy of the distcc that was here, which is another one now");
    run_of(&["setup", "--hosts", "red/3", "--yes"]).good();
    assert!(fs::read(&there).unwrap() == newer);
    program("there");
    // As the package does when it is upgraded.
    fs::write(programs.join("distcc"), fs::read(ours).unwrap()).unwrap();
    let etc = scene.home().join("etc");
    fs::create_dir(&etc).unwrap();
    let mut renew = clean("/usr/bin/unshare");
    renew.args(["--mount", "sh", "-c", RENEW]).arg(programs.join("distcc-arch")).args([scene.root(), etc]);
    let said = run(renew).good();
    let silence = "distcc-arch: /etc/silent: it has not answered for 5 s, so it is left as it is\n";
    assert_eq!(said.err(), silence);
    let said = said.out();
    assert!(
        said.starts_with("changed:\n") && said.ends_with("/usr/bin/distcc --version\n2\nagain\n"),
        "{said}"
    );
    program("there");
    fs::write(programs.join("distcc"), &newer).unwrap();
    run_of(&["setup", "--hosts", "red/3", "--yes"]).good();
    fs::write(&there, fs::read(ours).unwrap()).unwrap();
    program("there");
    let again = run_of(&["setup", "--hosts", "red/3", "--yes"]).good().out();
    assert!(again.contains("everything is set up so already"), "{again}");
    fs::write(&there, &newer).unwrap();
    run_of(&["undo", "--yes"]).good();
    assert_eq!(scene.tree(), original);
}

#[test]
fn one_where_ours_cannot_run_is_left_alone() {
    let scene = chroot();
    let words = ["setup", "--hosts", "red/3", "--yes"];
    scene.refuses(&words, ": install distcc in it, then type this again");
    // Nobody is asked for slots before that: the refusal is all that is said.
    scene.refuses(
        &["setup", "--hosts", "127.0.0.1:9", "--yes"],
        ": install distcc in it, then type this again",
    );
    scene.write("usr/bin/pacman", "");
    scene.refuses(&words, " -S distcc, then this again");
    if need::root() {
        // The loader is there, and libraries are missing.
        with_libraries(&scene);
        let libc = scene.tree().into_keys().find(|path| path.ends_with("libc.so.6")).unwrap();
        fs::remove_file(scene.root().join(libc)).unwrap();
        scene.refuses(&["setup", "--hosts", "red/3", "--yes"], "/usr/bin/distcc --version");
    }
}

#[test]
fn one_of_devtools_gets_a_drop_in() {
    let scene = Scene::new(CONF);
    scene.write(".arch-chroot", "v5\n");
    let err = scene.setup(&["--hosts", "red/3"]).good().err();
    assert!(err.contains("reads no drop-ins, and archbuild writes its makepkg.conf anew"), "{err}");
    scene.undo();
    scene.write("usr/share/makepkg/util/config.sh", LOADER);
    let original = scene.tree();
    scene.setup(&["--hosts", "red/3"]).good();
    assert_eq!(scene.read("etc/makepkg.conf"), CONF);
    let files = [scene.path("etc/makepkg.conf"), scene.path("etc/makepkg.conf.d/distcc.conf")];
    // What archbuild and makechrootpkg do to it before a build.
    scene.write("etc/makepkg.conf", format!("{CONF}BUILDDIR=/build\nNPROC='8'\nMAKEFLAGS='-j16'\n"));
    assert_eq!(
        seen_by_bash(&files.each_ref().map(std::path::PathBuf::as_path))[..3],
        ["red/3", "-j3", "distcc"]
    );
    scene.write("etc/makepkg.conf", CONF);
    scene.undo();
    assert_eq!(scene.tree(), original);
}
