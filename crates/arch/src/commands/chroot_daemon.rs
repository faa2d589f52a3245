//! The story of `distcc-arch chroot daemon`: a second daemon inside a chroot, for those who want it so. Knows nothing of
//! how its unit is written.

use crate::carry_out::{Work, answer};
use crate::consent::Consent;
use crate::firewall::{Gate, in_force};
use crate::services::Services;
use crate::settings::Settings;
use crate::setup::chroot_daemon::{ChrootDaemon, PROGRAM};
use crate::setup::ranges;
use crate::setup::server::Server;
use crate::setup::toolchains_file::ToolchainsFile;
use crate::site::site;
use crate::{Answer, check::remedy::word};
use changes::Plan;
use clap::{Args, value_parser};
use std::io::Write;
use std::path::{Path, PathBuf};
use toolchain::{Place, Root};

/// What `chroot daemon` is asked for.
#[derive(Debug, Args)]
pub(crate) struct Daemon {
    /// What to call it, such as i686 for distccd@i686.service
    #[arg(value_parser = name)]
    name: String,
    /// The chroot's root directory, such as /opt/arch32
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// Listen on this TCP port
    #[arg(long, value_name = "N", default_value_t = 3692, value_parser = value_parser!(u16).range(1..))]
    port: u16,
    /// Serve this address or network [default: every private network]
    #[arg(long, value_name = "CIDR")]
    allow: Vec<String>,
    #[command(flatten)]
    consent: Consent,
}

/// Sets it up and starts it.
pub(crate) fn run(asked: &Daemon, settings: &Settings, notes: &mut dyn Write) -> Answer {
    answer(asked.consent, settings, notes, |work| set_up(asked, work))
}

fn set_up(asked: &Daemon, work: &mut Work) -> Result<Answer, String> {
    let root = root_directory(&asked.root)?;
    let site = site(None, work.settings)?;
    work.recover(&site)?;
    let ranges = asked.allow.iter().map(|typed| ranges::parse(typed)).collect::<Result<_, _>>()?;
    let server = Server { ranges, port: Some(asked.port), ..Server::default() };
    let mut plan = Plan::new(&site);
    let services = services(work)?;
    let daemon = ChrootDaemon { name: asked.name.clone(), root };
    let served = daemon.plan(&server, &mut plan, &site, &services)?;
    let mut warnings = server.warnings();
    if let Some(firewall) = in_force(work.settings, work.processes, &site.root)
        && matches!(firewall.gate(served.port, &served.ranges), Gate::Closed(_))
    {
        let remedy = firewall.remedy(served.port, &served.ranges);
        warnings.push(format!("{} may keep clients out of port {}: {remedy}", firewall.name(), served.port));
    }
    let next = format!(
        "clients name this machine with its port: HOST:{}/SLOTS\nnext: distcc-arch check\nto take it all back: \
         distcc-arch undo\n",
        served.port
    );
    let done = work.carry_out(plan, &warnings)?;
    Ok(done.told(&site, work.consent, &warnings, ("it is so already", &next)))
}

/// Whether a daemon of this name was set up.
///
/// # Errors
/// There is nowhere to look.
pub(crate) fn is_one(name: &str, work: &Work) -> Result<bool, String> {
    let site = site(None, work.settings)?;
    Ok(ChrootDaemon::all(&site).iter().any(|daemon| daemon.name == name))
}

/// Takes the daemon of this name away, and what toolchains.toml calls so, too.
///
/// # Errors
/// One line: what cannot be changed.
pub(crate) fn remove(name: &str, file: &ToolchainsFile, work: &mut Work) -> Result<Answer, String> {
    let site = site(None, work.settings)?;
    work.recover(&site)?;
    let mut plan = Plan::new(&site);
    let services = services(work)?;
    for daemon in ChrootDaemon::all(&site).iter().filter(|daemon| daemon.name == name) {
        daemon.remove(&mut plan, &services)?;
    }
    if file.entries(&plan)?.iter().any(|entry| entry.name == name && matches!(entry.place, Place::Root(_))) {
        file.remove(&mut plan, name)?;
        file.has_it_read(&mut plan, work);
    }
    let done = work.carry_out(plan, &[])?;
    let next = "to take it all back: distcc-arch undo\n";
    Ok(done.told(&site, work.consent, &[], ("it is so already", next)))
}

/// The systemd here.
///
/// # Errors
/// There is none that could start a daemon.
fn services<'a>(work: &Work<'a>) -> Result<Services<'a>, String> {
    Services::running(work.settings, work.processes)
        .map_err(|why| format!("{why}: start distccd there yourself"))
}

/// systemd takes % for something else, and our files are lines of words.
fn root_directory(typed: &Path) -> Result<PathBuf, String> {
    let root = typed.canonicalize().map_err(|error| format!("--root {}: {error}", typed.display()))?;
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "/._-+:@".contains(char);
    if !root.to_str().is_some_and(|path| path.chars().all(is_plain)) {
        return Err(format!("--root {}: give the directory a name of plain letters", root.display()));
    }
    if root == Path::new("/") {
        return Err("--root /: that is this machine itself: distcc-arch setup --server".to_owned());
    }
    let inside = Root::open(&root).map_err(|error| format!("--root {}: {error}", root.display()))?;
    if !inside.is_program(Path::new(PROGRAM)).unwrap_or(false) {
        let shown = word(&root.to_string_lossy());
        return Err(format!(
            "--root {shown}: no {PROGRAM} is in it: install distcc there (sudo pacman --sysroot {shown} -S distcc)"
        ));
    }
    Ok(root)
}

/// A name that is the same to systemd, in a file's name and to a shell.
fn name(typed: &str) -> Result<String, String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let is_name = typed.starts_with(|first: char| first.is_ascii_alphanumeric()) && typed.chars().all(plain);
    is_name.then(|| typed.to_owned()).ok_or_else(|| "write letters, digits and - _ . only".to_owned())
}
