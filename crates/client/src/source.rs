//! What is sent to be compiled: preprocessed text, in memory. Runs the preprocessor; knows nothing of hosts.

use crate::interrupts::{Broken, Interrupts};
use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// One translation unit, ready to be sent to any number of hosts.
#[derive(Debug)]
pub(crate) struct Source {
    text: Text,
    packed: OnceCell<Vec<u8>>,
    /// What the preprocessor had to say; the compiler would have said it too.
    pub(crate) messages: Vec<u8>,
}

/// Where the text is; from a file it can be sent without coming through this process.
#[derive(Debug)]
pub(crate) enum Text {
    /// As a preprocessor wrote it.
    File(File, usize),
    /// As it was read.
    Bytes(Vec<u8>),
}

/// Why there is nothing to send.
#[derive(Debug)]
pub(crate) enum NoSource {
    /// The preprocessor found fault with the source: the compiler here will say so in its own words.
    Rejected,
    /// Waiting for it failed, or it could not be started.
    Broken(Broken),
}

impl From<io::Error> for NoSource {
    fn from(error: io::Error) -> NoSource {
        NoSource::Broken(Broken::Io(error))
    }
}

impl NoSource {
    /// What cannot be started cannot compile here either, and says so there; but where this machine is at its limits, that
    /// has to be said.
    pub(crate) fn of_what_cannot_start(error: io::Error) -> NoSource {
        const LIMITS: [Errno; 4] = [Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::EAGAIN];
        let at_limit = LIMITS.iter().any(|limit| error.raw_os_error() == Some(*limit as i32));
        if at_limit { error.into() } else { NoSource::Rejected }
    }
}

impl Source {
    /// Takes the text of an input that needs no preprocessor.
    #[must_use]
    pub(crate) fn preprocessed(text: Vec<u8>) -> Source {
        Source { text: Text::Bytes(text), packed: OnceCell::new(), messages: Vec::new() }
    }

    /// The text as it is.
    #[must_use]
    pub(crate) fn text(&self) -> &Text {
        &self.text
    }

    /// Copies the text to a new file in `directory`, as `distcc_HHHHHHHH.EXTENSION` with eight hexadecimal digits that
    /// nobody has; only its owner can read it.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub(crate) fn save(&self, directory: &Path, extension: &str) -> io::Result<PathBuf> {
        let mut number = std::process::id() << 8;
        loop {
            let path = directory.join(format!("distcc_{number:08x}.{extension}"));
            match File::options().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(mut file) => {
                    file.write_all(&self.bytes()?)?;
                    return Ok(path);
                }
                // At most as often as there are files.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number = number.wrapping_add(1),
                Err(error) => return Err(error),
            }
        }
    }

    /// The text in memory.
    ///
    /// # Errors
    /// Those of reading it.
    pub(crate) fn bytes(&self) -> io::Result<Cow<'_, [u8]>> {
        match &self.text {
            Text::File(file, length) => read_all(file, *length).map(Cow::Owned),
            Text::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
        }
    }

    /// The text compressed for the wire; done once, however many hosts are tried.
    ///
    /// # Errors
    /// Those of reading the text.
    pub(crate) fn packed(&self) -> io::Result<&[u8]> {
        if let Some(packed) = self.packed.get() {
            return Ok(packed);
        }
        let packed = protocol::pack(&self.bytes()?);
        Ok(self.packed.get_or_init(|| packed))
    }
}

/// A preprocessor at work.
#[derive(Debug)]
pub(crate) struct Preprocessing {
    child: Child,
    text: File,
    messages: File,
}

impl Preprocessing {
    /// Starts `preprocessor`, complete but for its streams.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(mut preprocessor: Command, interrupts: &Interrupts) -> io::Result<Preprocessing> {
        let (text, messages) = (memory("preprocessed")?, memory("messages")?);
        preprocessor.stdin(Stdio::null()).stdout(text.try_clone()?).stderr(messages.try_clone()?);
        Ok(Preprocessing { child: interrupts.spawn(&mut preprocessor)?, text, messages })
    }

    /// Waits for it and takes what it wrote.
    ///
    /// # Errors
    /// [`NoSource`]; a preprocessor that is interrupted has ended when this returns.
    pub(crate) fn finish(mut self, interrupts: &Interrupts) -> Result<Source, NoSource> {
        let status = interrupts.wait_child(&mut self.child).map_err(NoSource::Broken)?;
        if !status.success() {
            return Err(NoSource::Rejected);
        }
        let messages = read_all(&self.messages, length(&self.messages)?)?;
        let length = length(&self.text)?;
        Ok(Source { text: Text::File(self.text, length), packed: OnceCell::new(), messages })
    }

    /// Waits for it no longer than until `deadline`, and while neither stream has more than `most` bytes.
    ///
    /// # Errors
    /// [`Broken`], `TimedOut` where it took too long or said too much; it has ended when this returns.
    pub(crate) fn wait_within(
        &mut self,
        deadline: Instant,
        most: u64,
        interrupts: &Interrupts,
    ) -> Result<(), Broken> {
        let Preprocessing { child, text, messages } = self;
        let is_short =
            || [&*text, &*messages].iter().all(|file| file.metadata().is_ok_and(|it| it.len() <= most));
        interrupts.wait_child_while(child, || Instant::now() < deadline && is_short())?;
        if is_short() { Ok(()) } else { Err(Broken::TimedOut) }
    }

    /// What it has written to either stream.
    ///
    /// # Errors
    /// Those of reading it.
    pub(crate) fn all_said(&self) -> io::Result<Vec<u8>> {
        let mut said = read_all(&self.text, length(&self.text)?)?;
        said.extend(read_all(&self.messages, length(&self.messages)?)?);
        Ok(said)
    }
}

/// A file that has no name and vanishes with its last descriptor, so that no signal can leave it behind.
pub(crate) fn memory(name: &str) -> io::Result<File> {
    Ok(File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC)?))
}

fn length(file: &File) -> io::Result<usize> {
    usize::try_from(file.metadata()?.len()).map_err(io::Error::other)
}

fn read_all(file: &File, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preprocess(script: &str) -> Result<Source, NoSource> {
        let interrupts = Interrupts::catch().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        Preprocessing::start(shell, &interrupts)?.finish(&interrupts)
    }

    #[test]
    fn text_and_messages_are_kept_apart() {
        let source = preprocess("echo text; echo message >&2").unwrap();
        let Text::File(file, length) = source.text() else { panic!("not a file") };
        assert_eq!(read_all(file, *length).unwrap(), b"text\n");
        assert_eq!(source.messages, b"message\n");
        let unpacked = protocol::unpack(source.packed().unwrap(), 100).unwrap();
        assert_eq!(unpacked, b"text\n");
    }

    #[test]
    fn text_is_saved_under_a_name_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let source = preprocess("echo text").unwrap();
        let paths = [(); 3].map(|()| source.save(directory.path(), "ii").unwrap());
        for path in &paths {
            assert_eq!(std::fs::read(path).unwrap(), b"text\n");
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(name.starts_with("distcc_") && name.len() == 18 && name.ends_with(".ii"), "{name}");
        }
        assert!(paths[0] != paths[1] && paths[1] != paths[2]);
        assert!(source.save(Path::new("/nowhere"), "i").is_err());
    }

    #[test]
    fn a_failing_preprocessor_rejects_the_source() {
        assert!(matches!(preprocess("echo text; exit 1"), Err(NoSource::Rejected)));
    }
}
