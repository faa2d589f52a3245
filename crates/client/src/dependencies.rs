//! The rule that DEPENDENCIES_OUTPUT or SUNPRO_DEPENDENCIES has a compiler add to a file: the preprocessor's is kept back
//! until there is an object, since a compiler that runs here after all adds its own. Knows nothing of what a rule says.

use nix::sys::memfd::{MFdFlags, memfd_create};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

/// Variables that have a compiler add a rule to a file, the one that counts first.
pub(crate) const VARIABLES: [&str; 2] = ["DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES"];

/// Has a compiler that is run for our own sake write no rule.
pub(crate) fn ask_for_none(compiler: &mut Command) {
    VARIABLES.iter().for_each(|variable| {
        compiler.env_remove(variable);
    });
}

/// What the user's variable asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DependencyFile {
    /// Which of the two it is.
    pub(crate) variable: &'static str,
    /// `FILE`, or `FILE TARGET` with a blank between.
    pub(crate) value: OsString,
}

/// A rule on its way to a file that is open.
#[derive(Debug)]
pub(crate) struct Addition {
    rule: Vec<u8>,
    /// Standard output if there is none.
    file: Option<File>,
}

/// A rule that is kept back.
#[derive(Debug)]
pub(crate) struct KeptRule<'a> {
    file: &'a OsStr,
    rule: File,
}

impl DependencyFile {
    fn parts(&self) -> (&OsStr, &[u8]) {
        let value = self.value.as_bytes();
        let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
        (OsStr::from_bytes(&value[..end]), &value[end..])
    }

    /// Has `preprocessor` write its rule where we keep it.
    ///
    /// # Errors
    /// Those of `memfd_create(2)`.
    pub(crate) fn keep_back(&self, preprocessor: &mut Command) -> io::Result<KeptRule<'_>> {
        let (file, target) = self.parts();
        let rule = File::from(memfd_create("dependencies", MFdFlags::MFD_CLOEXEC)?);
        // By our own process id: the preprocessor's children do not inherit the descriptor.
        let mut value = OsString::from(format!("/proc/{}/fd/{}", std::process::id(), rule.as_raw_fd()));
        value.push(OsStr::from_bytes(target));
        preprocessor.env(self.variable, value);
        Ok(KeptRule { file, rule })
    }
}

impl KeptRule<'_> {
    /// Where the rule is to go.
    pub(crate) fn file(&self) -> &Path {
        Path::new(self.file)
    }

    /// Opens the file, if the preprocessor wrote a rule; to a compiler, `-` is standard output.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn open(&self) -> io::Result<Addition> {
        let (mut kept, mut rule) = (&self.rule, Vec::new());
        kept.rewind()?;
        kept.read_to_end(&mut rule)?;
        let is_named = !rule.is_empty() && self.file != "-";
        let file =
            is_named.then(|| File::options().append(true).create(true).open(self.file())).transpose()?;
        Ok(Addition { rule, file })
    }

    /// Adds the rule to the file.
    ///
    /// # Errors
    /// The file cannot be opened or written.
    pub(crate) fn add(&self) -> io::Result<()> {
        self.open()?.finish()
    }
}

impl Addition {
    /// Adds the rule.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self.file {
            Some(mut file) => file.write_all(&self.rule),
            None if self.rule.is_empty() => Ok(()),
            None => io::stdout().write_all(&self.rule).and_then(|()| io::stdout().flush()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[track_caller]
    fn check(value: &str, script: &str, expected: &str) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.d");
        fs::write(&path, "before\n").unwrap();
        let value = value.replace("FILE", path.to_str().unwrap()).into();
        let wanted = DependencyFile { variable: "DEPENDENCIES_OUTPUT", value };
        let mut preprocessor = Command::new("sh");
        preprocessor.args(["-c", script]);
        let kept = wanted.keep_back(&mut preprocessor).unwrap();
        assert!(preprocessor.status().unwrap().success());
        assert_eq!(fs::read_to_string(&path).unwrap(), "before\n");
        kept.add().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn rules_are_added_late() {
        let write = "set -- $DEPENDENCIES_OUTPUT; echo rule $2 >>$1";
        check("FILE", write, "before\nrule\n");
        check("FILE x.o y", write, "before\nrule x.o\n");
        check("FILE", "true", "before\n");
    }

    #[test]
    fn a_file_that_cannot_be_written() {
        let rule = File::from(memfd_create("dependencies", MFdFlags::MFD_CLOEXEC).unwrap());
        (&rule).write_all(b"rule").unwrap();
        assert!(KeptRule { file: OsStr::new("/nowhere/x.d"), rule }.add().is_err());
    }
}
