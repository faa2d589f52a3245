//! The compiler that a daemon announces, and the name that machines with the same one ask for. Runs no compiler.

use crate::service::SERVICE_TYPE;

/// DNS, RFC 1035, section 2.3.4.
const LONGEST_LABEL: usize = 63;
/// What `-dumpversion` and `-dumpmachine` of any compiler fit into.
const LONGEST_ANSWER: usize = 63;

/// What `cc -dumpversion` and `cc -dumpmachine` say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    /// Such as `12`.
    pub version: String,
    /// Such as `x86_64-linux-gnu`.
    pub machine: String,
}

impl Compiler {
    /// From what the compiler printed: of each output the first word counts. None if either says nothing usable.
    #[must_use]
    pub fn from_output(version: &[u8], machine: &[u8]) -> Option<Compiler> {
        Some(Compiler { version: word(version)?, machine: word(machine)? })
    }

    /// The DNS-SD subtype that distcc 3.4 makes of the two: `_MACHINE--VERSION._sub._distcc._tcp`, in lower case, with
    /// `-` for all but letters and digits. None where DNS has no room for it.
    #[must_use]
    pub fn subtype(&self) -> Option<String> {
        let label = format!("_{}--{}", plain(&self.machine), plain(&self.version));
        (label.len() <= LONGEST_LABEL).then(|| format!("{label}._sub.{SERVICE_TYPE}"))
    }
}

fn word(output: &[u8]) -> Option<String> {
    let line = output.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let word = str::from_utf8(line).ok()?.split_ascii_whitespace().next()?;
    let usable = word.len() <= LONGEST_ANSWER && word.bytes().all(|byte| byte.is_ascii_graphic());
    usable.then(|| word.to_owned())
}

fn plain(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: &str, machine: &str, expected: Option<&str>) {
        let compiler = Compiler::from_output(version.as_bytes(), machine.as_bytes());
        assert_eq!(compiler.and_then(|compiler| compiler.subtype()).as_deref(), expected, "{version}");
    }

    #[test]
    fn subtypes() {
        check("12\n", "x86_64-linux-gnu\n", Some("_x86-64-linux-gnu--12._sub._distcc._tcp"));
        check("15.2.1", "x86_64-pc-linux-gnu", Some("_x86-64-pc-linux-gnu--15-2-1._sub._distcc._tcp"));
        check("4.2.1 Compatible\n", "X86_64", Some("_x86-64--4-2-1._sub._distcc._tcp"));
        check("", "x86_64-linux-gnu", None);
        check("\n12\n", "x86_64-linux-gnu", None);
        check("12", "\u{fc}", None);
        check("12", &"m".repeat(58), Some(&format!("_{}--12._sub._distcc._tcp", "m".repeat(58))));
        check("12", &"m".repeat(61), None);
        check("12", &"m".repeat(64), None);
    }
}
