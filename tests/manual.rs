//! Man pages and completions: whole, and sound for the programs that read them. Knows nothing of what the options do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use test_hosts::need;
use test_hosts::process::{clean, run};
use test_hosts::workdir::{Workdir, names_in};

#[test]
fn the_manual_of_distcc_knows_every_option() {
    let mut help = clean(env!("CARGO_BIN_EXE_distcc"));
    help.arg("--help");
    let help = run(help).good().out();
    let options = words(&help).filter(|word| word.starts_with("--") || *word == "-j");
    check_manual(options.map(|word| word.split('=').next().unwrap_or(word)), 7);
}

#[test]
fn the_manual_of_distcc_knows_every_variable() {
    let settings = source("crates/client/src/settings.rs");
    let strings = settings.split('"').skip(1).step_by(2);
    check_manual(strings.filter(|string| is_variable(string)), 12);
}

#[test]
fn the_manual_of_distcc_knows_what_has_no_effect_and_why() {
    let table = source("crates/client/src/settings/unheeded.rs");
    let shipped = table.split("impl std::fmt::Display").next().unwrap_or_default();
    let strings = || shipped.split('"').skip(1).step_by(2);
    check_manual(strings().filter(|string| is_variable(string)), 6);
    let page = one_line(&source("crates/client/man/distcc.1").replace("\\-", "-"));
    for why in strings().filter(|string| string.contains(' ')) {
        assert!(page.contains(why), "not in the page: {why}");
    }
}

#[test]
fn the_manuals_know_every_field_of_the_journal() {
    let fields = source("crates/logging/src/field.rs");
    let names =
        || fields.split('"').skip(1).step_by(2).filter(|name| name.starts_with("DISTCC_") && name.len() > 7);
    check(&source("crates/daemon/man/distccd.sections.1"), names(), 10);
}

/// Whatever they do here, nobody has to guess it.
#[test]
fn the_manuals_know_every_variable_of_distcc_3_4() {
    let Some(programs) = need::c_distcc() else { return };
    const UNPREFIXED: &[&str] = &[
        "UNCACHED_ERR_FD",
        "TMPDIR",
        "HOME",
        "DEPENDENCIES_OUTPUT",
        "CPATH",
        "C_INCLUDE_PATH",
        "CPLUS_INCLUDE_PATH",
    ];
    let is_ours = |name: &&str| {
        name.contains("DISTCC") || name.starts_with("INCLUDE_SERVER") || UNPREFIXED.contains(name)
    };
    let pages = ["crates/client/man/distcc.1", "crates/daemon/man/distccd.sections.1"].map(source).concat();
    for (program, at_least) in [(programs.distcc, 20), (programs.distccd, 8)] {
        let bytes = fs::read(program).expect("a program that is installed");
        let strings = bytes.split(|byte| *byte == 0).filter_map(|string| std::str::from_utf8(string).ok());
        check(&pages, strings.filter(|string| is_variable(string)).filter(is_ours), at_least);
    }
}

/// Every exit code of the client's own table, and no other.
#[test]
fn the_manual_of_distcc_knows_every_exit_code() {
    let table = source("crates/client/src/exit.rs");
    let values = table.lines().filter_map(|line| line.split_once(": u8 = ")?.1.strip_suffix(';'));
    let page = source("crates/client/man/distcc.1");
    let (_, behind) = page.split_once(".SH EXIT STATUS").expect("a section");
    let section = behind.split(".SH ").next().unwrap_or_default();
    let listed = section.lines().filter_map(|line| line.split_once('\t')).map(|(code, _)| code);
    assert_eq!(listed.collect::<BTreeSet<_>>(), values.collect::<BTreeSet<_>>());
}

#[test]
fn the_manual_of_distcc_knows_every_reason() {
    let sources = ["crates/cc-args/src/why_local.rs", "crates/client/src/why_here.rs"].map(source);
    let reasons = sources.concat().replace("=> \"", "=> (\"");
    let codes = reasons.lines().filter_map(|line| line.split_once("=> (\"")?.1.split('"').next());
    check_manual(codes.filter(|code| !code.contains(' ')), 40);
}

#[test]
fn the_manual_of_distccd_knows_every_variable() {
    let settings = source("crates/daemon/src/settings.rs");
    let shipped = settings.split("#[cfg(test)]").next().unwrap_or_default();
    let strings = shipped.split('"').skip(1).step_by(2).filter(|string| is_variable(string));
    check(&source("crates/daemon/man/distccd.sections.1"), strings, 8);
}

#[test]
fn the_manual_of_lsdistcc_knows_every_option() {
    let mut help = clean(env!("CARGO_BIN_EXE_lsdistcc"));
    help.arg("--help");
    let help = run(help).good().out();
    let options = help.lines().filter_map(|line| line.strip_prefix("  -")?.chars().next());
    let options: Vec<String> =
        options.filter(|letter| *letter != '-').map(|letter| format!("-{letter}")).collect();
    check(&source("crates/survey/man/lsdistcc.1"), options.iter().map(String::as_str), 16);
    for completions in ["lsdistcc.bash", "_lsdistcc", "lsdistcc.fish"] {
        let text = source(&format!("crates/survey/completions/{completions}")).replace("-s ", "-");
        check(&text.replace("-[", " [").replace('[', " "), options.iter().map(String::as_str), 16);
    }
}

#[test]
fn the_manual_of_pump_knows_every_variable() {
    let settings = ["crates/pump/src/settings.rs", "crates/pump/src/wrapper/settings.rs"].map(source);
    let shipped =
        settings.map(|text| text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()).concat();
    let strings = shipped.split('"').skip(1).step_by(2).filter(|string| is_variable(string));
    // These are every program's.
    let own = strings.filter(|name| !["PATH", "HOME", "DISTCC_DIR"].contains(name));
    check(&source("crates/pump/man/pump.1"), own, 10);
}

#[test]
fn the_manual_of_distccmon_text_knows_every_variable() {
    let settings = source("crates/monitor/src/settings.rs");
    let shipped = settings.split("#[cfg(test)]").next().unwrap_or_default();
    let strings = shipped.split('"').skip(1).step_by(2).filter(|string| is_variable(string));
    check(&source("crates/monitor/man/distccmon-text.sections.1"), strings, 4);
}

/// Of section 1, sorted.
const PAGES: &[&str] = &[
    "distcc-arch-check.1",
    "distcc-arch-chroot-add.1",
    "distcc-arch-chroot-daemon.1",
    "distcc-arch-chroot-list.1",
    "distcc-arch-chroot-remove.1",
    "distcc-arch-chroot-renew.1",
    "distcc-arch-chroot.1",
    "distcc-arch-cidr.1",
    "distcc-arch-demo.1",
    "distcc-arch-hosts-add.1",
    "distcc-arch-hosts-discover.1",
    "distcc-arch-hosts-list.1",
    "distcc-arch-hosts-probe.1",
    "distcc-arch-hosts-remove.1",
    "distcc-arch-hosts.1",
    "distcc-arch-masquerade.1",
    "distcc-arch-setup.1",
    "distcc-arch-toolchain-add.1",
    "distcc-arch-toolchain-list.1",
    "distcc-arch-toolchain-multilib.1",
    "distcc-arch-toolchain-remove.1",
    "distcc-arch-toolchain.1",
    "distcc-arch-undo.1",
    "distcc-arch.1",
    "distcc.1",
    "distccd.1",
    "distccmon-text.1",
    "lsdistcc.1",
    "pump.1",
    "update-distcc-symlinks.1",
];
const PROGRAMS: [&str; 7] =
    ["distcc", "distcc-arch", "distccd", "distccmon-text", "lsdistcc", "pump", "update-distcc-symlinks"];

#[test]
fn every_program_is_documented_where_packages_install_it() {
    let docs = Docs::write();
    let mut files_of_fish = PROGRAMS.map(|program| format!("{program}.fish"));
    files_of_fish.sort();
    assert_eq!(names_in(&docs.path("man/man1")), PAGES);
    assert_eq!(names_in(&docs.path("man/man5")), ["distcc-hosts.5"]);
    assert_eq!(names_in(&docs.path("bash-completion/completions")), PROGRAMS);
    assert_eq!(names_in(&docs.path("zsh/site-functions")), PROGRAMS.map(|program| format!("_{program}")));
    assert_eq!(names_in(&docs.path("fish/vendor_completions.d")), files_of_fish);
    let of_add = fs::read_to_string(docs.path("man/man1/distcc-arch-hosts-add.1")).expect("a page");
    assert!(of_add.contains("distcc\\-arch\\-hosts\\-add") && of_add.contains("dry\\-run"), "{of_add}");
    let distccd = fs::read_to_string(docs.path("man/man1/distccd.1")).expect("a page");
    assert!(distccd.contains("enable\\-tcp\\-insecure") && distccd.contains(".SH SIGNALS"), "{distccd}");
}

#[test]
fn man_pages_are_formatted_without_a_warning() {
    let Some(groff) = need::program("groff", "install groff (Debian: groff-base)") else { return };
    let docs = Docs::write();
    for section in ["man/man1", "man/man5"].map(|section| docs.path(section)) {
        for name in names_in(&section) {
            let mut format = clean(&groff);
            format.args(["-t", "-man", "-Tutf8", "-ww", "-rLL=80n"]).arg(section.join(&name));
            let formatted = run(format).good();
            assert_eq!(formatted.err(), "", "{name}");
            assert!(formatted.stdout.len() > 500, "{name}: {}", formatted.out());
        }
    }
}

#[test]
fn completions_are_sound_shell() {
    let Some(bash) = need::program("bash", "install bash") else { return };
    let docs = Docs::write();
    let directory = docs.path("bash-completion/completions");
    for name in names_in(&directory) {
        let mut parse = clean(&bash);
        parse.arg("-n").arg(directory.join(&name));
        assert_eq!(run(parse).good().err(), "", "{name}");
    }
    completes(&bash, &directory, "distcc --sh", "--show-hosts");
    completes(&bash, &directory, "distcc --summary --b", "--begin");
    completes(&bash, &directory, "distcc-arch demo --comp", "--compiler");
    completes(&bash, &directory, "distccd --allow-p", "--allow-private");
    completes(&bash, &directory, "lsdistcc --v", "--version");
    completes(&bash, &directory, "lsdistcc -x -P3", "-P3");
    completes(&bash, &directory, "distccmon-text --l", "--live");
    completes(&bash, &directory, "pump --sta", "--startup");
}

/// What bash makes of a line whose last word is half typed.
#[track_caller]
fn completes(bash: &Path, directory: &Path, line: &str, expected: &str) {
    let script = r#"
        . "$1/${2%% *}"
        read -ra COMP_WORDS <<<"$2"
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        function=$(complete -p "${COMP_WORDS[0]}" | sed 's/.* -F \([^ ]*\) .*/\1/')
        "$function" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut complete = clean(bash);
    complete.args(["-c", script, "completes"]).arg(directory).arg(line);
    assert_eq!(run(complete).good().out().trim(), expected, "{line}");
}

struct Docs {
    work: Workdir,
}

impl Docs {
    fn write() -> Docs {
        let docs = Docs { work: Workdir::new() };
        let mut command = clean(env!("CARGO_BIN_EXE_distcc-arch"));
        command.arg("docs").arg(docs.path(""));
        run(command).good();
        docs
    }

    fn path(&self, name: &str) -> PathBuf {
        self.work.path().join("share").join(name)
    }
}

/// distcc is described in a page of its own and in that of its host list.
#[track_caller]
fn check_manual<'a>(wanted: impl Iterator<Item = &'a str>, at_least: usize) {
    let pages = source("crates/client/man/distcc.1") + &source("crates/hosts/man/distcc-hosts.5");
    check(&pages, wanted, at_least);
}

/// Every wanted word stands in the page, and at least so many are wanted: a list that is not found proves nothing.
#[track_caller]
fn check<'a>(page: &str, wanted: impl Iterator<Item = &'a str>, at_least: usize) {
    let page = page.replace("\\-", "-");
    let known: BTreeSet<&str> = words(&page).collect();
    let wanted: BTreeSet<&str> = wanted.collect();
    let missing: Vec<_> = wanted.iter().filter(|word| !known.contains(*word)).collect();
    assert!(missing.is_empty(), "not in the page: {missing:?}");
    assert!(wanted.len() >= at_least, "only {wanted:?}");
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_variable(text: &str) -> bool {
    text.len() > 3 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
