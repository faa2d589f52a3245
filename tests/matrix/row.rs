//! What the files in `groups/` say: groups, clauses and rows, as text and as values. Runs nothing.

use std::collections::BTreeSet;

use crate::tested::Tested;

/// One numbered group of rows; a file of `groups/` each.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) number: u32,
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
    /// What else there is to the group.
    pub(crate) elsewhere: Vec<Tested>,
}

/// One command and what must become of it.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    /// The line in its file.
    pub(crate) line: usize,
    pub(crate) verdict: Verdict,
    /// How many compiles go through the client; without it, as many as `$CC` is in the script.
    pub(crate) compiles: Option<usize>,
    /// Sections of its objects that hold columns may differ: preprocessed text has lost them.
    pub(crate) loses_columns: bool,
    pub(crate) cases: Vec<Case>,
    /// A script for sh.
    pub(crate) script: String,
    /// The compiler itself must refuse the command.
    pub(crate) fails: bool,
}

/// Where a command is carried out when another host is there to take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Compiled there, and what came back is the result.
    Remote,
    /// Compiled there, and here again, because only that gives the compiler's own words.
    Repeated,
    /// There the compiler refused it; the one here has the last word.
    Rejected,
    /// To be sent, but the preprocessor here refused it.
    Unsent,
    /// No host is there to take it, so it is done here after a warning.
    Fallback,
    /// Never meant to be sent, for the reason with this code.
    Local(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    Gcc,
    Clang,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Language {
    C,
    Cxx,
    ObjC,
    ObjCxx,
}

/// A compiler together with the language that it is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Case {
    pub(crate) family: Family,
    pub(crate) language: Language,
}

impl Case {
    pub(crate) const ALL: [Case; 8] = {
        use Family::{Clang, Gcc};
        use Language::{C, Cxx, ObjC, ObjCxx};
        const fn case(family: Family, language: Language) -> Case {
            Case { family, language }
        }
        [
            case(Gcc, C),
            case(Gcc, Cxx),
            case(Gcc, ObjC),
            case(Gcc, ObjCxx),
            case(Clang, C),
            case(Clang, Cxx),
            case(Clang, ObjC),
            case(Clang, ObjCxx),
        ]
    };

    /// The program that is called.
    pub(crate) fn compiler(self) -> &'static str {
        let is_cxx = matches!(self.language, Language::Cxx | Language::ObjCxx);
        match (self.family, is_cxx) {
            (Family::Gcc, false) => "gcc",
            (Family::Gcc, true) => "g++",
            (Family::Clang, false) => "clang",
            (Family::Clang, true) => "clang++",
        }
    }

    /// What its sources' names end in.
    pub(crate) fn extension(self) -> &'static str {
        match self.language {
            Language::C => "c",
            Language::Cxx => "cc",
            Language::ObjC => "m",
            Language::ObjCxx => "mm",
        }
    }
}

impl Group {
    /// Reads one file; `Err` names the line and what is wrong there.
    pub(crate) fn parse(text: &str) -> Result<Group, String> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line)).peekable();
        let (_, first) = lines.next().ok_or("the file is empty")?;
        let (number, title) = heading(first).ok_or("line 1 is not `group NUMBER: TITLE`")?;
        let (mut rows, mut elsewhere) = (Vec::new(), Vec::new());
        while let Some((line, text)) = lines.next() {
            if text.trim().is_empty() || text.starts_with(['#', '=']) {
                continue;
            }
            let mut whole = text.to_owned();
            while let Some((_, more)) = lines.next_if(|(_, next)| next.starts_with(' ')) {
                whole = format!("{}\n{}", whole, more.trim());
            }
            let wrong = |what| format!("line {line}: {what}");
            match whole.strip_prefix("tested ") {
                Some(rest) => elsewhere.push(Tested::parse(line, rest).map_err(wrong)?),
                None => rows.push(Row::parse(line, &whole).map_err(wrong)?),
            }
        }
        Ok(Group { number, title, rows, elsewhere })
    }
}

fn heading(line: &str) -> Option<(u32, String)> {
    let (number, title) = line.strip_prefix("group ")?.split_once(": ")?;
    Some((number.parse().ok()?, title.to_owned()))
}

impl Row {
    fn parse(line: usize, text: &str) -> Result<Row, String> {
        let (verdict, rest) = text.split_once(' ').ok_or("a row is VERDICT COMPILERS COMMAND")?;
        let (cases, script) = rest.trim_start().split_once(' ').ok_or("the command is missing")?;
        let script = script.trim_start();
        let (verdict, loses_columns) = match verdict.strip_suffix("~columns") {
            Some(verdict) => (verdict, true),
            None => (verdict, false),
        };
        let (verdict, compiles) = match verdict.split_once('*') {
            Some((verdict, times)) => {
                (verdict, Some(times.parse().map_err(|_| format!("*{times} is no number"))?))
            }
            None => (verdict, None),
        };
        Ok(Row {
            line,
            compiles,
            verdict: Verdict::parse(verdict).ok_or_else(|| format!("{verdict} is no verdict"))?,
            loses_columns,
            cases: cases_named(cases).ok_or_else(|| format!("{cases} names no compilers"))?,
            fails: script.starts_with("! "),
            script: script.strip_prefix("! ").unwrap_or(script).to_owned(),
        })
    }

    /// How many compiles go through the client.
    pub(crate) fn compiles(&self) -> usize {
        self.compiles.unwrap_or_else(|| self.script.matches("$CC").count().max(1))
    }
}

impl Verdict {
    fn parse(word: &str) -> Option<Verdict> {
        Some(match word {
            "remote" => Verdict::Remote,
            "repeated" => Verdict::Repeated,
            "rejected" => Verdict::Rejected,
            "unsent" => Verdict::Unsent,
            "fallback" => Verdict::Fallback,
            _ => Verdict::Local(word.strip_prefix("local:")?.to_owned()),
        })
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Verdict::Remote => "remote".to_owned(),
            Verdict::Repeated => "repeated".to_owned(),
            Verdict::Rejected => "rejected".to_owned(),
            Verdict::Unsent => "unsent".to_owned(),
            Verdict::Fallback => "fallback".to_owned(),
            Verdict::Local(code) => format!("local:{code}"),
        }
    }
}

/// `all`, `gcc`, `clang`, each with `:c,c++,objc,objc++` or a part of it; clang's Objective-C is never sent and so is meant
/// only where it is named.
fn cases_named(word: &str) -> Option<Vec<Case>> {
    let is_objc_of_clang = |case: &Case| {
        case.family == Family::Clang && matches!(case.language, Language::ObjC | Language::ObjCxx)
    };
    let Some((family, languages)) = word.split_once(':') else {
        let cases = cases_named(&format!("{word}:c,c++,objc,objc++"))?;
        return Some(cases.into_iter().filter(|case| !is_objc_of_clang(case)).collect());
    };
    let families: &[Family] = match family {
        "all" => &[Family::Gcc, Family::Clang],
        "gcc" => &[Family::Gcc],
        "clang" => &[Family::Clang],
        _ => return None,
    };
    let languages: Option<BTreeSet<Language>> = languages.split(',').map(language_named).collect();
    let languages = languages?;
    let is_meant = |case: &Case| families.contains(&case.family) && languages.contains(&case.language);
    Some(Case::ALL.into_iter().filter(is_meant).collect())
}

fn language_named(word: &str) -> Option<Language> {
    Some(match word {
        "c" => Language::C,
        "c++" => Language::Cxx,
        "objc" => Language::ObjC,
        "objc++" => Language::ObjCxx,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<Row, &str>) {
        assert_eq!(Row::parse(1, text), expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn a_row_is_a_verdict_compilers_and_a_command() {
        let row = |verdict, cases: &[Case], script: &str, fails| Row {
            line: 1,
            verdict,
            compiles: None,
            loses_columns: false,
            cases: cases.to_vec(),
            script: script.to_owned(),
            fails,
        };
        let [gcc_c, gcc_cxx, .., clang_objcxx] = Case::ALL;
        check("remote all $CC -c  x.c", Ok(row(Verdict::Remote, &Case::ALL[..6], "$CC -c  x.c", false)));
        check("unsent clang:objc++ a", Ok(row(Verdict::Unsent, &[clang_objcxx], "a", false)));
        check(
            "local:link   gcc:c,c++  ! $CC x.o",
            Ok(row(Verdict::Local("link".into()), &[gcc_c, gcc_cxx], "$CC x.o", true)),
        );
        let debug = Row { loses_columns: true, ..row(Verdict::Repeated, &[gcc_c], "$CC", false) };
        check("repeated~columns gcc:c $CC", Ok(debug));
        let many = Row { compiles: Some(6), ..row(Verdict::Remote, &[gcc_c], "$CC; $CC", false) };
        assert_eq!(many.compiles(), 6);
        check("remote*6 gcc:c $CC; $CC", Ok(many));
        check("remote*x gcc:c $CC", Err("*x is no number"));
        check("somewhere all $CC", Err("somewhere is no verdict"));
        check("remote gcc:ada $CC", Err("gcc:ada names no compilers"));
        check("remote all", Err("the command is missing"));
    }

    #[test]
    fn a_file_is_a_group() {
        let text = "group 7: odd ones\n\n# why\n= a clause\nremote all $CC -c x.c\nunsent gcc a;\n    b\n  c\ntested f::g h\n";
        let group = Group::parse(text).unwrap();
        assert_eq!((group.number, group.title.as_str(), group.rows.len()), (7, "odd ones", 2));
        assert_eq!((group.elsewhere[0].line, group.elsewhere[0].clause.as_str()), (9, "h"));
        assert_eq!((group.rows[1].line, group.rows[1].script.as_str()), (6, "a;\nb\nc"));
        assert_eq!(Group::parse("7\n").unwrap_err(), "line 1 is not `group NUMBER: TITLE`");
        assert_eq!(Group::parse("group 7: x\nremote\n").unwrap_err().split(':').next(), Some("line 2"));
    }
}
