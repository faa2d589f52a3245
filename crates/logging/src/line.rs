//! Puts one message into one line: prefix, escapes, limit. Knows nothing of where lines go.

use std::fmt::{self, Write};

use crate::Level;

/// The longest line including its newline, in bytes: below PIPE_BUF (4096), so that a pipe takes it whole.
const LONGEST: usize = 4090;

/// `PROGRAM[PID] SEVERITYmessage` and a newline.
pub(crate) fn for_stream(program: &str, pid: u32, level: Level, message: fmt::Arguments) -> String {
    let mut line = written(format_args!("{program}[{pid}] {}", level.prefix()), message);
    line.push('\n');
    line
}

/// `<PRIORITY>PROGRAM[PID]: SEVERITYmessage`, RFC 3164 without its optional timestamp; the facility is daemon.
pub(crate) fn for_syslog(program: &str, pid: u32, level: Level, message: fmt::Arguments) -> String {
    const DAEMON: u8 = 3;
    let priority = DAEMON << 3 | level as u8;
    written(format_args!("<{priority}>{program}[{pid}]: {}", level.prefix()), message)
}

fn written(head: fmt::Arguments, message: fmt::Arguments) -> String {
    let mut line = OneLine(String::with_capacity(256));
    // The only error is the line being full: what fits has been kept.
    let _ = line.write_fmt(head).and_then(|()| line.write_fmt(message));
    line.0
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
            if self.0.len() >= LONGEST {
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

    #[track_caller]
    fn check(level: Level, message: &str, expected: &str) {
        assert_eq!(for_stream("distcc", 12, level, format_args!("{message}")), expected);
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
            let line = for_stream("distcc", 1, Level::Error, format_args!("{message}"));
            assert!((LONGEST - 6..=LONGEST).contains(&line.len()), "{}", line.len());
            assert_eq!(line.matches('\n').count(), 1);
        }
    }

    #[test]
    fn syslog_line() {
        let line = for_syslog("distccd", 7, Level::Notice, format_args!("hello\nworld"));
        assert_eq!(line, "<29>distccd[7]: hello\\nworld");
    }
}
