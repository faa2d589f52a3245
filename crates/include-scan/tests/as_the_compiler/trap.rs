//! A trap as a file: why it is one, commands with what they read, and the project's files. Knows nothing of scanners.
//!
//! The first line says why. `in DIR` is where commands run. `$ COMMAND` (several may follow each other; `cc` and `cxx`
//! stand for gcc and clang) is followed by what it reads of the project: `reads NAME…` exactly these, `may NAME…` these
//! as well without need, `links NAME…` and `directories NAME…` what else is sent, `system NAME…` what is read and not
//! sent, or `refuses`. `--- NAME` begins a file, `--- NAME escaped` one whose line ends and odd bytes are spelled out,
//! `--- NAME -> TARGET` is a link, `--- NAME/` a directory.

use crate::scene::Thing;

/// One file of traps/.
#[derive(Debug, Default)]
pub(crate) struct Trap {
    /// Where its commands run.
    pub(crate) directory: Vec<u8>,
    pub(crate) runs: Vec<Run>,
    pub(crate) things: Vec<(Vec<u8>, Thing)>,
}

/// Commands that do the same, and what they do.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) commands: Vec<String>,
    pub(crate) refuses: bool,
    pub(crate) reads: Vec<Vec<u8>>,
    pub(crate) may: Vec<Vec<u8>>,
    pub(crate) system: Vec<Vec<u8>>,
    pub(crate) links: Option<Vec<Vec<u8>>>,
    pub(crate) directories: Option<Vec<Vec<u8>>>,
    is_told: bool,
}

impl Trap {
    /// Reads the format above; panics at a line that is none of it.
    pub(crate) fn parse(text: &str) -> Trap {
        let mut trap = Trap::default();
        let (head, things) = text.split_once("\n--- ").expect("a trap has files");
        for line in head.lines().skip(1) {
            trap.take(line);
        }
        for thing in things.split("\n--- ") {
            trap.things.push(parse_thing(thing));
        }
        trap
    }

    fn take(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "in" => self.directory = rest.as_bytes().to_vec(),
            "$" => {
                if self.runs.last().is_none_or(|run| run.is_told) {
                    self.runs.push(Run::default());
                }
                self.runs.last_mut().expect("one was just made").commands.push(rest.to_owned());
            }
            _ => self.runs.last_mut().expect("a command comes first").tell(word, names(rest)),
        }
    }
}

impl Run {
    fn tell(&mut self, word: &str, names: Vec<Vec<u8>>) {
        self.is_told = true;
        match word {
            "refuses" => self.refuses = true,
            "reads" => self.reads = names,
            "may" => self.may = names,
            "system" => self.system = names,
            "links" => self.links = Some(names),
            "directories" => self.directories = Some(names),
            _ => panic!("{word}: no such word in a trap"),
        }
    }
}

fn parse_thing(part: &str) -> (Vec<u8>, Thing) {
    let (title, text) = part.split_once('\n').unwrap_or((part, ""));
    let text = if text.is_empty() {
        String::new()
    } else {
        format!("{}\n", text.strip_suffix('\n').unwrap_or(text))
    };
    if let Some((name, target)) = title.split_once(" -> ") {
        (spelled_out(name), Thing::Link(spelled_out(target)))
    } else if let Some(name) = title.strip_suffix('/') {
        (spelled_out(name), Thing::Directory)
    } else if let Some(name) = title.strip_suffix(" escaped") {
        (spelled_out(name), Thing::File(spelled_out(&text.replace('\n', ""))))
    } else {
        (spelled_out(title), Thing::File(text.into_bytes()))
    }
}

/// Names between blanks; one that holds blanks stands in double quotes.
fn names(line: &str) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            names.push(spelled_out(part));
        } else {
            names.extend(part.split_whitespace().map(spelled_out));
        }
    }
    names
}

/// Bytes with `\n`, `\r`, `\t`, `\\` and `\xNN` in place of what they mean.
fn spelled_out(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, length) = match (first, after) {
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'\\', ..]) => (b'\\', 2),
            (b'\\', [b'x', high, low, ..]) => {
                let digits = [*high, *low];
                let digits = str::from_utf8(&digits).expect("two hexadecimal digits");
                (u8::from_str_radix(digits, 16).expect("two hexadecimal digits"), 4)
            }
            _ => (*first, 1),
        };
        out.push(byte);
        rest = &rest[length..];
    }
    out
}

#[test]
fn the_format() {
    let trap = Trap::parse(
        "Why.\nin d\n$ a\n$ b\nreads x.c \"y z\" \\xff\nlinks l\n$ c\nrefuses\n--- x.c\none\ntwo\n--- e escaped\n\\x00a\\r\\n\n--- l -> t\n--- d/\n",
    );
    assert_eq!(trap.directory, b"d");
    assert_eq!(trap.runs.len(), 2);
    assert_eq!(trap.runs[0].commands, ["a", "b"]);
    assert_eq!(trap.runs[0].reads, [b"x.c".to_vec(), b"y z".to_vec(), b"\xff".to_vec()]);
    assert_eq!(trap.runs[0].links, Some(vec![b"l".to_vec()]));
    assert!(trap.runs[1].refuses && trap.runs[1].commands == ["c"]);
    let things = [
        ("x.c", Thing::File(b"one\ntwo\n".to_vec())),
        ("e", Thing::File(b"\0a\r\n".to_vec())),
        ("l", Thing::Link(b"t".to_vec())),
        ("d", Thing::Directory),
    ];
    assert_eq!(trap.things, things.map(|(name, thing)| (name.as_bytes().to_vec(), thing)));
}
