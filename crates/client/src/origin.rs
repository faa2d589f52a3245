//! Whether what came back is the work of the very compiler that is here: compilers sign what they make, and another
//! version makes something else. Knows nothing of hosts, nor of what follows from it.

use crate::dependencies;
use crate::interrupts::{Broken, Interrupts};
use crate::question;
use crate::source::NoSource;
use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use toolchain::{Maker, ObjectFile, kept_file};

/// What makes a compiler sign without making an object, which could not be written to a pipe.
const SIGNING: [&str; 6] = ["-S", "-x", "c", "/dev/null", "-o", "-"];

/// So long the signature of a program is believed: behind a script another compiler may stand at any time.
const BELIEVED: Duration = Duration::from_secs(600);

/// A signature is a line; what is longer is none.
const LONGEST_LINE: u64 = 1000;

/// Compilers sign assembler files at their end.
const TAIL: usize = 1000;

/// The compiler here.
pub(crate) struct Here<'a> {
    /// As a command without arguments.
    pub(crate) command: Command,
    /// Where signatures are remembered, `DISTCC_DIR/compilers`; without it the compiler is asked each time.
    pub(crate) memory: Option<PathBuf>,
    pub(crate) interrupts: &'a Interrupts,
    /// Another build of the same version will do.
    pub(crate) loosely: bool,
}

impl Here<'_> {
    /// Who made `output`, an object or assembler file, and who would have made it here, if those are two. What nobody
    /// signed, as with -fno-ident, passes.
    ///
    /// # Errors
    /// The signal that arrived while the compiler here was asked.
    pub(crate) fn stranger(self, output: &[u8]) -> Result<Option<(Maker, Maker)>, Signal> {
        let makers = makers(output);
        let Some(there) = makers.last().cloned() else { return Ok(None) };
        let file = self.file();
        let remembered = file.as_deref().and_then(remembered);
        let loosely = self.loosely;
        let is_among_them = |here: &Maker| {
            let version = |maker: &Maker| (maker.family, maker.version.clone());
            makers.iter().any(|maker| maker == here || loosely && version(maker) == version(here))
        };
        if remembered.as_ref().is_some_and(is_among_them) {
            return Ok(None);
        }
        let Some(here) = self.ask()? else { return Ok(None) };
        if let Some(file) = file {
            kept_file::keep(&file, here.build.as_bytes());
        }
        Ok((!is_among_them(&here)).then_some((there, here)))
    }

    /// An upgrade changes the program, and so the name of the file.
    fn file(&self) -> Option<PathBuf> {
        let program = self.command.get_program();
        let about = fs::metadata(program).ok()?;
        let mut hasher = DefaultHasher::new();
        let version = (about.dev(), about.ino(), about.size(), about.mtime(), about.ctime());
        (program, version, geteuid().as_raw()).hash(&mut hasher);
        Some(self.memory.as_ref()?.join(format!("{:016x}", hasher.finish())))
    }

    fn ask(mut self) -> Result<Option<Maker>, Signal> {
        self.command.args(SIGNING);
        dependencies::ask_for_none(&mut self.command);
        match question::answer(self.command, self.interrupts) {
            Ok(said) => Ok(said.bytes().ok().and_then(|said| makers(&said).pop())),
            Err(NoSource::Broken(Broken::Interrupted(signal))) => Err(signal),
            Err(_) => Ok(None),
        }
    }
}

/// A sentence about a host: who compiles there, and who here.
pub(crate) fn other(there: &Maker, here: &Maker) -> String {
    format!("its compiler is {there}, not {here} as here")
}

/// Who signed an object or an assembler file; of other files nobody is known.
pub(crate) fn makers(output: &[u8]) -> Vec<Maker> {
    if let Some(object) = ObjectFile::parse(output) {
        return object.makers;
    }
    let tail = String::from_utf8_lossy(&output[output.len().saturating_sub(TAIL)..]);
    let signature = |line: &str| Maker::signed(line.trim().strip_prefix(".ident")?.trim().trim_matches('"'));
    tail.lines().filter_map(signature).collect()
}

fn remembered(file: &Path) -> Option<Maker> {
    Maker::signed(&kept_file::recall(file, LONGEST_LINE, BELIEVED)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    const ASSEMBLY: &str = "\t.text\n\t.ident\t\"GCC: (GNU) 14.2.1\"\n\t.section .note\n";

    #[test]
    fn signatures() {
        let check = |output: &[u8], expected: &[&str]| {
            let builds: Vec<String> = makers(output).into_iter().map(|maker| maker.build).collect();
            assert_eq!(builds, expected, "{}", String::from_utf8_lossy(output));
        };
        check(ASSEMBLY.as_bytes(), &["GCC: (GNU) 14.2.1"]);
        check(b".ident \"Debian clang version 14.0.6\"\n", &["Debian clang version 14.0.6"]);
        check(&[&b"\n\xff".repeat(2000)[..], ASSEMBLY.as_bytes()].concat(), &["GCC: (GNU) 14.2.1"]);
        check(b".ident \"a user's own words\"\n", &[]);
        check(b"object\n", &[]);
        check(b"", &[]);
    }

    /// A compiler that counts how often it is asked, and signs as told.
    struct Stub(tempfile::TempDir);

    impl Stub {
        fn signing(signature: &str) -> Stub {
            let stub = Stub(tempfile::tempdir().unwrap());
            let script =
                format!("#!/bin/sh\necho x >>{}\necho '.ident \"{signature}\"'\n", stub.path("asked"));
            fs::write(stub.path("cc"), script).unwrap();
            fs::set_permissions(stub.path("cc"), fs::Permissions::from_mode(0o755)).unwrap();
            stub
        }

        fn path(&self, name: &str) -> String {
            self.0.path().join(name).display().to_string()
        }

        /// Who is told of as a stranger, and how often the compiler here has been asked by then.
        fn check(&self, output: &str, stranger: Option<&str>, asked: usize) {
            let interrupts = Interrupts::catch().unwrap();
            let here = Here {
                command: Command::new(self.path("cc")),
                memory: Some(self.path("compilers").into()),
                interrupts: &interrupts,
                loosely: false,
            };
            let found = here.stranger(output.as_bytes()).unwrap().map(|(there, _)| there.build);
            assert_eq!(found.as_deref(), stranger, "{output}");
            let times = fs::read_to_string(self.path("asked")).unwrap_or_default().lines().count();
            assert_eq!(times, asked, "{output}");
        }
    }

    const OTHER: &str = ".ident \"GCC: (GNU) 13.1.0\"\n";

    #[test]
    fn a_compiler_is_asked_once() {
        let stub = Stub::signing("GCC: (GNU) 14.2.1");
        stub.check("object\n", None, 0);
        stub.check(ASSEMBLY, None, 1);
        stub.check(ASSEMBLY, None, 1);
        stub.check(OTHER, Some("GCC: (GNU) 13.1.0"), 2);
        stub.check(ASSEMBLY, None, 2);
    }

    #[test]
    fn what_is_remembered_is_not_believed_for_ever() {
        let stub = Stub::signing("GCC: (GNU) 14.2.1");
        stub.check(ASSEMBLY, None, 1);
        let entry = fs::read_dir(stub.path("compilers")).unwrap().next().unwrap().unwrap().path();
        let file = fs::File::options().write(true).open(&entry).unwrap();
        file.set_modified(SystemTime::now() - BELIEVED).unwrap();
        stub.check(ASSEMBLY, None, 2);
        fs::write(&entry, "garbage").unwrap();
        stub.check(ASSEMBLY, None, 3);
    }

    #[test]
    fn a_compiler_that_does_not_sign_is_no_judge() {
        Stub::signing("somebody").check(OTHER, None, 1);
    }

    #[test]
    fn what_another_user_put_there_is_left_alone() {
        let stub = Stub::signing("GCC: (GNU) 14.2.1");
        stub.check(ASSEMBLY, None, 1);
        let entry = fs::read_dir(stub.path("compilers")).unwrap().next().unwrap().unwrap().path();
        fs::rename(&entry, stub.path("elsewhere")).unwrap();
        std::os::unix::fs::symlink(stub.path("elsewhere"), &entry).unwrap();
        fs::write(stub.path("elsewhere"), "precious").unwrap();
        stub.check(ASSEMBLY, None, 2);
        assert_eq!(fs::read_to_string(stub.path("elsewhere")).unwrap(), "precious");
        fs::remove_file(&entry).unwrap();
        nix::unistd::mkfifo(&entry, nix::sys::stat::Mode::S_IRWXU).unwrap();
        stub.check(ASSEMBLY, None, 3);
    }
}
