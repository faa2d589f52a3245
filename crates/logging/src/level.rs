//! How urgent a message is: names, prefixes and syslog severities. Knows nothing of where messages go.

use std::fmt;
use std::str::FromStr;

/// Severities of syslog(3), most urgent first; the number is syslog's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The machine is unusable.
    Emergency = 0,
    /// Someone must act at once.
    Alert = 1,
    /// The program cannot do its work.
    Critical = 2,
    /// One piece of work failed.
    Error = 3,
    /// Something is amiss but the work went on.
    Warning = 4,
    /// Normal and worth a line in every log.
    Notice = 5,
    /// For a user who reads logs.
    Info = 6,
    /// For someone who searches a fault.
    Debug = 7,
}

/// Every spelling of a level: names and short forms as in distccd(1), `--log-level`; lower case only.
const NAMES: &[(&str, Level)] = &[
    ("emergency", Level::Emergency),
    ("emerg", Level::Emergency),
    ("alert", Level::Alert),
    ("critical", Level::Critical),
    ("crit", Level::Critical),
    ("error", Level::Error),
    ("err", Level::Error),
    ("warning", Level::Warning),
    ("warn", Level::Warning),
    ("notice", Level::Notice),
    ("note", Level::Notice),
    ("info", Level::Info),
    ("debug", Level::Debug),
];

/// The text that was to name a level and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLevel(pub String);

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "unknown log level \"{}\"; use one of", self.0)?;
        for (position, (name, _)) in NAMES.iter().enumerate() {
            write!(f, "{} {name}", if position == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownLevel {}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Level, UnknownLevel> {
        let named = NAMES.iter().find(|(name, _)| *name == text);
        named.map(|(_, level)| *level).ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

impl Level {
    /// What stands before the message.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Level::Emergency => "EMERGENCY! ",
            Level::Alert => "ALERT! ",
            Level::Critical => "CRITICAL! ",
            Level::Error => "ERROR: ",
            Level::Warning => "Warning: ",
            Level::Notice | Level::Info | Level::Debug => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Level>) {
        assert_eq!(text.parse::<Level>().ok(), expected, "{text}");
    }

    #[test]
    fn names_of_levels() {
        check("emerg", Some(Level::Emergency));
        check("emergency", Some(Level::Emergency));
        check("alert", Some(Level::Alert));
        check("crit", Some(Level::Critical));
        check("critical", Some(Level::Critical));
        check("err", Some(Level::Error));
        check("error", Some(Level::Error));
        check("warn", Some(Level::Warning));
        check("warning", Some(Level::Warning));
        check("note", Some(Level::Notice));
        check("notice", Some(Level::Notice));
        check("info", Some(Level::Info));
        check("debug", Some(Level::Debug));
        check("DEBUG", None);
        check("", None);
        check("loud", None);
    }
}
