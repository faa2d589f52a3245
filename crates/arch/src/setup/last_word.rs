//! What bash makes of a configuration text: the values that count, before and after an edit. Knows nothing of the edit.

use crate::ask::ask;
use crate::build_user::BuildUser;
use crate::processes::Processes;
use crate::programs::on_path;
use crate::settings::Settings;
use nix::unistd::geteuid;
use std::io::{self, Write};
use std::os::unix::fs::fchown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::NamedTempFile;

/// A text that takes longer does more than to set variables.
const LIMIT: Duration = Duration::from_secs(20);

/// A failing last command makes makepkg refuse a file, too; output of the file itself must not mix with ours.
const SCRIPT: &str = r#"
for text in "$@"; do
    source "$text" >/dev/null || exit 99
done
tell() { if [[ -v $1 ]]; then printf '%s=%s\0' "$1" "${!1}"; fi }
tell DISTCC_HOSTS; tell MAKEFLAGS
for word in "${BUILDENV[@]}"; do printf 'BUILDENV=%s\0' "$word"; done
"#;

const NOT_WELL: &str =
    "its last command fails, and makepkg takes no such file: end it with a line that only says true";

/// The variables that setup writes, as bash sees them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Values {
    pub(crate) hosts: Option<String>,
    pub(crate) make_flags: Option<String>,
    pub(crate) build_env: Vec<String>,
}

/// Something to source.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Text<'a> {
    /// What nobody has written yet.
    New(&'a [u8]),
    /// A file that is there.
    File(&'a Path),
}

/// A bash that may be asked.
#[derive(Debug)]
pub(crate) struct Bash<'a> {
    program: PathBuf,
    /// Whom it runs as, if not as us: root sources nothing as root.
    user: Option<(u32, u32)>,
    processes: &'a Arc<Processes>,
}

impl<'a> Bash<'a> {
    /// One that runs as `user` if we are root, who could do too much.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn find(
        user: &BuildUser,
        settings: &Settings,
        processes: &'a Arc<Processes>,
    ) -> Result<Bash<'a>, String> {
        let program = on_path("bash", settings)
            .ok_or("there is no bash on PATH, which has the last word on what is written: pacman -S bash")?;
        Ok(Bash { program, user: geteuid().is_root().then_some((user.uid, user.gid)), processes })
    }

    /// What the texts, sourced one after another in a clean environment, leave.
    ///
    /// # Errors
    /// When a text cannot be sourced: bash's own first complaint, which has the line.
    pub(crate) fn values(&self, texts: &[Text]) -> Result<Values, String> {
        let files = texts.iter().map(|text| self.file(text)).collect::<Result<Vec<_>, _>>();
        let files = files.map_err(|error| format!("cannot write a temporary file for bash: {error}"))?;
        let mut command = Command::new(&self.program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").current_dir("/");
        command.args(["--noprofile", "--norc", "-c", SCRIPT, "bash"]).args(files.iter().map(Sourced::path));
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        let ended = ask(self.processes, &mut command, LIMIT);
        if !ended.well() {
            let quietly =
                ended.stderr.is_empty() && ended.status.as_ref().is_ok_and(|end| end.code() == Some(99));
            let how = ended.how();
            let how = if quietly { NOT_WELL } else { how.strip_prefix("exit status: 99: ").unwrap_or(&how) };
            return Err(without_scratch(how, &files));
        }
        Ok(parse(&ended.stdout))
    }

    fn file<'t>(&self, text: &Text<'t>) -> io::Result<Sourced<'t>> {
        let bytes = match text {
            Text::File(path) => return Ok(Sourced::There(path)),
            Text::New(bytes) => bytes,
        };
        let mut file = tempfile::Builder::new().prefix("distcc-arch.").tempfile()?;
        file.write_all(bytes)?;
        if let Some((user, group)) = self.user {
            fchown(&file, Some(user), Some(group))?;
        }
        Ok(Sourced::Scratch(file))
    }
}

enum Sourced<'a> {
    There(&'a Path),
    Scratch(NamedTempFile),
}

impl Sourced<'_> {
    fn path(&self) -> &Path {
        match self {
            Sourced::There(path) => path,
            Sourced::Scratch(file) => file.path(),
        }
    }
}

/// bash names the line in a file whose name nobody needs to see.
fn without_scratch(said: &str, files: &[Sourced]) -> String {
    let scratch = files.iter().filter(|file| matches!(file, Sourced::Scratch(_)));
    scratch.fold(said.to_owned(), |said, file| said.replace(&format!("{}: ", file.path().display()), ""))
}

fn parse(printed: &[u8]) -> Values {
    let mut values = Values::default();
    for record in printed.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
        let text = String::from_utf8_lossy(record);
        match text.split_once('=') {
            Some(("DISTCC_HOSTS", value)) => values.hosts = Some(value.to_owned()),
            Some(("MAKEFLAGS", value)) => values.make_flags = Some(value.to_owned()),
            Some(("BUILDENV", word)) => values.build_env.push(word.to_owned()),
            _ => {}
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(texts: &[&str]) -> Result<Values, String> {
        let (settings, processes) = (Settings::read(), Arc::default());
        let texts: Vec<_> = texts.iter().map(|text| Text::New(text.as_bytes())).collect();
        Bash::find(&BuildUser::nobody(), &settings, &processes).unwrap().values(&texts)
    }

    #[test]
    fn what_counts_is_what_bash_sees() {
        let seen = values(&["BUILDENV=(a 'b c')\nMAKEFLAGS=-j$((1+1))\necho noise\n", "BUILDENV+=(!distcc)"]);
        let seen = seen.unwrap();
        assert_eq!(seen.build_env, ["a", "b c", "!distcc"]);
        assert_eq!((seen.make_flags.as_deref(), seen.hosts), (Some("-j2"), None));
        assert_eq!(values(&["DISTCC_HOSTS=\n"]).unwrap().hosts.as_deref(), Some(""));
    }

    #[test]
    fn what_bash_refuses() {
        let why = values(&["A=1\nif true\n"]).unwrap_err();
        assert!(why.starts_with("line ") && !why.contains("distcc-arch."), "{why}");
        assert_eq!(values(&["false\n"]).unwrap_err(), NOT_WELL);
    }
}
