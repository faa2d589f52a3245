//! The names to look for: a list, or a series made by a format. Knows no resolver.

/// A series longer than this is none (lsdistcc(1)).
const LONGEST_SERIES: usize = 500;

/// Names, numbered from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    kind: Kind,
    /// What each of them ends in: nothing, or a dot and a domain.
    suffix: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Series(String),
    List(Vec<String>),
}

impl Names {
    /// What the words after the options mean. Behind a format nothing is looked at.
    pub(crate) fn of(words: &[String]) -> Names {
        let kind = match words.first() {
            None => Kind::Series("distcc%d".to_owned()),
            Some(format) if format.contains("%d") => Kind::Series(format.clone()),
            Some(_) => Kind::List(words.to_vec()),
        };
        Names { kind, suffix: String::new() }
    }

    /// Puts a domain behind each.
    pub(crate) fn append(&mut self, domain: &str) {
        self.suffix = format!(".{domain}");
    }

    /// Whether missing names end the search: a list was meant as it was typed, a series ends somewhere.
    pub(crate) fn is_series(&self) -> bool {
        matches!(self.kind, Kind::Series(_))
    }

    /// The name with this number, as it is printed; brackets around an address are left out.
    pub(crate) fn name(&self, number: usize) -> Option<String> {
        let index = number.checked_sub(1)?;
        let name = match &self.kind {
            Kind::Series(format) => (index < LONGEST_SERIES).then(|| filled(format, number))?,
            Kind::List(names) => names.get(index)?.clone(),
        };
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&name);
        Some(format!("{bare}{}", self.suffix))
    }
}

/// As printf would: `%d` is the number, `%%` a percent sign. Any other is left as it is.
fn filled(format: &str, number: usize) -> String {
    let number = number.to_string();
    let parts: Vec<String> = format.split("%%").map(|part| part.replace("%d", &number)).collect();
    parts.join("%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(line: &str) -> Names {
        Names::of(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    fn check(line: &str, expected: &[&str], is_series: bool) {
        let names = names(line);
        let found: Vec<String> = (1..=3).filter_map(|number| names.name(number)).collect();
        assert_eq!(found, expected, "{line}");
        assert_eq!(names.is_series(), is_series, "{line}");
    }

    #[test]
    fn series_and_lists() {
        check("", &["distcc1", "distcc2", "distcc3"], true);
        check("farm-%d.lan and more", &["farm-1.lan", "farm-2.lan", "farm-3.lan"], true);
        check("r%d%%u%d", &["r1%u1", "r2%u2", "r3%u3"], true);
        check("red green", &["red", "green"], false);
        check("red green%d", &["red", "green%d"], false);
        check("[::1] ::1 [x", &["::1", "::1", "[x"], false);
    }

    #[test]
    fn series_end_and_begin() {
        let series = names("");
        assert_eq!(series.name(0), None);
        assert_eq!(series.name(500).as_deref(), Some("distcc500"));
        assert_eq!(series.name(501), None);
    }

    #[test]
    fn a_domain_stands_behind_each() {
        let mut names = names("red");
        names.append("example.org");
        assert_eq!(names.name(1).as_deref(), Some("red.example.org"));
    }

    proptest! {
        #[test]
        fn formats_of_any_kind(format in "[a-z%d]{0,12}", number in 1usize..500) {
            let name = filled(&format, number);
            prop_assert!(!format.contains('%') && name == format || format.contains('%'));
            prop_assert!(!name.contains("%%") || format.contains("%%%") || format.contains("%%d"));
        }
    }
}
