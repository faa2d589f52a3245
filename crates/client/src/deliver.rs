//! Puts what came back where the compiler would have put it. Knows nothing of where it came from.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Writes an output file so that nobody ever sees half of it: beside its place, then renamed. A device or a fifo is
/// written to, as the assembler does; a file in a directory that takes no new names is overwritten.
///
/// # Errors
/// Those of the file system; the old file, if any, is still whole unless the directory forbade renaming.
pub(crate) fn write_output(output: &Path, bytes: &[u8]) -> io::Result<()> {
    let special = fs::symlink_metadata(output).is_ok_and(|found| {
        let kind = found.file_type();
        kind.is_char_device() || kind.is_block_device() || kind.is_fifo() || kind.is_socket()
    });
    if special {
        return OpenOptions::new().write(true).open(output)?.write_all(bytes);
    }
    match Unfinished::beside(output) {
        Ok(unfinished) => unfinished.finish(output, bytes),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            OpenOptions::new().write(true).truncate(true).open(output)?.write_all(bytes)
        }
        Err(error) => Err(error),
    }
}

/// Repeats messages on the stream that the compiler would have used.
pub(crate) fn replay(mut stream: impl Write, messages: &[u8]) {
    if !messages.is_empty() {
        // A reader that has gone away is the reader's wish, as it would be the compiler's.
        let _ = stream.write_all(messages).and_then(|()| stream.flush());
    }
}

/// A file beside its final place; dropped unfinished, it is removed.
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    /// The name is short whatever the output is called, and hidden from `*.o`.
    fn beside(output: &Path) -> io::Result<Unfinished> {
        let path = output.with_file_name(format!(".distcc-{}.tmp", std::process::id()));
        let create = || OpenOptions::new().write(true).create_new(true).open(&path);
        let file = create().or_else(|error| match error.kind() {
            // Only a process with our number that was killed can have left it.
            io::ErrorKind::AlreadyExists => fs::remove_file(&path).and_then(|()| create()),
            _ => Err(error),
        })?;
        Ok(Unfinished { path, file })
    }

    fn finish(mut self, output: &Path, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
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
            write_output(&output, bytes).unwrap();
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
        assert!(write_output(&root.path().join("missing/x.o"), b"x").is_err());
        assert!(names(root.path()).is_empty());
    }

    #[test]
    fn devices_stay_devices() {
        write_output(Path::new("/dev/null"), b"object").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[test]
    fn a_link_is_replaced_as_the_assembler_does() {
        let root = tempfile::tempdir().unwrap();
        let (target, link) = (root.path().join("target"), root.path().join("x.o"));
        fs::write(&target, "kept").unwrap();
        symlink(&target, &link).unwrap();
        write_output(&link, b"object").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"kept");
        assert!(!fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_long_name_needs_no_longer_one() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("x".repeat(253) + ".o");
        write_output(&output, b"object").unwrap();
        assert_eq!(fs::read(&output).unwrap(), b"object");
    }
}
