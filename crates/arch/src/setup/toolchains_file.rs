//! The file that names the daemon's toolchains: plans its edits, and that the daemon reads it. Knows neither what is in
//! a toolchain nor the file's grammar.

use crate::carry_out::Work;
use crate::services::Services;
use changes::Plan;
use std::path::{Path, PathBuf};
use toolchain::{CONFIG, Config, Entry, with_entry, without_entry};

const UNIT: &str = "distccd.service";
/// Further daemons read the same file. A later undo meets others than run now, so who runs is left to systemd.
const UNITS: &str = "distccd.service distccd@*.service";

const OPENING: &str =
    "# Compilers that distccd may run besides those on its search path (distccd(1), TOOLCHAINS).\n";

/// Where it is.
#[derive(Debug)]
pub(crate) struct ToolchainsFile {
    path: PathBuf,
}

impl ToolchainsFile {
    pub(crate) fn of_the_machine() -> ToolchainsFile {
        ToolchainsFile { path: CONFIG.into() }
    }

    pub(crate) fn at(path: PathBuf) -> ToolchainsFile {
        ToolchainsFile { path }
    }

    /// All that are named.
    ///
    /// # Errors
    /// One line: what is wrong with the file, and where.
    pub(crate) fn entries(&self, plan: &Plan) -> Result<Vec<Entry>, String> {
        let text = self.text(plan)?.unwrap_or_default();
        Ok(Config::parse(&text, &self.path).map_err(|error| error.to_string())?.toolchains)
    }

    /// # Errors
    /// One line: the file is wrong, or the name is another one's.
    pub(crate) fn add(&self, plan: &mut Plan, entry: &Entry) -> Result<(), String> {
        let text = self.text(plan)?.unwrap_or_else(|| OPENING.to_owned());
        self.write(plan, with_entry(&text, &self.path, entry).map_err(|error| error.to_string())?)
    }

    /// # Errors
    /// One line: the file is wrong, or has no such name.
    pub(crate) fn remove(&self, plan: &mut Plan, name: &str) -> Result<(), String> {
        let text = self.text(plan)?.unwrap_or_default();
        self.write(plan, without_entry(&text, &self.path, name).map_err(|error| error.to_string())?)
    }

    /// # Errors
    /// One line: the file is wrong, or sets it in a way that only a person can change.
    pub(crate) fn allow_multilib(&self, plan: &mut Plan, allowed: bool) -> Result<(), String> {
        let there = self.text(plan)?;
        let text = there.clone().unwrap_or_else(|| OPENING.to_owned());
        let parse = |text: &str| Config::parse(text, &self.path).map_err(|error| error.to_string());
        let before = parse(&text)?;
        if before.multilib == allowed {
            return Ok(());
        }
        let new = with_multilib(&text, allowed);
        let names =
            |config: &Config| config.toolchains.iter().map(|entry| entry.name.clone()).collect::<Vec<_>>();
        match parse(&new) {
            Ok(after) if after.multilib == allowed && names(&after) == names(&before) => {
                self.write(plan, new)
            }
            _ => Err(format!("{}: write multilib = {allowed} there yourself", self.path.display())),
        }
    }

    /// Plans that daemons which run read it; false where nobody knows how.
    pub(crate) fn has_it_read(&self, plan: &mut Plan, work: &Work) -> bool {
        let services = Services::running(work.settings, work.processes).ok();
        let services =
            services.filter(|services| self.path == Path::new(CONFIG) && services.state(UNIT).is_ok());
        if let Some(services) = &services {
            plan.run(services.reload(UNITS));
        }
        services.is_some()
    }

    fn text(&self, plan: &Plan) -> Result<Option<String>, String> {
        let bytes = plan.read(&self.path).map_err(|error| error.to_string())?;
        let text = bytes.map(String::from_utf8).transpose();
        text.map_err(|_| format!("{} is no text: remove it first", self.path.display()))
    }

    fn write(&self, plan: &mut Plan, text: String) -> Result<(), String> {
        plan.write(&self.path, text.into_bytes(), 0o644).map_err(|error| error.to_string())
    }
}

/// The text with this value in its own line, which is the first without a section where there was none.
fn with_multilib(text: &str, allowed: bool) -> String {
    let is_it = |line: &&str| line.split_once('=').is_some_and(|(key, _)| key.trim() == "multilib");
    if let Some(line) = text.lines().find(is_it) {
        let (old, new) = (!allowed, allowed);
        return text.replacen(line, &line.replacen(&old.to_string(), &new.to_string(), 1), 1);
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = lines.iter().take_while(|line| line.starts_with('#')).count();
    [lines[..at].concat(), format!("multilib = {allowed}\n"), lines[at..].concat()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multilib_in_its_line() {
        for (text, expected) in [
            ("", "multilib = true\n"),
            ("# a\n# b\n[toolchain.x]\n", "# a\n# b\nmultilib = true\n[toolchain.x]\n"),
            ("  multilib=false # not true\n[toolchain.x]\n", "  multilib=true # not true\n[toolchain.x]\n"),
        ] {
            assert_eq!(with_multilib(text, true), expected);
        }
    }
}
