//! What a demo has shown, as text for people. Finds out nothing by itself.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// All that is to be told.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) hosts: Vec<HostRow>,
    /// Of so many objects so many are equal.
    pub(crate) objects: Count,
    /// Of so many programs so many could be linked and print what they should; none for sources of the user's.
    pub(crate) programs: Option<Count>,
    /// The compilers, as typed, by make's variables for them.
    pub(crate) compilers: BTreeMap<&'static str, String>,
    /// How many sources were compiled at once.
    pub(crate) jobs: usize,
    pub(crate) here: Lap,
    pub(crate) there: Lap,
    /// What was left out, and why.
    pub(crate) remarks: Vec<Remark>,
    /// One line each: what went wrong, where, and what to do about it.
    pub(crate) problems: Vec<String>,
}

/// One daemon.
#[derive(Debug)]
pub(crate) struct HostRow {
    pub(crate) name: String,
    pub(crate) jobs: usize,
    /// Size of all objects that came from it.
    pub(crate) bytes: u64,
}

/// How long it took to compile so many sources.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Lap {
    pub(crate) sources: usize,
    pub(crate) took: Duration,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) good: usize,
    pub(crate) all: usize,
}

/// Something that is no problem, and what it is true of.
#[derive(Debug)]
pub(crate) struct Remark {
    pub(crate) what: String,
    pub(crate) of: Vec<String>,
}

/// More than this many lines of one kind tell nobody more.
const MOST_LINES: usize = 20;

const NEXT: &str = "\
With a second machine, which needs the same compiler:
   there  distccd --daemon --allow-private
          compilers linked in /usr/lib/distcc may be used, or those listed in a file that
          DISTCC_CMDLIST names; see distccd(1)
   here   export DISTCC_HOSTS=\"192.168.0.2/8\"
          make -j8 VARIABLES
   why?   distcc --why COMPILER -c hello.c
          tells whether a command would be sent away, and if not, why; see distcc(1)
";

impl Report {
    pub(crate) fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// The table and what to type next.
    pub(crate) fn text(&self, colours: bool) -> String {
        let mut text = String::new();
        for remark in &self.remarks {
            remark.write_to(&mut text);
        }
        self.write_hosts(&mut text, colours);
        self.write_facts(&mut text, colours);
        if self.is_good() {
            line(&mut text, "");
            line(&mut text, self.advice().trim_end());
        }
        text
    }

    fn advice(&self) -> String {
        let variable = |(name, compiler)| format!("{name}=\"distcc {compiler}\"");
        let variables: Vec<_> = self.compilers.iter().map(variable).collect();
        let compiler = self.compilers.values().next().map_or("gcc", String::as_str);
        NEXT.replace("VARIABLES", &variables.join(" ")).replace("COMPILER", compiler)
    }

    fn write_hosts(&self, text: &mut String, colours: bool) {
        let header = format!("{:<24} {:>6} {:>14}", "host", "jobs", "object bytes");
        line(text, &painted(&header, BOLD, colours));
        for host in &self.hosts {
            line(text, &format!("{:<24} {:>6} {:>14}", host.name, host.jobs, grouped(host.bytes)));
        }
        let jobs: usize = self.hosts.iter().map(|host| host.jobs).sum();
        let bytes: u64 = self.hosts.iter().map(|host| host.bytes).sum();
        line(text, &format!("{:<24} {jobs:>6} {:>14}", "both", grouped(bytes)));
        line(text, "");
    }

    fn write_facts(&self, text: &mut String, colours: bool) {
        let Report { objects, jobs, .. } = self;
        let compilers = self.compilers.values().cloned().collect::<Vec<_>>().join(" and ");
        let objects = objects.painted(colours);
        line(text, &format!("objects   {objects} equal, byte for byte, those of {compilers} without distcc"));
        if let Some(programs) = &self.programs {
            let programs = programs.painted(colours);
            line(text, &format!("programs  {programs} linked from them print what they should"));
        }
        let lap = |lap: &Lap| format!("{:.2} s for {}", lap.took.as_secs_f64(), lap.sources);
        let (here, there) = (lap(&self.here), lap(&self.there));
        line(
            text,
            &format!("time      {here} sources without distcc, {there} with it, {jobs} at once; both"),
        );
        line(
            text,
            "          hosts are this machine, so this shows what sending costs and not what it gains",
        );
    }
}

impl Remark {
    /// For an error message: what, and the first that it is true of.
    pub(crate) fn in_one_line(&self) -> String {
        let first = self.of.first().map_or("", String::as_str);
        format!("{} ({first}{})", self.what, if self.of.len() > 1 { ", …" } else { "" })
    }

    fn write_to(&self, text: &mut String) {
        line(text, &format!("{}:", self.what));
        for one in self.of.iter().take(MOST_LINES) {
            line(text, &format!("   {one}"));
        }
        if self.of.len() > MOST_LINES {
            line(text, &format!("   and {} more", self.of.len() - MOST_LINES));
        }
        line(text, "");
    }
}

impl Count {
    fn painted(self, colours: bool) -> String {
        let colour = if self.good == self.all { GREEN } else { RED };
        painted(&format!("{} of {}", self.good, self.all), colour, colours)
    }
}

/// Select Graphic Rendition (ECMA-48).
const BOLD: &str = "1";
const RED: &str = "1;31";
const GREEN: &str = "1;32";

fn painted(text: &str, rendition: &str, colours: bool) -> String {
    if colours { format!("\x1b[{rendition}m{text}\x1b[0m") } else { text.to_owned() }
}

/// 1234567 → 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let host = |port: u16, jobs, bytes| HostRow { name: format!("127.0.0.1:{port}"), jobs, bytes };
        Report {
            hosts: vec![host(4001, 6, 24_312), host(40002, 5, 1_234_567)],
            objects: Count { good: 11, all: 11 },
            programs: Some(Count { good: 2, all: 2 }),
            compilers: [("CC", "clang".into()), ("CXX", "clang++".into())].into(),
            jobs: 2,
            ..Report::default()
        }
    }

    #[test]
    fn a_good_report() {
        let text = report().text(false);
        let rows = "host                       jobs   object bytes\n\
                    127.0.0.1:4001                6         24,312\n\
                    127.0.0.1:40002               5      1,234,567\n\
                    both                         11      1,258,879\n\n\
                    objects   11 of 11 equal, byte for byte, those of clang and clang++ without distcc\n\
                    programs  2 of 2 linked from them print what they should\n";
        assert!(text.starts_with(rows), "{text}");
        assert!(
            text.contains("CC=\"distcc clang\" CXX=\"distcc clang++\"\n") && !text.contains('\x1b'),
            "{text}"
        );
    }

    #[test]
    fn a_bad_report_gives_no_advice() {
        let bad = Report { problems: vec!["x".into()], objects: Count { good: 1, all: 2 }, ..report() };
        let text = bad.text(true);
        assert!(
            !bad.is_good() && text.contains("\x1b[1;31m1 of 2\x1b[0m") && !text.contains("DISTCC_HOSTS"),
            "{text}"
        );
    }

    #[test]
    fn long_lists_are_cut() {
        let remark = Remark { what: "left out".into(), of: (0..25).map(|n| format!("{n}.c")).collect() };
        let text = Report { remarks: vec![remark], ..report() }.text(false);
        assert!(
            text.starts_with("left out:\n   0.c\n") && text.contains("   19.c\n   and 5 more\n\n"),
            "{text}"
        );
    }

    #[test]
    fn numbers_in_groups() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
    }
}
