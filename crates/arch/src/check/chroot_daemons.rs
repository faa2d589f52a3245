//! Whether the daemons that were set up inside chroots run and listen. Knows nothing of jobs.

use crate::check::daemon_here::listens;
use crate::check::{Finding, Situation};
use crate::services::Services;
use crate::setup::chroot_daemon::{ChrootDaemon, PROGRAM};
use crate::site::site;
use changes::Site;
use std::path::Path;
use toolchain::Root;

const NAME: &str = "chroot-daemons";

/// `chroot-daemons`: each of them; nothing is said where there is none.
pub(super) fn chroot_daemons(situation: &Situation) -> Vec<Finding> {
    let Ok(site) = site(Some(&situation.root), situation.settings) else { return Vec::new() };
    let daemons = ChrootDaemon::all(&site);
    if daemons.is_empty() {
        return Vec::new();
    }
    if situation.elsewhere() {
        let why = "daemons of another root cannot be asked";
        return vec![Finding::skipped(NAME, "", why)];
    }
    let services = match Services::running(situation.settings, situation.processes) {
        Ok(services) => services,
        Err(why) => return vec![Finding::skipped(NAME, "", why)],
    };
    daemons.iter().map(|daemon| judged(daemon, &site, &services)).collect()
}

fn judged(daemon: &ChrootDaemon, site: &Site, services: &Services) -> Finding {
    let (unit, port) = (daemon.unit(), daemon.served(site).port);
    let failure = |what: String, remedy: String| Finding::failure(NAME, &unit, what, remedy);
    let root = Root::open(&daemon.root).ok();
    if !root.is_some_and(|root| root.is_program(Path::new(PROGRAM)).unwrap_or(false)) {
        let what = format!("{} has no {PROGRAM} that it could run", daemon.root.display());
        return failure(
            what,
            format!("sudo distcc-arch chroot remove {}   # or install distcc in it", daemon.name),
        );
    }
    if !daemon.fits(site) {
        let (name, root) = (&daemon.name, daemon.root.display());
        let what = format!("its unit is not the one for the {PROGRAM} that is in {root} now");
        return failure(what, format!("sudo distcc-arch chroot daemon {name} --root {root} --port {port}"));
    }
    let look = format!("journalctl -eu {unit}");
    match services.state(&unit) {
        Err(why) => failure(why, format!("systemctl status {unit}")),
        Ok(state) if !state.active => {
            failure("does not run".into(), format!("sudo systemctl start {unit}; {look}"))
        }
        Ok(_) if !listens(port) => failure(
            format!("nothing listens on port {port}"),
            format!("sudo systemctl restart {unit}; {look}"),
        ),
        Ok(state) if !state.enabled => {
            let remedy = format!("sudo systemctl enable {unit}");
            Finding::warning(NAME, &unit, "does not start with the machine", remedy)
        }
        Ok(_) => Finding::well(NAME, &unit, format!("serves {} on port {port}", daemon.root.display())),
    }
}
