//! Our words taken back out of texts that someone changed after us. Knows nothing of how that is found out.

use makepkg_conf::{Conf, take_back};

const NAMES: &[&str] = &["BUILDENV", "DISTCC_HOSTS", "MAKEFLAGS"];

/// `original` as we edit it; `change` is a piece of that text and what someone makes of it; `expected` is what is
/// left once our words are gone.
fn check(original: &str, change: (&str, &str), expected: &str) {
    let mut conf = Conf::parse(original.as_bytes());
    conf.enable("BUILDENV", "distcc").unwrap();
    conf.set("DISTCC_HOSTS", "red/5").unwrap();
    conf.set("MAKEFLAGS", "-j11").unwrap();
    let ours = String::from_utf8(conf.bytes().to_vec()).unwrap();
    assert!(ours.contains(change.0), "{ours:?} has no {:?}", change.0);
    let now = ours.replacen(change.0, change.1, 1);
    let back = take_back(original.as_bytes(), ours.as_bytes(), now.as_bytes(), NAMES).unwrap();
    assert_eq!(String::from_utf8(back).unwrap(), expected, "{now:?}");
}

const FULL: &str = "BUILDENV=(!distcc color)\nDISTCC_HOSTS=\"old\"\nMAKEFLAGS='-j2'\n";
const BARE: &str = "CARCH=x86_64\n";

#[test]
fn words() {
    check(
        FULL,
        ("color", "!color ccache"),
        "BUILDENV=(!distcc !color ccache)\nDISTCC_HOSTS=\"old\"\nMAKEFLAGS='-j2'\n",
    );
    check(
        FULL,
        ("distcc color", "!distcc check"),
        "BUILDENV=(!distcc check)\nDISTCC_HOSTS=\"old\"\nMAKEFLAGS='-j2'\n",
    );
    check(FULL, ("distcc color", "color"), "BUILDENV=(color)\nDISTCC_HOSTS=\"old\"\nMAKEFLAGS='-j2'\n");
    check(BARE, ("(distcc)", "(distcc ccache)"), "CARCH=x86_64\nBUILDENV+=(ccache)\n");
    check(BARE, ("(distcc)", "(ccache \"distcc\")"), "CARCH=x86_64\nBUILDENV+=(ccache)\n");
    check("BUILDENV=(color)\n", ("(color distcc)", "(color distcc ccache)"), "BUILDENV=(color ccache)\n");
}

#[test]
fn hosts() {
    check(FULL, ("red/5", "blue/2"), "BUILDENV=(!distcc color)\nDISTCC_HOSTS=\"blue/2\"\nMAKEFLAGS='-j2'\n");
    check(FULL, ("\"red/5\"", "'red/5'"), "BUILDENV=(!distcc color)\nDISTCC_HOSTS='old'\nMAKEFLAGS='-j2'\n");
    check(FULL, ("DISTCC_HOSTS=\"red/5\"\n", ""), "BUILDENV=(!distcc color)\nMAKEFLAGS='-j2'\n");
    check(BARE, ("\"red/5\"", "\"blue\""), "CARCH=x86_64\nDISTCC_HOSTS=\"blue\"\n");
    check(BARE, ("\"red/5\"", "red/5"), BARE);
    check(BARE, ("CARCH=x86_64\n", "PKGEXT=.pkg.tar\n"), "PKGEXT=.pkg.tar\n");
}

#[test]
fn make_flags() {
    check(FULL, ("-j11", "-j11 -O"), "BUILDENV=(!distcc color)\nDISTCC_HOSTS=\"old\"\nMAKEFLAGS='-j2 -O'\n");
    check(FULL, ("-j11", "-j7"), "BUILDENV=(!distcc color)\nDISTCC_HOSTS=\"old\"\nMAKEFLAGS='-j7'\n");
    check(BARE, ("\"-j11\"", "\"-k -j11\""), "CARCH=x86_64\nMAKEFLAGS=\"-k\"\n");
    check(BARE, ("\"-j11\"\n", "\"-j11\"\nMAKEFLAGS+=\" -k\"\n"), "CARCH=x86_64\nMAKEFLAGS+=\" -k\"\n");
}

#[test]
fn what_only_bash_knows_is_left() {
    let now = "if x; then DISTCC_HOSTS=\"red\"; fi\n";
    let refusal = take_back(b"", b"DISTCC_HOSTS=\"red\"\n", now.as_bytes(), NAMES).unwrap_err();
    assert!(refusal.to_string().starts_with("line 1: DISTCC_HOSTS"), "{refusal}");
}
