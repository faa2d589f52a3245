//! Random projects: headers of the same names in several directories, macros, conditions, links. Knows nothing of what they mean.

use crate::scene::Thing;

/// A project of one source, `x.c`, and the switches that it is compiled with.
pub(crate) struct Project {
    pub(crate) things: Vec<(String, Thing)>,
    pub(crate) switches: Vec<String>,
}

/// A header's name has a number, and includes only greater ones, so that no project includes itself for ever.
const HEADERS: u64 = 9;
/// Where headers lie. The last one has each of them, so that each include finds something.
const DIRECTORIES: &[&str] = &["", "a", "a/deep", "b", "q", "c"];
const FALLBACK: usize = DIRECTORIES.len() - 1;
/// Links to directories; what is reached through them exists under another name, too.
const LINKS: &[(&str, &str)] = &[("link", "a"), ("shortcut", "a/deep"), ("b/back", "..")];
const SWITCHES: &[&str] = &[
    "-Ia",
    "-Ib",
    "-Ilink",
    "-I.",
    "-iquoteq",
    "-isystem b",
    "-Ia/deep",
    "-idirafter a",
    "-Iq/../b",
    "-Inone",
];
const VALUES: &[&str] =
    &["0", "1", "2", "3u", "-1", "0x10", "'a'", "M0", "M1 + 1", "(M2 | 4)", "defined M3", "F0(2)"];
const HIDING: &[&str] = &[
    "/* no\n#include \"never.h\"\n*/",
    "// no \\\n#include \"never.h\"",
    "const char *t = \"/*\"; // */",
    "int i = '\"'; /* \" */",
    "#if 0\n#include \"never.h\"\ndon't #else\n#if ) nonsense\n#endif\n#endif",
    "#define LONG one \\\n  two",
    "??/ text",
    "#pragma GCC diagnostic push",
    "#",
    "#line 7 \"never.h\"",
];

/// The project of this number: always the same one.
pub(crate) fn project(number: u64) -> Project {
    let mut writer =
        Writer { dice: Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995), label: 0 };
    let mut things: Vec<(String, Thing)> = LINKS
        .iter()
        .map(|(name, target)| ((*name).to_owned(), Thing::Link(target.as_bytes().to_vec())))
        .collect();
    things.push(("q".to_owned(), Thing::Directory));
    for header in 0..HEADERS {
        for (index, directory) in DIRECTORIES.iter().enumerate() {
            if index != FALLBACK && !writer.dice.one_in(3) {
                continue;
            }
            let name = join(directory, &format!("h{header}.h"));
            let thing = if index != FALLBACK && writer.dice.one_in(8) {
                let up = "../".repeat(directory.split('/').filter(|part| !part.is_empty()).count());
                Thing::Link(format!("{up}c/h{}.h", writer.dice.between(header, HEADERS)).into_bytes())
            } else {
                Thing::File(writer.header(header, &name).into_bytes())
            };
            things.push((name, thing));
        }
    }
    things.push(("macros.h".to_owned(), Thing::File(writer.macros().into_bytes())));
    things.push(("x.c".to_owned(), Thing::File(writer.lines(0, 12, 0).into_bytes())));
    Project { things, switches: writer.switches() }
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

struct Writer {
    dice: Dice,
    /// Told in each file, so that no two files are alike.
    label: u64,
}

impl Writer {
    fn switches(&mut self) -> Vec<String> {
        let mut switches = vec!["-imacros".to_owned(), "macros.h".to_owned()];
        for _ in 0..self.dice.below(6) {
            switches.extend(self.dice.pick(SWITCHES).split(' ').map(str::to_owned));
        }
        for _ in 0..self.dice.below(4) {
            let name = self.dice.below(6);
            switches.push(match self.dice.below(5) {
                0 => format!("-UM{name}"),
                1 => format!("-DM{name}"),
                2 => format!("-includec/h{name}.h"),
                3 => format!("-imacrosh{name}.h"),
                _ => format!("-DM{name}={}", self.dice.below(3)),
            });
        }
        switches.push(["-std=gnu11", "-std=c99", "-xc++", "-O2"][self.dice.below(4) as usize].to_owned());
        switches.extend(["-isystem", "c", "-iquote", "c"].map(str::to_owned));
        switches
    }

    fn macros(&mut self) -> String {
        let mut text = "#define F0(x) x + 1\n#define F1(x, y) x ## y\n#define F2(x, ...) (x - 1)\n\
            #define STRING_(x) #x\n#define STRING(x) STRING_(x)\n"
            .to_owned();
        for header in 0..HEADERS {
            text += &format!("#define H{header} {}\n", self.quoted(&format!("h{header}.h")));
        }
        text
    }

    fn header(&mut self, number: u64, name: &str) -> String {
        self.label += 1;
        let (lines, label) = (self.lines(number + 1, 6, 0), self.label);
        let title = format!("// {label}: {name}\n");
        match self.dice.below(7) {
            0 => format!("{title}#pragma once\n{lines}"),
            1 => format!("{title}#ifndef G{label}\n#define G{label}\n{lines}#endif // G{label}\n"),
            2 => format!("{title}#if !defined(G{number})\n#define G{number}\n{lines}#endif\n"),
            3 => format!(
                "{title}#ifndef G{number}\n#define G{number}\n{lines}#else\n#define M{} 1\n#endif\n",
                number % 6
            ),
            4 => {
                format!("{title}#if !defined G{label} /* x */\n#define G{label} 1\n{lines}#endif\n/* end */")
            }
            5 => format!("{title}{lines}#pragma once\n"),
            _ => format!("{title}{lines}"),
        }
    }

    fn lines(&mut self, from: u64, most: u64, depth: u64) -> String {
        let mut text = String::new();
        for _ in 0..1 + self.dice.below(most) {
            text += &match self.dice.below(12) {
                0..=3 if from < HEADERS => self.include(from),
                4 | 5 => self.definition(),
                6..=8 if depth < 3 => self.condition(from, depth),
                9 => format!("{}\n", self.dice.pick(HIDING)),
                10 => format!("#undef {}{}\n", self.dice.pick(&["M", "G"]), self.dice.below(6)),
                _ => "int text(void);\n".to_owned(),
            };
        }
        text
    }

    fn include(&mut self, from: u64) -> String {
        let number = self.dice.between(from, HEADERS);
        let name = format!("h{number}.h");
        match self.dice.below(12) {
            0 => format!("#include H{number}\n"),
            1 => format!("#include STRING({name})\n"),
            2 => format!("#include F1(H, {number})\n"),
            3 => format!("#if __has_include_next(<{name}>)\n#include_next <{name}>\n#endif\n"),
            4 => format!("%:include /* x */ {} // x\n", self.quoted(&name)),
            5 => format!("#inc\\\nlude \\\n {}\n", self.quoted(&name)),
            6 => format!("/* x */#import{}\n", self.quoted(&name)),
            7 | 8 => {
                let place = self.dice.pick(&[
                    "a/",
                    "../b/",
                    "link/",
                    "link/../",
                    "shortcut/../",
                    "a/deep/../../q/",
                    "../",
                    "b/back/c/",
                    "./",
                    "none/../",
                ]);
                let name = self.quoted(&format!("{place}{name}"));
                format!("#if __has_include({name})\n#include {name}\n#endif\n")
            }
            _ => format!("  # include{}\n", self.quoted(&name)),
        }
    }

    fn quoted(&mut self, name: &str) -> String {
        if self.dice.one_in(3) { format!("<{name}>") } else { format!("\"{name}\"") }
    }

    fn definition(&mut self) -> String {
        let name = self.dice.below(6);
        match self.dice.below(6) {
            0 => format!(
                "#define F0(x) {}\n",
                self.dice.pick(&["x", "(x) * 2", "x + M0", "0 && x", "F2(x, x)"])
            ),
            1 => format!("#pragma push_macro(\"M{name}\")\n#undef M{name}\n"),
            2 => format!("#pragma pop_macro(\"M{name}\")\n"),
            _ => format!("#define M{name} {}\n", self.dice.pick(VALUES)),
        }
    }

    fn condition(&mut self, from: u64, depth: u64) -> String {
        let opening = match self.dice.below(4) {
            0 => format!("ifdef M{}", self.dice.below(6)),
            1 => format!("ifndef M{}", self.dice.below(6)),
            _ => format!("if {}", self.expression(0)),
        };
        let mut text = format!("#{opening}\n{}", self.lines(from, 3, depth + 1));
        for _ in 0..self.dice.below(3) {
            text += &format!("#elif {}\n{}", self.expression(0), self.lines(from, 3, depth + 1));
        }
        if self.dice.one_in(2) {
            text += &format!("# else\n{}", self.lines(from, 3, depth + 1));
        }
        text + "#endif\n"
    }

    fn expression(&mut self, depth: u64) -> String {
        if depth < 3 && self.dice.one_in(2) {
            let [left, right] = [self.expression(depth + 1), self.expression(depth + 1)];
            let operator = self.dice.pick(&[
                "+", "-", "*", "&", "|", "^", "&&", "||", "==", "!=", "<", ">=", "/ 3 +", "% 5 -", "<< 2 >",
                "? 1 :",
            ]);
            return format!("{left} {operator} {right}");
        }
        let name = self.dice.below(6);
        match self.dice.below(12) {
            0 => format!("defined M{name}"),
            1 => format!("!defined(G{name})"),
            2 => format!("({})", self.expression(depth + 1)),
            3 => format!("!({})", self.expression(depth + 1)),
            4 => format!("F0({})", self.dice.below(4)),
            5 => format!("F2(M{name}, (1, 2))"),
            6 => format!("F1(1, {})", self.dice.below(4)),
            7 => format!("__has_include(\"h{name}.h\")"),
            8 => format!("__has_include(<{}h{name}.h>)", self.dice.pick(&["", "none/", "deep/", "../a/"])),
            9 => self
                .dice
                .pick(&[
                    "1",
                    "0",
                    "-1",
                    "2u",
                    "~0",
                    "__INCLUDE_LEVEL__",
                    "unknown",
                    "'\\n'",
                    "0x7fffffffffffffff",
                ])
                .to_owned(),
            _ => format!("M{name}"),
        }
    }
}

/// Numbers that look random and come again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    fn between(&mut self, from: u64, limit: u64) -> u64 {
        from + self.below(limit - from)
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }
}
