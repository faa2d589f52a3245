//! systemd's units: in which state one is, and what to run so that it is another; offline for another root. Knows
//! nothing of what a unit does.

use crate::ask::{Ended, ask};
use crate::check::remedy::word;
use crate::processes::Processes;
use crate::programs::on_path;
use crate::settings::Settings;
use changes::{Action, Site};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Only questions; starting has the time that an action has.
const LIMIT: Duration = Duration::from_secs(30);

/// The systemctl that is asked.
#[derive(Debug)]
pub(crate) struct Services<'a> {
    program: PathBuf,
    /// The root whose links are looked at and made, where nothing can be started.
    offline: Option<PathBuf>,
    processes: &'a Arc<Processes>,
}

const NOT_RUNNING: &str = "systemd is not what this machine was started by, so no service can be started";

/// What systemd says of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnitState {
    pub(crate) enabled: bool,
    pub(crate) active: bool,
}

impl<'a> Services<'a> {
    /// For the running system, or the one that lies below a root which was named on the command line.
    ///
    /// # Errors
    /// When there is no systemctl, or no systemd for it to talk to.
    pub(crate) fn find(
        site: &Site,
        root_was_named: bool,
        settings: &Settings,
        processes: &'a Arc<Processes>,
    ) -> Result<Services<'a>, String> {
        let offline = root_was_named.then(|| site.root.clone());
        match systemctl(settings) {
            Err(why) => Err(format!("{why}: pacman -S systemd")),
            Ok(_) if offline.is_none() && !is_running() => {
                Err(format!("{NOT_RUNNING}: add --root / to enable it for the next start only"))
            }
            Ok(program) => Ok(Services { program, offline, processes }),
        }
    }

    /// For the running system, whatever was typed.
    ///
    /// # Errors
    /// As with `find`, but why only: what to do about it is the caller's to say.
    pub(crate) fn running(
        settings: &Settings,
        processes: &'a Arc<Processes>,
    ) -> Result<Services<'a>, &'static str> {
        let program = systemctl(settings)?;
        if !is_running() {
            return Err(NOT_RUNNING);
        }
        Ok(Services { program, offline: None, processes })
    }

    /// # Errors
    /// When there is no such unit, or systemd does not answer.
    pub(crate) fn state(&self, unit: &str) -> Result<UnitState, String> {
        let enabled = self.ask("is-enabled", unit);
        let said = String::from_utf8_lossy(&enabled.stdout).trim().to_owned();
        if said.is_empty() || said == "not-found" {
            let place =
                self.offline.as_deref().map_or(String::new(), |root| format!(" below {}", root.display()));
            let why = enabled.how();
            return Err(format!("there is no {unit}{place} ({why}): install the package distcc-arch there"));
        }
        if said.starts_with("masked") {
            return Err(format!("{unit} is masked: systemctl unmask {unit}"));
        }
        let active = self.offline.is_none() && {
            let said = self.ask("is-active", unit).stdout;
            [&b"active\n"[..], b"activating\n", b"reloading\n"].contains(&said.as_slice())
        };
        Ok(UnitState { enabled: said.starts_with("enabled"), active })
    }

    /// What makes a unit run now and after each start of the machine; `renewed`: it has to read its settings again.
    pub(crate) fn start(&self, unit: &str, state: UnitState, renewed: bool) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.offline.is_some() {
            if !state.enabled {
                actions.push(self.action(&["enable"], &["disable"], unit));
            }
            return actions;
        }
        match (state.enabled, state.active) {
            (false, false) => actions.push(self.action(&["enable", "--now"], &["disable", "--now"], unit)),
            (false, true) => actions.push(self.action(&["enable"], &["disable"], unit)),
            (true, false) => actions.push(self.action(&["start"], &["stop"], unit)),
            (true, true) => {}
        }
        if state.active && renewed {
            actions.push(self.action(&["restart"], &["try-restart"], unit));
        }
        actions
    }

    /// What ends a unit, now and at each start of the machine. Its files may be gone for good when that is taken back, so
    /// then it waits for the next start.
    pub(crate) fn stop(&self, unit: &str) -> Action {
        self.action(&["disable", "--now"], &["enable"], unit)
    }

    /// What makes systemd read units that were written.
    pub(crate) fn read_units(&self) -> Action {
        self.action(&["daemon-reload"], &["daemon-reload"], "")
    }

    /// What makes these units, as far as they run, read their files again, now and when that is taken back.
    pub(crate) fn reload(&self, units: &str) -> Action {
        self.action(&["try-reload-or-restart"], &["try-reload-or-restart"], units)
    }

    /// Several units are words of one text.
    fn action(&self, run: &[&str], undo: &[&str], units: &str) -> Action {
        let words = |verb: &[&str]| -> Vec<String> {
            let program = self.program.display().to_string();
            let root = self.offline.as_ref().map(|root| format!("--root={}", root.display()));
            let rest = verb.iter().copied().chain(units.split_whitespace()).map(str::to_owned);
            [program].into_iter().chain(root).chain(rest).collect()
        };
        let mut shown = words(run);
        shown[0] = "systemctl".to_owned();
        let shown: Vec<String> = shown.iter().map(|shown| word(shown)).collect();
        Action { shown: shown.join(" "), run: words(run), undo: words(undo) }
    }

    fn ask(&self, verb: &str, unit: &str) -> Ended {
        let mut command = Command::new(&self.program);
        if let Some(root) = &self.offline {
            command.arg(format!("--root={}", root.display()));
        }
        ask(self.processes, command.args([verb, unit]), LIMIT)
    }
}

fn systemctl(settings: &Settings) -> Result<PathBuf, &'static str> {
    on_path("systemctl", settings).ok_or("there is no systemctl on PATH")
}

fn is_running() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(offline: Option<&str>, enabled: bool, active: bool, renewed: bool, expected: &[&str]) {
        let processes = Arc::default();
        let offline = offline.map(PathBuf::from);
        let services = Services { program: "/usr/bin/systemctl".into(), offline, processes: &processes };
        let actions = services.start("x.service", UnitState { enabled, active }, renewed);
        let lines: Vec<_> = actions
            .iter()
            .map(|action| format!("{} | {}", action.shown, action.undo[1..].join(" ")))
            .collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_runs_reads_its_files() {
        let processes = Arc::default();
        let services = Services { program: "/bin/systemctl".into(), offline: None, processes: &processes };
        let action = services.reload("x.service x@*.service");
        assert_eq!(action.shown, "systemctl try-reload-or-restart x.service 'x@*.service'");
        assert_eq!(action.run[1..], ["try-reload-or-restart", "x.service", "x@*.service"]);
        assert_eq!(action.undo, action.run);
    }

    #[test]
    fn only_what_is_missing_is_done_and_taken_back() {
        check(None, false, false, true, &["systemctl enable --now x.service | disable --now x.service"]);
        check(None, true, false, true, &["systemctl start x.service | stop x.service"]);
        check(None, true, true, false, &[]);
        check(None, true, true, true, &["systemctl restart x.service | try-restart x.service"]);
        check(
            None,
            false,
            true,
            true,
            &[
                "systemctl enable x.service | disable x.service",
                "systemctl restart x.service | try-restart x.service",
            ],
        );
        check(
            Some("/r"),
            false,
            false,
            true,
            &["systemctl --root=/r enable x.service | --root=/r disable x.service"],
        );
        check(Some("/r"), true, false, true, &[]);
    }
}
