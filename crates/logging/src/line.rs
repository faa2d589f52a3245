//! Puts one message into one line: prefix, escapes, limit. Knows nothing of where lines go.

use std::fmt::{self, Write};

use crate::Level;

/// The longest line including its newline, in bytes: below PIPE_BUF (4096), so that a pipe takes it whole.
const LONGEST: usize = 4090;

/// Room for what stands before a message in a line.
const LONGEST_HEAD: usize = 40;

/// `SEVERITYmessage`, on one line, at most so long that a whole line holds it.
pub(crate) fn one_line(level: Level, message: fmt::Arguments) -> String {
    let mut line = OneLine(String::with_capacity(256));
    // The only error is the line being full: what fits has been kept.
    let _ = line.write_str(level.prefix()).and_then(|()| line.write_fmt(message));
    line.0
}

/// `PROGRAM[PID] MESSAGE` and a newline.
pub(crate) fn for_stream(program: &str, pid: u32, message: &str) -> String {
    format!("{program}[{pid}] {message}\n")
}

/// `<PRIORITY>PROGRAM[PID]: MESSAGE`, RFC 3164 without its optional timestamp; the facility is daemon.
pub(crate) fn for_syslog(program: &str, pid: u32, level: Level, message: &str) -> String {
    const DAEMON: u8 = 3;
    let priority = DAEMON << 3 | level as u8;
    format!("<{priority}>{program}[{pid}]: {message}")
}

/// Text that stays on its line: a file name with a newline in it must not forge a second message.
struct OneLine(String);

impl Write for OneLine {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            let before = self.0.len();
            if c.is_control() && c != '\t' {
                self.0.extend(c.escape_default());
            } else {
                self.0.push(c);
            }
            if self.0.len() > LONGEST - LONGEST_HEAD {
                self.0.truncate(before);
                return Err(fmt::Error);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(level: Level, message: &str) -> String {
        for_stream("distcc", 12, &one_line(level, format_args!("{message}")))
    }

    #[track_caller]
    fn check(level: Level, message: &str, expected: &str) {
        assert_eq!(stream(level, message), expected);
    }

    #[test]
    fn lines() {
        check(Level::Emergency, "on fire", "distcc[12] EMERGENCY! on fire\n");
        check(Level::Alert, "look", "distcc[12] ALERT! look\n");
        check(Level::Critical, "no way", "distcc[12] CRITICAL! no way\n");
        check(Level::Error, "compile x.c on red failed", "distcc[12] ERROR: compile x.c on red failed\n");
        check(Level::Warning, "no hosts", "distcc[12] Warning: no hosts\n");
        check(Level::Notice, "job", "distcc[12] job\n");
        check(Level::Info, "", "distcc[12] \n");
        check(Level::Debug, "ä\tb", "distcc[12] ä\tb\n");
        check(Level::Info, "a\ndistcc[1] forged", "distcc[12] a\\ndistcc[1] forged\n");
        check(Level::Info, "\u{1b}[31m\r\0\u{85}", "distcc[12] \\u{1b}[31m\\r\\u{0}\\u{85}\n");
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        for message in ["x".repeat(9000), "ä".repeat(9000), "\n".repeat(9000), "€".repeat(9000)] {
            let line = stream(Level::Error, &message);
            assert!((LONGEST - LONGEST_HEAD..=LONGEST).contains(&line.len()), "{}", line.len());
            assert_eq!(line.matches('\n').count(), 1);
        }
    }

    #[test]
    fn a_head_is_no_longer_than_there_is_room_for() {
        let longest = for_syslog("distccd", u32::MAX, Level::Debug, "");
        assert!(longest.len() <= LONGEST_HEAD, "{longest}");
    }

    #[test]
    fn syslog_line() {
        let message = one_line(Level::Notice, format_args!("hello\nworld"));
        assert_eq!(for_syslog("distccd", 7, Level::Notice, &message), "<29>distccd[7]: hello\\nworld");
    }
}
