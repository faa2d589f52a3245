//! Whether ccache and distcc get along, where both are switched on. Knows nothing of hosts.

use crate::ask::ask;
use crate::build_user::BuildUser;
use crate::check::buildenv::is_on;
use crate::check::{Finding, Situation};
use crate::programs::is_program;
use crate::scratch::Scratch;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const NAME: &str = "ccache";
const LINKS: &str = "/usr/lib/ccache/bin";
const LIMIT: Duration = Duration::from_secs(30);

/// `ccache`: if it is on, it is there and can call distcc.
pub(super) fn ccache(situation: &Situation) -> Vec<Finding> {
    let Ok(building) = &situation.building else {
        return vec![Finding::skipped(NAME, "", "nobody can tell what a build would see")];
    };
    if !is_on(building, "ccache") {
        return vec![Finding::well(NAME, "BUILDENV", "ccache is off")];
    }
    let directory = situation.at(LINKS);
    let shown = directory.display().to_string();
    if !directory.is_dir() {
        let what = "no such directory, so ccache is passed over although BUILDENV has it";
        return vec![Finding::warning(NAME, shown, what, situation.install("ccache"))];
    }
    if !is_on(building, "distcc") {
        return vec![Finding::well(NAME, shown, "there; distcc is off")];
    }
    if situation.elsewhere() {
        return vec![Finding::skipped(NAME, shown, "another root's ccache is not run")];
    }
    let Some(compiler) =
        ["gcc", "cc", "clang"].map(|name| directory.join(name)).into_iter().find(|path| is_program(path))
    else {
        let what = "no compiler is linked in it, so ccache and distcc are both passed over";
        return vec![Finding::failure(NAME, shown, what, situation.install("ccache"))];
    };
    vec![match compiled(situation, &compiler) {
        Ok(()) => Finding::well(NAME, compiler.display().to_string(), "compiles, and calls distcc for it"),
        Err(why) => {
            let origin = building.origin("BUILDENV").map(|origin| origin.line_with("ccache"));
            let what = format!("ccache cannot call distcc: {why}");
            let off = |origin| situation.replace(&[(origin, "ccache", "!ccache")]);
            let remedy = origin.map_or_else(|| situation.setup(None), off);
            Finding::failure(NAME, compiler.display().to_string(), what, remedy)
        }
    }]
}

/// Compiles one empty file as a build would, but on this machine and into a cache of its own.
fn compiled(situation: &Situation, compiler: &std::path::Path) -> Result<(), String> {
    let user = BuildUser::never_root(situation.user.as_ref());
    let cannot = |error: std::io::Error| format!("cannot try it: {error}");
    let scratch = Scratch::make().map_err(cannot)?;
    // Not where others may write: they could have put a link there.
    let source = scratch.path().join("probe.c");
    fs::write(&source, "int probe;\n").map_err(cannot)?;
    fs::set_permissions(&source, Permissions::from_mode(0o644)).map_err(cannot)?;
    let place = scratch.open_to_all("ccache").map_err(cannot)?;
    let log = place.join("log");
    let prefix = situation.building.as_ref().ok().and_then(|building| building.scalar("CCACHE_PREFIX"));
    let path = std::env::join_paths(situation.build_path()).map_err(|error| error.to_string())?;
    let mut command = user.command(compiler, situation.settings);
    command.current_dir(&place).arg("-c").arg(&source).args(["-o", "probe.o"]).env("PATH", path);
    command.env("CCACHE_PREFIX", prefix.unwrap_or("distcc")).env("CCACHE_DIR", place.join("cache"));
    command.env("DISTCC_HOSTS", "localhost").env("DISTCC_DIR", &place).env("DISTCC_LOG", &log);
    let ended = ask(situation.processes, &mut command, LIMIT);
    if !ended.well() {
        return Err(ended.how());
    }
    if log.exists() { Ok(()) } else { Err("it compiles without distcc".to_owned()) }
}
