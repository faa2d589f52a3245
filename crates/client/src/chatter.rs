//! What a child says on stderr while something else is waited for: heard without waiting, and only the last of it kept.
//! Knows nothing of what it means.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, BorrowedFd};

/// So much is kept, however much is said.
const KEPT: usize = 4096;

/// How many pieces are heard after the child's end: more than a pipe holds.
const LAST_PIECES: usize = 32;

/// One child's stderr.
#[derive(Debug)]
pub(crate) struct Chatter {
    /// Gone when nobody can say anything more.
    pipe: Option<PipeReader>,
    tail: Tail,
}

impl Chatter {
    /// A pipe, and the end that the child is to write to.
    ///
    /// # Errors
    /// Those of `pipe(2)`.
    pub(crate) fn new() -> io::Result<(Chatter, PipeWriter)> {
        let (reader, writer) = io::pipe()?;
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok((Chatter { pipe: Some(reader), tail: Tail::default() }, writer))
    }

    /// What becomes readable when there is something to hear.
    pub(crate) fn source(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Hears one piece, so that a child that never falls silent holds nobody up; false when there is none now.
    pub(crate) fn hear(&mut self) -> bool {
        let Some(pipe) = &mut self.pipe else { return false };
        let mut piece = [0; KEPT];
        match pipe.read(&mut piece) {
            Ok(count @ 1..) => self.tail.add(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => {
                self.pipe = None;
                return false;
            }
        }
        true
    }

    /// The last lines of what has been said until now. Whoever else holds the pipe, as a connection that ssh keeps for
    /// later does, is not waited for.
    pub(crate) fn last_lines(&mut self) -> Vec<String> {
        for _ in 0..LAST_PIECES {
            if !self.hear() {
                break;
            }
        }
        self.tail.lines()
    }
}

/// The end of a text that comes in pieces.
#[derive(Debug, Default)]
struct Tail(Vec<u8>);

impl Tail {
    fn add(&mut self, piece: &[u8]) {
        self.0.extend(piece);
        let excess = self.0.len().saturating_sub(KEPT);
        self.0.drain(..excess);
    }

    /// Without what would move a terminal's cursor, and without lines that are empty.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.0);
        let lines = text.split(['\n', '\r']).map(|line| line.replace(char::is_control, " "));
        lines.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut tail = Tail::default();
        pieces.iter().for_each(|piece| tail.add(piece));
        tail.lines()
    }

    #[test]
    fn lines_as_ssh_ends_them() {
        let check =
            |text: &str, expected: &[&str]| assert_eq!(lines(&[text.as_bytes()]), expected, "{text:?}");
        check("", &[]);
        check("one\r\ntwo\r\n", &["one", "two"]);
        check("\n \n one", &["one"]);
        check("\x1b[31mred\x07\n", &["[31mred"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(lines(&[b"caf\xe9"]), ["caf\u{fffd}"]);
    }

    proptest! {
        /// However it is cut into pieces, and whatever went before.
        #[test]
        fn the_last_line_is_kept(before in "[a-z\n]{0,9000}", last in "[a-z]{1,200}", cut in 1usize..5000) {
            let text = format!("{before}\n{last}\n");
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
            let kept = lines(&pieces);
            prop_assert_eq!(kept.last(), Some(&last));
            prop_assert!(kept.iter().map(String::len).sum::<usize>() <= KEPT);
        }

        #[test]
        fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(lines(&[&bytes]).iter().all(|line| !line.is_empty() && !line.contains(char::is_control)));
        }
    }

    #[test]
    fn nobody_is_waited_for() {
        let (mut chatter, mut writer) = Chatter::new().unwrap();
        assert!(!chatter.hear());
        writer.write_all(b"said\n").unwrap();
        assert_eq!(chatter.last_lines(), ["said"]);
        assert!(chatter.source().is_some());
        drop(writer);
        assert_eq!(chatter.last_lines(), ["said"]);
        assert!(chatter.source().is_none());
    }
}
