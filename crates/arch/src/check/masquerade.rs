//! Whether a compiler that a build calls is a link to distcc, and that one runs. Knows nothing of hosts.

use crate::ask::ask;
use crate::build_user::BuildUser;
use crate::check::buildenv::is_on;
use crate::check::compiler_command::CompilerCommand;
use crate::check::remedy::word;
use crate::check::{Finding, Situation};
use crate::programs::is_program;
use crate::setup::chroot_client::{self, Client};
use crate::site::site;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolchain::{Plan, Root};

/// What makepkg puts in front of `PATH` if it exists, and says nothing if it does not.
const LINKS: &str = "/usr/lib/distcc/bin";

/// What a daemon may run.
const WHITELIST: &str = "/usr/lib/distcc";

/// How the client that belongs to this program calls itself.
const OURS: &str = concat!("distcc ", env!("CARGO_PKG_VERSION"), " ");

/// Why nothing is said of what cannot be without a client.
pub(super) const AFTER_PROGRAM: &str = "after: distcc-program";

const LIMIT: Duration = Duration::from_secs(10);

/// `distcc-program`: the build finds a distcc, and it runs.
pub(super) fn program(situation: &Situation) -> Vec<Finding> {
    const NAME: &str = "distcc-program";
    if situation.elsewhere() {
        return vec![elsewhere(situation)];
    }
    let installs = situation.install("distcc-arch");
    let Some(program) = client(situation) else {
        return vec![Finding::failure(NAME, "distcc", "it is not on the PATH of builds", installs)];
    };
    let itself = fs::canonicalize(&program).ok();
    // What is first on PATH need not be what the links lead to.
    let linked = ["gcc", "clang"].iter().find_map(|name| fs::canonicalize(Path::new(LINKS).join(name)).ok());
    let linked = linked.filter(|linked| linked.ends_with("distcc") && Some(linked) != itself.as_ref());
    linked.into_iter().chain([program]).map(|program| version(situation, &program)).collect()
}

/// The client of a chroot, which may be a copy of this machine's.
fn elsewhere(situation: &Situation) -> Finding {
    const NAME: &str = "distcc-program";
    let Some(path) = client(situation) else {
        return Finding::failure(NAME, "distcc", "it is not installed there", situation.setup(None));
    };
    let shown = path.display().to_string();
    let copied = site(Some(&situation.root), situation.settings)
        .and_then(|site| chroot_client::client(&site, situation.settings));
    match copied {
        Ok(Client::Copy { is_current: false }) => {
            let what = "a copy of the distcc that was here, which is another one now";
            Finding::warning(NAME, shown, what, situation.setup(None))
        }
        _ => Finding::well(NAME, shown, "there"),
    }
}

/// Whether a distcc runs, and is the one that hosts are tried with.
fn version(situation: &Situation, program: &Path) -> Finding {
    const NAME: &str = "distcc-program";
    let shown = program.display().to_string();
    let user = BuildUser::never_root(situation.user.as_ref());
    let ended = ask(situation.processes, user.command(program, situation.settings).arg("--version"), LIMIT);
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    let Some(version) = said.lines().next().filter(|_| ended.well()) else {
        let what = format!("it does not run: {}", ended.how());
        return Finding::failure(NAME, shown, what, situation.install("distcc-arch"));
    };
    if version.starts_with(OURS) {
        return Finding::well(NAME, shown, version);
    }
    let what = format!("it is {version}, and hosts are tried with {}", OURS.trim_end());
    Finding::warning(NAME, shown, what, situation.install("distcc-arch"))
}

/// The client that a build would find.
pub(super) fn client(situation: &Situation) -> Option<PathBuf> {
    let candidates = if situation.elsewhere() {
        ["/usr/bin/distcc", "/usr/local/bin/distcc"].map(|path| situation.at(path)).to_vec()
    } else {
        situation.build_path().into_iter().map(|directory| directory.join("distcc")).collect()
    };
    candidates.into_iter().find(|path| is_program(path))
}

/// `masquerade-*`: makepkg's directory of links is there and complete.
pub(super) fn links(situation: &Situation) -> Vec<Finding> {
    const NAME: &str = "masquerade-links";
    let through_ccache = situation.building.as_ref().is_ok_and(|building| is_on(building, "ccache"));
    if through_ccache && situation.at("/usr/lib/ccache/bin").is_dir() {
        return vec![Finding::well(NAME, LINKS, "not used, because ccache calls distcc")];
    }
    let directory = situation.at(LINKS);
    if !directory.is_dir() {
        let what = "no such directory, so makepkg calls the compilers themselves without a word";
        return vec![Finding::failure(
            "masquerade-directory",
            directory.display().to_string(),
            what,
            situation.masquerade(),
        )];
    }
    match planned(situation) {
        Err(why) => vec![Finding::skipped(NAME, directory.display().to_string(), why)],
        Ok(plan) => judged(situation, &plan, LINKS, NAME),
    }
}

/// `whitelist`: where a daemon is meant to run, it may run the compilers.
pub(super) fn whitelist(situation: &Situation) -> Vec<Finding> {
    const NAME: &str = "whitelist";
    if !situation.at("/etc/systemd/system/multi-user.target.wants/distccd.service").is_symlink() {
        return vec![Finding::well(NAME, WHITELIST, "not needed, because no daemon is enabled here")];
    }
    match planned(situation) {
        Err(why) => vec![Finding::skipped(NAME, WHITELIST, why)],
        Ok(plan) => judged(situation, &plan, WHITELIST, NAME),
    }
}

/// `masquerade-order`: `PATH` inside `build()` comes to the links first.
pub(super) fn order(situation: &Situation) -> Vec<Finding> {
    const NAME: &str = "masquerade-order";
    let skipped = |why: &str| vec![Finding::skipped(NAME, "PATH", why)];
    let Ok(building) = &situation.building else { return skipped("nobody can tell what a build would see") };
    if situation.elsewhere() {
        return skipped("makepkg decides about it inside the other root");
    }
    if !is_on(building, "distcc") {
        return skipped("distcc is off");
    }
    if !is_on(building, "ccache") && !Path::new(LINKS).is_dir() {
        return skipped("the links are missing");
    }
    if client(situation).is_none() {
        return skipped(AFTER_PROGRAM);
    }
    let mut findings = around(situation);
    let path = situation.build_path();
    let first =
        path.iter().find(|directory| is_program(&directory.join("gcc")) || is_program(&directory.join("cc")));
    let expected =
        |directory: &Path| directory == Path::new(LINKS) || directory == Path::new("/usr/lib/ccache/bin");
    match first {
        Some(first) if expected(first) => {
            let well = Finding::well(NAME, first.display().to_string(), "first on the PATH of builds");
            findings.extend(findings.is_empty().then_some(well));
        }
        Some(first) => {
            let what = format!("builds find their compilers here, before {LINKS}");
            findings.push(Finding::failure(NAME, first.display().to_string(), what, situation.masquerade()));
        }
        None => {
            findings.push(Finding::failure(
                NAME,
                "PATH",
                "builds find no compiler",
                situation.install("gcc"),
            ));
        }
    }
    findings
}

/// Compilers that are named by their path, so that no link comes before them.
fn around(situation: &Situation) -> Vec<Finding> {
    let Ok(building) = &situation.building else { return Vec::new() };
    let past = |name: &'static str| {
        let command = building.scalar(name).filter(|_| building.exported(name))?;
        let called = CompilerCommand::parse(command).filter(CompilerCommand::has_path)?;
        let (compiler, bare) = (called.typed.as_str(), called.name.as_str());
        let what = format!("{name}={command} goes past the links in {LINKS}");
        Some(match building.origin(name) {
            Some(origin) => {
                let origin = origin.line_with(compiler);
                let remedy = situation.replace(&[(origin.clone(), compiler, bare)]);
                Finding::failure("compiler-variables", origin.to_string(), what, remedy)
            }
            None => {
                Finding::failure("compiler-variables", name, what, format!("export {name}={}", word(bare)))
            }
        })
    };
    ["CC", "CXX"].into_iter().filter_map(past).collect()
}

fn planned(situation: &Situation) -> Result<Plan, String> {
    let cannot = |error: std::io::Error| format!("{}: {error}", situation.root.display());
    let root = Root::open(&situation.root).map_err(cannot)?;
    let compilers = toolchain::find(&root).map_err(cannot)?;
    toolchain::refresh(&root, &compilers).map_err(|failure| failure.to_string())
}

/// One finding for each kind of trouble with the links of one directory.
fn judged(situation: &Situation, plan: &Plan, directory: &str, name: &'static str) -> Vec<Finding> {
    let here = |path: &&Path| path.parent() == Some(Path::new(directory));
    let dangling = plan.add.iter().filter(|link| link.replaces.is_some()).map(|link| link.path.as_path());
    let missing = plan.add.iter().filter(|link| link.replaces.is_none()).map(|link| link.path.as_path());
    let stale = plan.remove.iter().map(AsRef::as_ref);
    let foreign = plan.in_the_way.iter().map(AsRef::as_ref);
    let shown = situation.at(directory).display().to_string();
    let names = |paths: Vec<&Path>| {
        let names = paths.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy());
        names.collect::<Vec<_>>().join(" ")
    };
    let mut findings = Vec::new();
    for (paths, what) in [
        (dangling.filter(here).collect::<Vec<_>>(), "links that lead nowhere"),
        (missing.filter(here).collect(), "links that are missing"),
    ] {
        if !paths.is_empty() {
            let what = format!("{what}: {}", names(paths));
            findings.push(Finding::failure(name, &shown, what, situation.masquerade()));
        }
    }
    let (stale, foreign): (Vec<_>, Vec<_>) = (stale.filter(here).collect(), foreign.filter(here).collect());
    if !stale.is_empty() {
        let what = format!("links whose compiler is gone: {}", names(stale));
        findings.push(Finding::warning(name, &shown, what, situation.masquerade()));
    }
    for path in foreign {
        let path = situation.at(&path.to_string_lossy()).display().to_string();
        let remedy =
            format!("{} && {}", situation.as_root(format!("rm {}", word(&path))), situation.masquerade());
        findings.push(Finding::failure(name, &path, "it is no link to distcc", remedy));
    }
    if findings.is_empty() {
        findings.push(Finding::well(name, &shown, "a link to distcc for every compiler"));
    }
    findings
}
