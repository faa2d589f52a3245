//! Texts that nobody would write: whatever is edited, bash agrees with. Knows nothing of how edits are made.

mod bash;

use makepkg_conf::{Conf, take_back};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Lines and pieces of lines, sound and broken.
const PIECES: &[&str] = &[
    "MAKEFLAGS=-j2",
    "MAKEFLAGS+=\" -k\"",
    "MAKEFLAGS='a b'",
    "MAKEFLAGS=",
    "#MAKEFLAGS=\"-j2\"",
    "export MAKEFLAGS=-j3",
    "export MAKEFLAGS",
    "unset MAKEFLAGS",
    "MAKEFLAGS=$X",
    "MAKEFLAGS[0]=x",
    "MAKEFLAGS=$'a\\nb'",
    "MAKEFLAGS=a\\ b",
    "BUILDENV=(!distcc color)",
    "BUILDENV+=(distcc)",
    "BUILDENV=(color # no\n !distcc\n)",
    "#BUILDENV=(!distcc)",
    "BUILDENV=(\"!distcc\" 'x y')",
    "BUILDENV=()",
    "BUILDENV=(a\\\n b)",
    "BUILDENV=(*)",
    "BUILDENV=x",
    "declare -a BUILDENV=(q)",
    "X=1",
    "X=$MAKEFLAGS",
    "Y=(a b)",
    "true",
    "if true; then",
    "fi",
    "[ x ] && X=2",
    "case x in x) X=3;; esac",
    "f() {",
    "}",
    "{",
    "for x in 1; do",
    "done",
    "# it's a comment",
    "X='",
    "X=\"",
    "'",
    "\"",
    "return",
    "cat <<E >/dev/null",
    "E",
    "(",
    ")",
    "X=$(echo 1)",
    "X=`echo 1`",
    "source /dev/null",
    "eval X=5",
    "echo MAKEFLAGS >/dev/null",
    "read -r MAKEFLAGS </dev/null",
    "\u{feff}",
    "é=1",
    "X=é",
];
const JOINTS: &[&str] = &[
    "\n", "\n", "\n", "\n", "\r\n", " ", "; ", "\\\n", " \\\n", " && ", "", "\t", " \r\n", " & ", "|", " # ",
];

fn text() -> impl Strategy<Value = String> {
    let piece = (prop::sample::select(PIECES), prop::sample::select(JOINTS));
    prop::collection::vec(piece, 0..9)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, joint)| [piece, joint]).collect())
}

/// Mostly sound: whole lines only.
fn lines() -> impl Strategy<Value = String> {
    let line = (
        prop::sample::select(&PIECES[..24]),
        prop::sample::select(&["\n", "\n", "\n", "\r\n", "; ", " "][..]),
    );
    prop::collection::vec(line, 0..6)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, joint)| [piece, joint]).collect())
}

fn check(text: &str) {
    let conf = Conf::parse(text.as_bytes());
    assert_eq!(conf.bytes(), text.as_bytes());
    let mut edited = conf.clone();
    let set = edited.set("MAKEFLAGS", "-j11 'x").is_ok();
    let enabled = edited.enable("BUILDENV", "distcc").is_ok();
    let mut again = edited.clone();
    assert_eq!(set, again.set("MAKEFLAGS", "-j11 'x").is_ok(), "{text:?}");
    assert_eq!(enabled, again.enable("BUILDENV", "distcc").is_ok(), "{text:?}");
    assert_eq!(again.bytes(), edited.bytes(), "{text:?}");
    let new = String::from_utf8_lossy(edited.bytes()).into_owned();
    let back =
        take_back(text.as_bytes(), edited.bytes(), edited.bytes(), &["MAKEFLAGS", "BUILDENV"]).unwrap();
    assert_eq!(String::from_utf8_lossy(&back), text, "{new:?}");
    if !set && !enabled {
        return;
    }
    let (before, after) = (bash::variables(text.as_bytes()), bash::variables(edited.bytes()));
    if set {
        assert_eq!(after.get("MAKEFLAGS").as_deref(), Some("-j11 'x"), "{text:?} {new:?}");
    }
    if enabled {
        let words = after.get("BUILDENV").unwrap_or_default();
        let counts = words.rsplit('|').find(|word| word.trim_start_matches('!') == "distcc");
        assert_eq!(counts, Some("distcc"), "{text:?} {new:?} {words}");
    }
    if !text.contains("$MAKEFLAGS") {
        let names = ["MAKEFLAGS", "BUILDENV"];
        assert_eq!(after.without(&names), before.without(&names), "{text:?} {new:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(3), ..ProptestConfig::with_cases(150) })]

    #[test]
    fn bash_agrees_about_pieces(text in text()) {
        check(&text);
    }

    #[test]
    fn bash_agrees_about_lines(text in lines()) {
        check(&text);
    }

    #[test]
    fn what_is_read_is_what_bash_sees(text in lines()) {
        let conf = Conf::parse(text.as_bytes());
        let seen = bash::variables(text.as_bytes());
        if let Ok(value) = conf.scalar("MAKEFLAGS")
            && !text.contains('\r')
        {
            prop_assert_eq!(value, seen.get("MAKEFLAGS"), "{:?}", text);
        }
        if let Ok(words) = conf.array("BUILDENV")
            && !text.contains('\r')
        {
            prop_assert_eq!(words.map(|words| words.join("|")), seen.get("BUILDENV"), "{:?}", text);
        }
    }

    #[test]
    fn any_bytes_print_back(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut conf = Conf::parse(&bytes);
        prop_assert_eq!(conf.bytes(), bytes.as_slice());
        if conf.set("MAKEFLAGS", "-j11").is_ok() {
            prop_assert_eq!(conf.scalar("MAKEFLAGS").unwrap(), Some("-j11".to_owned()));
        }
    }
}
