//! Every text in tests/fixtures, edited and taken back, with real bash as the judge. Knows nothing of how edits are made.

mod bash;

use std::path::Path;

use makepkg_conf::{Conf, take_back};

const NAMES: &[&str] = &["BUILDENV", "DISTCC_HOSTS", "MAKEFLAGS"];
const HOSTS: &str = "192.168.0.2/5,lzo 192.168.0.3/3 192.168.0.4/3";
const FLAGS: &str = "-j11";

/// File, and what BUILDENV is once distcc is enabled in it.
const FIXTURES: &[(&str, &str)] = &[
    ("arch-pacman-7", "distcc|color|!ccache|check|!sign"),
    ("debian-makepkg-6.0.2", "distcc|color|!ccache|check|!sign"),
    ("added-with-plus", "distcc|color|distcc|check"),
    ("another-file-first", "distcc"),
    ("assigned-again-and-again", "check|distcc"),
    ("byte-order-mark", "check|distcc"),
    ("carriage-returns", "distcc|color|!ccache|check|!sign"),
    ("carriage-returns-on-two-lines", "distcc|check"),
    ("comments-in-the-array", "distcc|color|!ccache"),
    ("conditions-about-others", "distcc"),
    ("continued-lines", "color|distcc|check"),
    ("defaults-in-comments", "distcc"),
    ("empty", "distcc"),
    ("every-kind-of-quotes", "distcc|color|!ccache|check|!sign"),
    ("exported-and-declared", "color|distcc|check"),
    ("latin-1", "distcc|café"),
    ("no-final-newline", "color|distcc"),
    ("one-empty-line", "distcc"),
    ("one-word-a-line", "color|!ccache|check|distcc"),
    ("several-on-a-line", "distcc"),
];

fn read(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("{name}.conf"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn edited(text: &[u8]) -> Vec<u8> {
    let mut conf = Conf::parse(text);
    conf.enable("BUILDENV", "distcc").unwrap();
    conf.set("DISTCC_HOSTS", HOSTS).unwrap();
    conf.set("MAKEFLAGS", FLAGS).unwrap();
    conf.bytes().to_vec()
}

#[test]
fn every_fixture_stands_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.map(|name| name.trim_end_matches(".conf").to_owned()).collect();
    let mut table: Vec<&str> = FIXTURES.iter().map(|(name, _)| *name).collect();
    names.sort();
    table.sort_unstable();
    assert_eq!(names, table);
}

#[test]
fn prints_back_byte_for_byte() {
    for (name, _) in FIXTURES {
        let text = read(name);
        assert_eq!(Conf::parse(&text).bytes(), text, "{name}");
        let mut now = text.clone();
        for end in (0..text.len()).rev().step_by(1 + text.len() / 100) {
            now.truncate(end);
            assert_eq!(Conf::parse(&now).bytes(), now, "{name} cut at {end}");
        }
    }
}

#[test]
fn bash_sees_what_was_asked_for_and_nothing_else_new() {
    for (name, words) in FIXTURES {
        let (before, text) = (read(name), edited(&read(name)));
        let seen = bash::variables(&text);
        assert_eq!(seen.get("BUILDENV").as_deref(), Some(*words), "{name}");
        assert_eq!(seen.get("DISTCC_HOSTS").as_deref(), Some(HOSTS), "{name}");
        assert_eq!(seen.get("MAKEFLAGS").as_deref(), Some(FLAGS), "{name}");
        assert_eq!(seen.without(NAMES), bash::variables(&before).without(NAMES), "{name}");
    }
}

#[test]
fn only_lines_about_them_differ() {
    for (name, _) in FIXTURES {
        let (before, text) = (read(name), edited(&read(name)));
        let mut old: Vec<&[u8]> = before.split_inclusive(|&byte| byte == b'\n').collect();
        let mut new = Vec::new();
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            match old.iter().position(|each| each.trim_ascii_end() == line.trim_ascii_end()) {
                Some(index) => drop(old.remove(index)),
                None => new.push(String::from_utf8_lossy(line)),
            }
        }
        let ours = |line: &str| {
            NAMES.iter().any(|name| line.contains(name))
                || line.contains("distcc")
                || line.contains("192.168")
        };
        assert!(new.len() <= 3 && new.iter().all(|line| ours(line)), "{name}: {new:#?}");
        assert!(old.len() <= 5, "{name}: {} lines went", old.len());
        assert_eq!(
            before.windows(2).any(|two| two == b"\r\n"),
            text.windows(2).any(|two| two == b"\r\n"),
            "{name}"
        );
    }
}

#[test]
fn a_second_edit_changes_nothing() {
    for (name, _) in FIXTURES {
        let text = edited(&read(name));
        assert_eq!(String::from_utf8_lossy(&edited(&text)), String::from_utf8_lossy(&text), "{name}");
    }
}

#[test]
fn taken_back_it_is_the_original() {
    for (name, _) in FIXTURES {
        let (before, text) = (read(name), edited(&read(name)));
        let back = take_back(&before, &text, &text, NAMES).unwrap();
        assert_eq!(String::from_utf8_lossy(&back), String::from_utf8_lossy(&before), "{name}");
        assert_eq!(back, before, "{name}");
    }
}

/// Someone adds a line at either end and edits a third variable; that stays, ours goes.
#[test]
fn taken_back_amid_what_others_changed() {
    let wrapped = |text: &[u8]| [b"TOP=1\n", text, b"\nBOTTOM=2\n"].concat();
    for (name, _) in
        FIXTURES.iter().filter(|(name, _)| !["byte-order-mark", "no-final-newline"].contains(name))
    {
        let (before, text) = (read(name), edited(&read(name)));
        let back = take_back(&before, &text, &wrapped(&text), NAMES).unwrap();
        assert_eq!(String::from_utf8_lossy(&back), String::from_utf8_lossy(&wrapped(&before)), "{name}");
    }
}

#[test]
fn what_the_text_says_is_what_bash_sees() {
    for (name, _) in FIXTURES {
        let (text, conf) = (read(name), Conf::parse(&read(name)));
        let seen = bash::variables(&text);
        let carriage = |value: Option<String>| value.map(|value| value.trim_end_matches('\r').to_owned());
        for variable in ["MAKEFLAGS", "DISTCC_HOSTS", "CARCH", "PKGEXT"] {
            match conf.scalar(variable) {
                Ok(value) => assert_eq!(value, carriage(seen.get(variable)), "{name}: {variable}"),
                Err(refusal) => {
                    assert!(["another-file-first", "latin-1"].contains(name), "{name}: {refusal}");
                }
            }
        }
    }
}
