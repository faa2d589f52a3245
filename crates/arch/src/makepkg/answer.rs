//! What bash answered to question.bash: values, and the lines that gave them. Runs nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// What bash had in its variables at the end, and the lines it ran to get there.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Effective {
    variables: BTreeMap<String, Variable>,
    assignments: BTreeMap<String, Vec<Origin>>,
    files: Vec<PathBuf>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Variable {
    /// As bash's `${name@a}` has them: `a` for an array, `x` for one that programs see.
    attributes: String,
    elements: Vec<String>,
}

/// A line that bash ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) file: PathBuf,
    /// From 1; for an array that spans lines it is the last.
    pub(crate) line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

impl Origin {
    /// The line that holds `word`, if the assignment that ends here began on one above; else this one.
    pub(crate) fn line_with(&self, word: &str) -> Origin {
        let text = fs::read(&self.file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().take(self.line).collect();
        let above = lines.iter().rev().take(LONGEST).position(|line| line.contains(word)).unwrap_or(0);
        Origin { file: self.file.clone(), line: self.line - above }
    }

    /// The first line of a file that holds `word`.
    pub(crate) fn holding(file: &Path, word: &str) -> Option<Origin> {
        let text = fs::read(file).ok()?;
        let line = String::from_utf8_lossy(&text).lines().position(|line| line.contains(word))? + 1;
        Some(Origin { file: file.to_owned(), line })
    }

    /// The line itself.
    pub(crate) fn text(&self) -> Option<String> {
        let text = fs::read(&self.file).ok()?;
        String::from_utf8_lossy(&text).lines().nth(self.line.checked_sub(1)?).map(str::to_owned)
    }
}

/// Assignments of more lines than this are not looked through.
const LONGEST: usize = 50;

impl Effective {
    /// What `$name` means; of an array that is its first element. None: it is not set.
    pub(crate) fn scalar(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.elements.first().map(String::as_str)
    }

    /// All elements; a scalar has one. None: it is not set.
    pub(crate) fn array(&self, name: &str) -> Option<&[String]> {
        self.variables.get(name).map(|variable| variable.elements.as_slice())
    }

    /// Whether it is an array.
    pub(crate) fn is_array(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|variable| variable.attributes.contains('a'))
    }

    /// Whether programs see it.
    pub(crate) fn exported(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|variable| variable.attributes.contains('x'))
    }

    /// The last line that gave it a value, or took it away.
    pub(crate) fn origin(&self, name: &str) -> Option<&Origin> {
        self.assignments(name).last()
    }

    /// Every line that gave it a value, in the order in which they were run.
    pub(crate) fn assignments(&self, name: &str) -> &[Origin] {
        self.assignments.get(name).map_or(&[], Vec::as_slice)
    }

    /// The files that were run, makepkg's own included, in order, each once.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

/// Takes the answer apart; of the lines that were run only those count that give one of `variables` a value.
///
/// # Errors
/// The answer is not whole: the line outside of makepkg's own `library` that was run last.
pub(super) fn read(answer: &[u8], variables: &[&str], library: &Path) -> Result<Effective, Option<Origin>> {
    let (trace, values) = match answer.iter().position(|byte| *byte == 0x1d) {
        Some(middle) => (&answer[..middle], &answer[middle + 1..]),
        None => (answer, &[][..]),
    };
    let mut effective = Effective::default();
    let mut last = None;
    for (origin, command) in trace.split(|byte| *byte == 0x1e).filter_map(record) {
        for name in variables.iter().filter(|name| gives_value(&command, name)) {
            effective.assignments.entry((*name).to_owned()).or_default().push(origin.clone());
        }
        if !effective.files.contains(&origin.file) {
            effective.files.push(origin.file.clone());
        }
        if !origin.file.starts_with(library) {
            last = Some(origin);
        }
    }
    match variables_of(values) {
        Some(variables) => Ok(Effective { variables, ..effective }),
        None => Err(last),
    }
}

/// `FILE 0x1f LINE 0x1f COMMAND`; what bash runs for us alone has no file, or that of a function without one.
fn record(record: &[u8]) -> Option<(Origin, String)> {
    let record = String::from_utf8_lossy(record);
    let mut fields = record.splitn(3, '\x1f');
    let (file, line, command) = (fields.next()?, fields.next()?, fields.next()?);
    if file.is_empty() || file == "environment" {
        return None;
    }
    Some((Origin { file: file.into(), line: line.parse().ok()? }, command.to_owned()))
}

const DECLARING: &[&str] = &["export", "declare", "typeset", "readonly", "local"];

/// Whether a command, as bash's xtrace spells it, changes what the variable holds.
fn gives_value(command: &str, name: &str) -> bool {
    let mut words = command.trim_end_matches('\n');
    if let Some(rest) = words.strip_prefix("unset ") {
        return rest.split(' ').any(|word| word == name);
    }
    if let Some(rest) = DECLARING.iter().find_map(|word| words.strip_prefix(word)?.strip_prefix(' ')) {
        words = rest;
        while let Some(option) = words.strip_prefix('-') {
            words = option.split_once(' ').map_or("", |(_, rest)| rest);
        }
        words = words.strip_prefix('\'').unwrap_or(words);
    }
    let Some(after) = words.strip_prefix(name) else { return false };
    after.starts_with('=') || after.starts_with("+=") || (after.starts_with('[') && after.contains("]="))
}

/// None when the end is missing.
fn variables_of(values: &[u8]) -> Option<BTreeMap<String, Variable>> {
    let mut words = values.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    let mut variables = BTreeMap::new();
    loop {
        let name = words.next()?;
        if name == "end" {
            return Some(variables);
        }
        let attributes = words.next()?;
        let count: usize = words.next()?.parse().ok()?;
        let elements: Vec<_> = words.by_ref().take(count).collect();
        variables.insert(name, Variable { attributes, elements });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_where_they_come_from() {
        let answer = b"\x1e\x1f9\x1floading\n\x1e/c\x1f3\x1fA=(!x y)\n\x1e\x1e/d\x1f4\x1fexport 'B=1\n2'\n\
            \x1e/d\x1f5\x1fA+=(z)\n\x1e/d\x1f6\x1fC=1\n\x1dA\0a\x003\0!x\0y\0z\0B\0x\x001\x001\n2\0E\0a\x000\0end\0";
        let found = read(answer, &["A", "B"], Path::new("/lib")).unwrap();
        let origin = |file: &str, line| Origin { file: file.into(), line };
        assert_eq!(found.array("A").unwrap(), ["!x", "y", "z"]);
        assert_eq!(found.assignments("A"), [origin("/c", 3), origin("/d", 5)]);
        assert_eq!((found.scalar("B"), found.exported("B")), (Some("1\n2"), true));
        assert_eq!(found.origin("B").unwrap().to_string(), "/d:4");
        assert_eq!((found.array("E"), found.scalar("E"), found.array("C")), (Some(&[][..]), None, None));
        assert_eq!(found.files(), ["/c", "/d"].map(PathBuf::from));
    }

    #[test]
    fn half_an_answer_tells_where_it_ended() {
        for answer in [
            &b"\x1e/c\x1f3\x1fA=1\n"[..],
            b"\x1e/c\x1f3\x1fA=1\n\x1dA\0\x001\0x\0",
            b"\x1e/c\x1f3\x1fx\x1e/lib/x\x1f9\x1fy\x1d",
        ] {
            let last = read(answer, &["A"], Path::new("/lib")).unwrap_err().unwrap();
            assert_eq!(last.to_string(), "/c:3");
        }
        assert_eq!(read(b"", &["A"], Path::new("/lib")), Err(None));
    }

    #[test]
    fn commands_that_give_a_value() {
        for (command, gives) in [
            ("CFLAGS=-O2\n", true),
            ("CFLAGS+=' -g'", true),
            ("CFLAGS=(-O2)", true),
            ("CFLAGS[0]=x", true),
            ("export CFLAGS=x", true),
            ("declare -g -x 'CFLAGS=a b'", true),
            ("unset CPPFLAGS CFLAGS", true),
            ("CFLAGSX=1", false),
            ("XCFLAGS=1", false),
            ("export CFLAGS", false),
            ("echo CFLAGS=1", false),
        ] {
            assert_eq!(gives_value(command, "CFLAGS"), gives, "{command}");
        }
    }
}
