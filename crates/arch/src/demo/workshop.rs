//! How a demo compiles one source here and through the client: words, places and environment. Compares nothing.

use crate::ask::Ended;
use crate::demo::compilers::{Compiler, Compilers};
use crate::demo::crew::Crew;
use crate::demo::host::DemoHost;
use crate::demo::source::Source;
use crate::programs::Programs;
use crate::scratch::Scratch;
use crate::settings::Settings;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Optimised, and silent about what is not our business.
const FLAGS: &[&str] = &["-O2", "-w"];

/// `__DATE__` and `__TIME__` would tell two compiles apart.
const SOURCE_DATE_EPOCH: &str = "1000000000";

/// What all compiles have in common.
#[derive(Debug)]
pub(crate) struct Workshop<'a> {
    settings: &'a Settings,
    compilers: &'a Compilers,
    programs: Programs,
    crew: Crew,
    places: Places,
}

#[derive(Debug)]
struct Places {
    /// Objects that are compiled here.
    here: PathBuf,
    /// Objects that come from a daemon, and the client's logs.
    there: PathBuf,
    /// `DISTCC_DIR`.
    state: PathBuf,
    /// `DISTCC_CMDLIST`.
    compiler_list: PathBuf,
}

/// One source, its compiler and what comes of it.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) source: Source,
    pub(crate) compiler: Compiler,
    pub(crate) object_here: PathBuf,
    pub(crate) object_there: PathBuf,
    /// Where the client tells what it did.
    client_log: PathBuf,
}

impl<'a> Workshop<'a> {
    /// # Errors
    /// Those of making directories and files.
    pub(crate) fn open(
        settings: &'a Settings,
        compilers: &'a Compilers,
        programs: Programs,
        crew: Crew,
        scratch: &Scratch,
    ) -> io::Result<Workshop<'a>> {
        let places = Places {
            here: scratch.private("here")?,
            there: scratch.private("there")?,
            state: scratch.private("state")?,
            compiler_list: scratch.path().join("compilers"),
        };
        let list: Vec<_> = compilers.programs().iter().map(|program| program.display().to_string()).collect();
        fs::write(&places.compiler_list, list.join("\n") + "\n")?;
        // The daemon reads it when it is no longer root.
        fs::set_permissions(&places.compiler_list, Permissions::from_mode(0o644))?;
        Ok(Workshop { settings, compilers, programs, crew, places })
    }

    /// `source` as the `number`th piece, or `None` when there is no compiler for it.
    pub(crate) fn piece(&self, number: usize, source: Source) -> Option<Piece> {
        let compiler = self.compilers.for_language(source.language)?.clone();
        let place = |directory: &Path, extension: &str| directory.join(format!("{number}.{extension}"));
        Some(Piece {
            source,
            compiler,
            object_here: place(&self.places.here, "o"),
            object_there: place(&self.places.there, "o"),
            client_log: place(&self.places.there, "log"),
        })
    }

    /// Compiles all pieces with the plain compiler.
    pub(crate) fn compile_here(&self, pieces: &[Piece], step: impl Fn() + Sync) -> Vec<Ended> {
        let command = |piece: &Piece| {
            let mut command = self.command(&piece.compiler.program);
            command.args(piece.args(&piece.object_here));
            command
        };
        self.crew.run(pieces.iter().map(command).collect(), step)
    }

    /// Has `hosts` compile all pieces; what they cannot do is not done.
    pub(crate) fn compile_there(
        &self,
        pieces: &[Piece],
        hosts: &[DemoHost],
        step: impl Fn() + Sync,
    ) -> Vec<Ended> {
        let mut list: Vec<String> = hosts.iter().map(DemoHost::spec).collect();
        list.push(format!("--localslots_cpp={}", self.crew.workers));
        let list = list.join(" ");
        let command = |piece: &Piece| {
            let mut command = self.command(&self.programs.distcc);
            command.args(piece.words(&piece.object_there));
            command.env("DISTCC_HOSTS", &list).env("DISTCC_DIR", &self.places.state);
            command.env("DISTCC_LOG", &piece.client_log).env("DISTCC_FALLBACK", "0");
            // Every object is compared here, and a daemon would count a sample as a job.
            command.env("DISTCC_TOOLCHAIN_CHECK", "off");
            command
        };
        self.crew.run(pieces.iter().map(command).collect(), step)
    }

    /// Starts a daemon that may run our compilers and nothing else.
    ///
    /// # Errors
    /// One line that tells why it does not serve.
    pub(crate) fn start_host(
        &self,
        spool: &Path,
        slots: usize,
        lifetime: Duration,
    ) -> Result<DemoHost, String> {
        let mut distccd = self.command(&self.programs.distccd);
        distccd.env("DISTCC_CMDLIST", &self.places.compiler_list).env("TMPDIR", spool);
        DemoHost::start(distccd, slots, lifetime, &self.crew.processes)
    }

    /// Links objects that came from daemons and runs the program.
    ///
    /// # Errors
    /// A fragment that tells which of both failed, and how.
    pub(crate) fn link_and_run(&self, pieces: &[&Piece]) -> Result<Vec<u8>, String> {
        let Some(first) = pieces.first() else { return Ok(Vec::new()) };
        let program = first.object_there.with_extension("program");
        let mut link = self.command(&first.compiler.program);
        link.args(pieces.iter().map(|piece| &piece.object_there)).arg("-o").arg(&program);
        let linked = self.crew.run_one(&mut link);
        if !linked.well() {
            return Err(format!("cannot be linked: {}", linked.how()));
        }
        let ran = self.crew.run_one(&mut self.command(&program));
        if ran.well() { Ok(ran.stdout) } else { Err(format!("was linked, but: {}", ran.how())) }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        self.settings.withheld.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.env("PATH", self.compilers.search_path()).env("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH);
        command.current_dir(&self.places.here);
        command
    }
}

impl Piece {
    /// The command as a user would type it, without `distcc`.
    pub(crate) fn words(&self, object: &Path) -> Vec<OsString> {
        std::iter::once(self.compiler.command.clone()).chain(self.args(object)).collect()
    }

    /// What the client wrote into its log.
    pub(crate) fn client_log(&self) -> String {
        fs::read_to_string(&self.client_log).unwrap_or_default()
    }

    fn args(&self, object: &Path) -> Vec<OsString> {
        let includes = self.source.includes.iter().flat_map(|directory| ["-I".into(), directory.into()]);
        // Some C++ files get names from a random number otherwise.
        let seed = OsString::from(format!("-frandom-seed={}", self.source.shown));
        let flags = FLAGS.iter().map(OsString::from).chain([seed]).chain(includes);
        flags.chain(["-c".into(), self.source.path.clone().into(), "-o".into(), object.into()]).collect()
    }
}
