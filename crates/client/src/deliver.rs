//! Puts what came back where the compiler would have put it. Knows nothing of where it came from.

use cc_args::Writer;
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{AccessFlags, access, close};
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Writes an output file as `writer` does, but so that nobody ever sees half of it: beside its place, then renamed.
/// What `writer` writes into instead of replacing it is written into, and so is a file in a directory that takes no new
/// names.
///
/// # Errors
/// Those of the file system, and outputs of other kinds, which are for the compiler itself to judge; the old file, if any,
/// is still whole unless it was to be written into.
pub(crate) fn write_output(output: &Path, bytes: &[u8], writer: Writer) -> io::Result<()> {
    match fs::metadata(output) {
        Ok(found) if found.file_type().is_char_device() => return overwrite(output, bytes),
        Ok(found) if !found.is_file() => return Err(io::Error::other("it is not a regular file")),
        Ok(found) => match writer {
            Writer::Assembler if found.len() > 0 => {}
            Writer::Assembler | Writer::CompilerProper => return overwrite(output, bytes),
            Writer::Clang => access(output, AccessFlags::W_OK)?,
        },
        // A link that leads nowhere yet.
        Err(_) if writer != Writer::Clang && fs::symlink_metadata(output).is_ok() => {
            return overwrite(output, bytes);
        }
        Err(_) => {}
    }
    match Unfinished::beside(output) {
        Ok(unfinished) => unfinished.finish(output, bytes),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => overwrite(output, bytes),
        Err(error) => Err(error),
    }
}

fn overwrite(output: &Path, bytes: &[u8]) -> io::Result<()> {
    fill(OpenOptions::new().write(true).create(true).truncate(true).open(output)?, bytes)
}

/// Some file servers say only when a file is closed that they had no room for it.
fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    let (allowed, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
    if bytes.len() as u64 > allowed {
        // Writing would end this process by a signal, and what is unfinished would stay.
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    file.write_all(bytes)?;
    Ok(close(file)?)
}

/// Repeats messages on the stream that the compiler would have used.
pub(crate) fn replay(mut stream: impl Write, messages: &[u8]) {
    if !messages.is_empty() {
        // A reader that has gone away is the reader's wish, as it would be the compiler's.
        let _ = stream.write_all(messages).and_then(|()| stream.flush());
    }
}

/// How many names are tried; each is random, so even the second one is hardly ever needed.
const ATTEMPTS: usize = 16;

/// A file beside its final place; dropped unfinished, it is removed.
struct Unfinished {
    path: PathBuf,
    file: Option<File>,
}

impl Unfinished {
    /// The name is short whatever the output is called, and hidden from `*.o`. Another machine or container may share
    /// the directory and our process id, so the id alone would not do.
    fn beside(output: &Path) -> io::Result<Unfinished> {
        let mut last_error = io::ErrorKind::AlreadyExists.into();
        for _ in 0..ATTEMPTS {
            let random = RandomState::new().build_hasher().finish();
            let path = output.with_file_name(format!(".distcc-{random:016x}.tmp"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Unfinished { path, file: Some(file) }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last_error = error,
                Err(error) => return Err(error),
            }
        }
        Err(last_error)
    }

    fn finish(mut self, output: &Path, bytes: &[u8]) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |file| fill(file, bytes))?;
        fs::rename(&self.path, output)?;
        std::mem::take(&mut self.path);
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Writer::Assembler;
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn new_and_old_files_are_replaced_whole() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("x.o");
        for bytes in [b"first".as_slice(), b"", b"second"] {
            write_output(&output, bytes, Assembler).unwrap();
            assert_eq!(fs::read(&output).unwrap(), bytes);
        }
        assert_eq!(names(root.path()), ["x.o"]);
        let plain = root.path().join("plain");
        File::create(&plain).unwrap();
        let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode(&output), mode(&plain));
    }

    #[test]
    fn a_missing_directory_is_not_made() {
        let root = tempfile::tempdir().unwrap();
        assert!(write_output(&root.path().join("missing/x.o"), b"x", Assembler).is_err());
        assert!(names(root.path()).is_empty());
    }

    #[test]
    fn devices_stay_devices() {
        write_output(Path::new("/dev/null"), b"object", Assembler).unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    /// Files and links that are there already, as `gcc -c`, `gcc -S` and clang leave them.
    #[test]
    fn old_files_are_treated_as_the_compiler_treats_them() {
        let root = tempfile::tempdir().unwrap();
        let (target, link) = (root.path().join("target"), root.path().join("x.o"));
        let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
        let prepare = |content: Option<&str>| {
            let _ = (fs::remove_file(&target), fs::remove_file(&link));
            if let Some(content) = content {
                fs::write(&target, content).unwrap();
                fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
            }
            symlink(&target, &link).unwrap();
        };
        let check = |writer: Writer, content: Option<&str>, written_into: bool| {
            let case = format!("{writer:?} {content:?}");
            prepare(content);
            write_output(&link, b"object", writer).unwrap();
            assert_eq!(fs::read(&link).unwrap(), b"object", "{case}");
            assert_eq!(fs::symlink_metadata(&link).unwrap().is_symlink(), written_into, "{case}");
            prepare(content);
            write_output(&target, b"object", writer).unwrap();
            assert_eq!(mode(&target) == 0o600, written_into && content.is_some(), "{case}");
        };
        check(Assembler, Some("kept"), false);
        check(Assembler, Some(""), true);
        check(Assembler, None, true);
        check(Writer::CompilerProper, Some("old"), true);
        check(Writer::CompilerProper, Some(""), true);
        check(Writer::CompilerProper, None, true);
        check(Writer::Clang, Some("kept"), false);
        check(Writer::Clang, Some(""), false);
        check(Writer::Clang, None, false);
    }

    #[test]
    fn a_fifo_is_left_to_the_compiler() {
        let root = tempfile::tempdir().unwrap();
        let fifo = root.path().join("x.o");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(write_output(&fifo, b"object", Assembler).is_err());
        assert!(write_output(root.path(), b"object", Assembler).is_err());
    }

    #[test]
    fn a_stranger_beside_the_output_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("x.o");
        let other = Unfinished::beside(&output).unwrap();
        write_output(&output, b"object", Assembler).unwrap();
        assert!(other.path.exists());
        drop(other);
        assert_eq!(names(root.path()), ["x.o"]);
    }

    #[test]
    fn a_long_name_needs_no_longer_one() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("x".repeat(253) + ".o");
        write_output(&output, b"object", Assembler).unwrap();
        assert_eq!(fs::read(&output).unwrap(), b"object");
    }
}
