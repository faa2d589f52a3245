//! What the compiler of a system for ARM makes of Lua. It is emulated and slow, so that it is asked once and its objects are
//! kept. Knows nothing of distcc.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use test_hosts::process::{Running, clean, run};
use test_hosts::settings::Settings;
use test_hosts::workdir::{Workdir, hold};

/// Where others need the processors as well.
const LONGEST: Duration = Duration::from_secs(900);

/// The script that enters such a system.
pub(crate) const ENTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/targets/fixtures/enter-arm64");

/// A directory with the objects.
#[track_caller]
pub(crate) fn objects(root: &Path, lua: &Path, flags: &str) -> PathBuf {
    let cache = Settings::from_environment().cache;
    let compiler = fs::metadata(root.join("usr/bin/aarch64-linux-gnu-gcc-14")).unwrap();
    let kept = cache.join(format!("arm64.objects-{}-{}", compiler.mtime(), flags.replace(' ', "")));
    let _held = hold(&cache.join("arm64.objects.lock"));
    if kept.exists() {
        return kept;
    }
    let work = Workdir::below(&cache);
    let mut copy = clean("cp");
    copy.args(["-r"]).arg(lua.join("src")).arg(work.home());
    run(copy).good();
    let script = format!("cd /home/home/src && make -s -j2 o CFLAGS='{flags}' && mkdir here && mv *.o here");
    let mut command = clean("sh");
    command.args([Path::new(ENTER), root, work.path()]).arg(script);
    Running::start(command).finish(LONGEST).good();
    fs::rename(work.home().join("src/here"), &kept).unwrap();
    kept
}
