//! Clauses that another test proves: its name in the table, and whether there is such a test. Runs nothing.

use std::fs;
use std::path::Path;

/// One clause and where it is proven.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tested {
    /// The line in its file.
    pub(crate) line: usize,
    /// The file with the test, from the top of the project.
    pub(crate) file: String,
    pub(crate) function: String,
    /// For people.
    pub(crate) clause: String,
}

impl Tested {
    /// Reads what follows the word `tested`: `tests/slots.rs::killed_clients_free_their_slots a killed client`.
    pub(crate) fn parse(line: usize, text: &str) -> Result<Tested, String> {
        let (place, clause) = text.trim().split_once(' ').ok_or("the clause is missing")?;
        let (file, function) = place.split_once("::").ok_or("a test is FILE::FUNCTION")?;
        let clause = clause.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Tested { line, file: file.to_owned(), function: function.to_owned(), clause })
    }

    /// What is wrong with the reference, if anything.
    pub(crate) fn complaint(&self, top: &Path) -> Option<String> {
        let Tested { file, function, .. } = self;
        let found = fs::read_to_string(top.join(file)).is_ok_and(|source| has_test(&source, function));
        (!found).then(|| format!("there is no test {function} in {file}"))
    }
}

/// Whether the source has a test of that name that is not ignored.
fn has_test(source: &str, name: &str) -> bool {
    let mut attributes = Vec::new();
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            attributes.push(line);
        } else if !line.starts_with("//") {
            let is_it = line.strip_prefix("fn ").and_then(|rest| rest.strip_prefix(name));
            if is_it.is_some_and(|rest| rest.starts_with('(')) && attributes == ["#[test]"] {
                return true;
            }
            attributes.clear();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let parsed = Tested::parse(3, "  tests/slots.rs::killed   a killed\nclient ");
        let (file, function, clause) = ("tests/slots.rs".into(), "killed".into(), "a killed client".into());
        assert_eq!(parsed, Ok(Tested { line: 3, file, function, clause }));
        assert!(Tested::parse(3, "tests/slots.rs::killed").is_err());
        assert!(Tested::parse(3, "killed it is").is_err());
    }

    #[test]
    fn only_tests_that_run_are_tests() {
        let check = |source: &str, expected: bool| assert_eq!(has_test(source, "it"), expected, "{source}");
        check("#[test]\nfn it() {\n}\n", true);
        check("mod tests {\n    /// Why.\n    #[test]\n    fn it() {}\n}", true);
        check("#[test]\n// Why.\nfn it() {}", true);
        check("fn it() {}", false);
        check("#[test]\nfn it_too() {}", false);
        check("#[test]\n#[ignore]\nfn it() {}", false);
        check("#[test]\nfn other() {}\nfn it() {}", false);
    }
}
