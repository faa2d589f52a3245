//! Packages of this project as its PKGBUILD makes them, built on a machine like Arch and kept until a source changes, and
//! machines that have them. Knows nothing of what is done there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use test_hosts::netns::{Netns, Network};
use test_hosts::nspawn::{Machine, Share};
use test_hosts::process::{Running, clean, run};
use test_hosts::settings::Settings;
use test_hosts::workdir::{Workdir, hold};

/// Two cores need two minutes when nothing is compiled yet; others may be busy as well.
const BUILD: Duration = Duration::from_secs(900);

/// Everything that a package is made of or by, below the top of the project.
const INGREDIENTS: &str = "PKGBUILD distcc-arch.install Cargo.toml Cargo.lock LICENSE README.md src crates systemd \
    tmpfiles.d makepkg.d libalpm-hooks tests/machines/build.sh tests/machines/makepkg.conf tests/machines/stand-ins";

/// A machine like Arch with the first of our packages installed, at a place in a network.
#[track_caller]
pub(crate) fn machine_with_package(image: &Path, at: &Netns) -> Machine {
    let packages = Share { here: packages(image), there: "/opt/packages", writable: false };
    let machine = Machine::boot(image, at, &[checkout(), packages]);
    machine.root("/opt/checkout/tests/machines/arch.sh");
    machine.root(&format!("pacman --upgrade --noconfirm {}", release(1)));
    machine
}

/// The file of the package with this release number, as machines see it.
pub(crate) fn release(number: u32) -> String {
    format!("/opt/packages/distcc-arch-{}-{number}-x86_64.pkg.tar.zst", env!("CARGO_PKG_VERSION"))
}

/// The directory with the packages and the repository of stand-ins.
#[track_caller]
fn packages(image: &Path) -> &'static Path {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let cache = Settings::from_environment().cache;
        let _held = hold(&cache.join("packages.lock"));
        let packages = cache.join(format!("packages-{}", fingerprint(image)));
        if packages.exists() { Ok(packages) } else { build(image, &cache, packages) }
    });
    built.as_ref().unwrap_or_else(|said| panic!("no package could be built:\n{said}"))
}

/// The project, as machines see it.
fn checkout() -> Share<'static> {
    Share { here: top(), there: "/opt/checkout", writable: false }
}

/// Builds in the cache: where temporary files lie in memory there may not be room for it.
fn build(image: &Path, cache: &Path, packages: PathBuf) -> Result<PathBuf, String> {
    remove_old(cache);
    let place = Workdir::below(cache);
    let (unfinished, home) = (place.path().join("packages"), place.home());
    fs::create_dir(&unfinished).expect("a new directory of ours");
    let network = Network::new(0);
    let settings = Settings::from_environment();
    let shares = [
        checkout(),
        Share { here: &unfinished, there: "/opt/packages", writable: true },
        Share { here: &home, there: "/home/builder", writable: true },
        Share { here: &settings.cargo_home, there: "/opt/cargo", writable: false },
        Share { here: toolchain(), there: "/opt/rust", writable: false },
    ];
    let machine = Machine::boot(image, network.builder(), &shares);
    machine.root("/opt/checkout/tests/machines/arch.sh; chown builder: /opt/packages");
    let script = machine.script_of("builder", "/opt/checkout/tests/machines/build.sh");
    let ended = Running::start(script).finish(BUILD);
    if !ended.status.success() {
        return Err(ended.out() + &ended.err());
    }
    fs::rename(&unfinished, &packages).expect("a directory of ours");
    Ok(packages)
}

/// Another run may still use what is not a day old.
fn remove_old(cache: &Path) {
    let names = r"\( -name 'packages-*' -o -name 'distcc-arch-test.*' \)";
    let mut find = clean("sh");
    find.args(["-c", &format!("find \"$1\" -maxdepth 1 {names} -mtime +0 -exec rm -rf {{}} +"), "sh"])
        .arg(cache);
    run(find).good();
}

/// Changes when an ingredient, the image or the toolchain does.
fn fingerprint(image: &Path) -> String {
    let script = "{ find $1 -type f ! -path 'crates/*/tests/*' -print0 | sort -z | xargs -0 sha256sum
        cat \"$2\"; \"$3/bin/rustc\" -V; } | sha256sum";
    let mut ask = clean("bash");
    ask.args(["-euc", script, "bash", INGREDIENTS]);
    ask.arg(image.with_extension("packages")).arg(toolchain()).current_dir(top());
    run(ask).good().out()[..16].to_owned()
}

/// Where the cargo that runs this test has its compiler and libraries.
fn toolchain() -> &'static Path {
    let programs = Path::new(env!("CARGO")).parent();
    programs.and_then(Path::parent).expect("cargo is in the bin of its toolchain")
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
