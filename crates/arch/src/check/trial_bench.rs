//! Compiles samples here and through the client on one host, with the compilers and flags that makepkg will use, and
//! tells how each went. Knows nothing of what is to be done about it.

use crate::ask::{Ended, ask};
use crate::build_user::BuildUser;
use crate::check::trial_outcome::{ClientEnd, Outcome, compare};
use crate::demo::compilers::{Compiler, Compilers};
use crate::demo::source::Language;
use crate::processes::Processes;
use nix::fcntl::OFlag;
use std::ffi::OsString;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest that one compile may take, here or there.
const COMPILE: Duration = Duration::from_secs(30);

/// The longest silence of a host, in seconds (DISTCC_IO_TIMEOUT).
const SILENCE: &str = "10";

/// Name and text of what is compiled: with a header of the system's, and little else, for many hosts may be asked.
const SOURCES: [(Language, &str, &str); 2] = [
    (Language::C, "trial.c", include_str!("../../sample/trial/trial.c")),
    (Language::Cxx, "trial.cpp", include_str!("../../sample/trial/trial.cpp")),
];

/// An object or a log of a trial is never longer.
const MOST_BYTES: u64 = 16 << 20;

/// Used when the user's own flags forbid that a compile is sent away.
const PLAIN_FLAGS: &str = "-O2";

/// What would tell two compiles of one source apart, whatever the flags before it ask for.
const COMPARABLE: [&str; 4] = ["-g0", "-fno-lto", "-w", "-frandom-seed=distcc-arch"];

/// Who compiles, what with and how: all that makepkg would have said.
#[derive(Debug)]
pub(crate) struct Makepkg<'a> {
    /// `PATH`.
    pub(crate) path: &'a [PathBuf],
    /// The compiler's name as `CC` has it; none: the usual compiler.
    pub(crate) compiler: Option<&'a str>,
    /// `CFLAGS` and `CXXFLAGS`, split into words.
    pub(crate) cflags: Vec<String>,
    pub(crate) cxxflags: Vec<String>,
    /// Who compiles; none: we do.
    pub(crate) user: Option<BuildUser>,
    /// The variables that tell how ssh gets in.
    pub(crate) ssh: Vec<(&'static str, OsString)>,
}

/// The samples as compiled here, and all that is needed to have them compiled elsewhere; gone when dropped.
#[derive(Debug)]
pub(crate) struct TrialBench {
    processes: Arc<Processes>,
    place: TempDir,
    path: OsString,
    user: Option<BuildUser>,
    ssh: Vec<(&'static str, OsString)>,
    samples: Vec<Sample>,
}

/// One source and what became of it here.
#[derive(Debug)]
struct Sample {
    language: &'static str,
    /// As makepkg would call it.
    command: OsString,
    arguments: Vec<OsString>,
    object: Vec<u8>,
    took: Duration,
}

/// One compile on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trial {
    /// `C` or `C++`.
    pub(crate) language: &'static str,
    /// As typed, such as `gcc`.
    pub(crate) compiler: String,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    /// How long the same compile took here.
    pub(crate) here: Duration,
}

impl TrialBench {
    /// Compiles the samples here.
    ///
    /// # Errors
    /// One line that tells why nothing can be compiled here, and what to do.
    pub(crate) fn set_up(
        makepkg: &Makepkg,
        distcc: &Path,
        processes: &Arc<Processes>,
    ) -> Result<TrialBench, String> {
        let compilers = Compilers::find(makepkg.compiler.map(Path::new), makepkg.path)?;
        let place = furnish(&compilers, distcc, makepkg.user.as_ref())
            .map_err(|error| format!("cannot make a temporary directory: {error}"))?;
        let mut path = OsString::from(place.path().join("bin"));
        path.push(":");
        path.push(compilers.search_path());
        let processes = Arc::clone(processes);
        let (user, ssh) = (makepkg.user.clone(), makepkg.ssh.clone());
        let mut bench = TrialBench { processes, place, path, user, ssh, samples: Vec::new() };
        for (language, source, _) in SOURCES {
            let flags = if language == Language::C { &makepkg.cflags } else { &makepkg.cxxflags };
            if let Some(compiler) = compilers.for_language(language) {
                let sample = bench.compile_here(language, compiler, flags, source)?;
                bench.samples.push(sample);
            }
        }
        Ok(bench)
    }

    /// Has one host, as a host list names it, compile the samples, in order, until one fails. `number` is another one
    /// for each host.
    pub(crate) fn compile_on(&self, spec: &str, number: usize) -> Vec<Trial> {
        let mut trials = Vec::new();
        for sample in &self.samples {
            let trial = self.compile_there(sample, spec, number);
            let failed = trial.outcome != Outcome::Equal;
            trials.push(trial);
            if failed {
                break;
            }
        }
        trials
    }

    fn compile_here(
        &self,
        language: Language,
        compiler: &Compiler,
        flags: &[String],
        source: &str,
    ) -> Result<Sample, String> {
        let source = self.place.path().join(source);
        let arguments = arguments(&compiler.command, flags, &source);
        let object = self.place.path().join("tmp/here.o");
        let begun = Instant::now();
        let ended = self.run(Command::new(&compiler.program).args(&arguments).arg("-o").arg(&object));
        let took = begun.elapsed();
        if !ended.well() {
            let compiler = compiler.program.display();
            return Err(format!("{compiler} cannot compile a small program here: {}", ended.how()));
        }
        let object =
            read_plain(&object).map_err(|error| format!("cannot read {}: {error}", object.display()))?;
        let language = if language == Language::C { "C" } else { "C++" };
        Ok(Sample { language, command: compiler.command.clone(), arguments, object, took })
    }

    fn compile_there(&self, sample: &Sample, spec: &str, number: usize) -> Trial {
        let begun = Instant::now();
        let outcome = self.try_there(sample, spec, number);
        let outcome = outcome.unwrap_or_else(|error| Outcome::ClientFailed(error.to_string()));
        let compiler = sample.command.to_string_lossy().into_owned();
        Trial { language: sample.language, compiler, outcome, took: begun.elapsed(), here: sample.took }
    }

    /// In a state directory of its own, so that neither an earlier failure of the host nor other jobs matter.
    fn try_there(&self, sample: &Sample, spec: &str, number: usize) -> io::Result<Outcome> {
        let name = format!("{number}-{}", sample.language);
        let state = self.place.path().join(name);
        directory(&state, self.user.as_ref())?;
        let (log, object) = (state.join("log"), state.join("there.o"));
        let mut command = Command::new(&sample.command);
        command.env_clear().env("DISTCC_HOSTS", spec).env("DISTCC_DIR", &state).env("DISTCC_LOG", &log);
        command
            .env("DISTCC_FALLBACK", "0")
            .env("DISTCC_SKIP_LOCAL_RETRY", "1")
            .env("DISTCC_ANY_COMPILER", "1")
            .env("DISTCC_IO_TIMEOUT", SILENCE)
            .envs(self.ssh.iter().cloned());
        let ended = self.run(command.args(&sample.arguments).arg("-o").arg(&object));
        let log = String::from_utf8_lossy(&read_plain(&log).unwrap_or_default()).into_owned();
        let code = match &ended.status {
            Ok(status) => status.code(),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => None,
            Err(_) => return Ok(Outcome::ClientFailed(ended.how())),
        };
        let end = ClientEnd { code, stderr: &String::from_utf8_lossy(&ended.stderr), log: &log };
        match end.trouble() {
            Some(trouble) => Ok(trouble),
            None => Ok(compare(&read_plain(&object)?, &sample.object)),
        }
    }

    fn run(&self, command: &mut Command) -> Ended {
        use std::os::unix::process::CommandExt;
        let place = self.place.path();
        command.env("PATH", &self.path).env("HOME", place).env("TMPDIR", place.join("tmp"));
        command.env("LANG", "C.UTF-8").current_dir(place);
        if let Some(user) = &self.user {
            command.uid(user.uid).gid(user.gid);
        }
        ask(&self.processes, command, COMPILE)
    }
}

/// The words after the compiler and before `-o OBJECT`: the user's flags, unless these keep every compile here.
fn arguments(command: &OsString, flags: &[String], source: &Path) -> Vec<OsString> {
    let with = |flags: &[&str]| {
        let words = flags.iter().chain(&COMPARABLE).map(OsString::from);
        words.chain(["-c".into(), source.into()]).collect::<Vec<_>>()
    };
    let asked = with(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    let whole = [std::slice::from_ref(command), asked.as_slice(), &["-o".into(), "x.o".into()]].concat();
    if cc_args::analyze(&whole, |_| None).is_ok_and(|sent| sent.text_hazard().is_none()) {
        asked
    } else {
        with(&[PLAIN_FLAGS])
    }
}

/// A directory with the sources, and with links to the client under the compilers' names, as masquerading has it. It
/// stays our own, so that `user`, whose programs run in it meanwhile, cannot put a link where we write.
fn furnish(compilers: &Compilers, distcc: &Path, user: Option<&BuildUser>) -> io::Result<TempDir> {
    let place = tempfile::Builder::new().prefix("distcc-arch-check.").tempdir()?;
    let at = |name: &str| place.path().join(name);
    for (_, name, text) in SOURCES {
        fs::write(at(name), text)?;
        fs::set_permissions(at(name), Permissions::from_mode(0o644))?;
    }
    directory(&at("bin"), None)?;
    for compiler in [Some(&compilers.c), compilers.cxx.as_ref()].into_iter().flatten() {
        symlink(distcc, at("bin").join(&compiler.command))?;
    }
    directory(&at("tmp"), user)?;
    fs::set_permissions(place.path(), Permissions::from_mode(0o755))?;
    Ok(place)
}

/// A new directory into which `user` may write, or else we.
fn directory(path: &Path, user: Option<&BuildUser>) -> io::Result<()> {
    fs::create_dir(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))?;
    user.map_or(Ok(()), |user| chown(path, Some(user.uid), Some(user.gid)))
}

/// What a program of `user`'s wrote: no link, and nothing that would make us wait.
fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut read = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut read)?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(flags: &str, expected: &str) {
        let flags: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
        let words = arguments(&"gcc".into(), &flags, Path::new("x.c"));
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn only_plain_files_are_read() {
        let work = tempfile::tempdir().unwrap();
        let at = |name: &str| work.path().join(name);
        fs::write(at("file"), "text").unwrap();
        symlink("file", at("link")).unwrap();
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        for (name, readable) in [("file", true), ("link", false), ("pipe", false), (".", false)] {
            assert_eq!(read_plain(&at(name)).is_ok(), readable, "{name}");
        }
    }

    #[test]
    fn flags_that_keep_compiles_here_are_left_out() {
        let tail = "-g0 -fno-lto -w -frandom-seed=distcc-arch -c x.c";
        check("-O3 -pipe -g", &format!("-O3 -pipe -g {tail}"));
        check("-march=native -O3", &format!("-O2 {tail}"));
        check("", tail);
    }
}
