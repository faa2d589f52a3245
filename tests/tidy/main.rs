//! What a program can keep of this project's style, rule by rule. Knows nothing of what any of the code does.

use std::fs;
use std::path::Path;

mod directions;
mod source;

use directions::knows_lower_rows_only;
use source::{File, code_only, file_name, is_for_tests, is_rust, line_of, lines_with};

/// A line number and what is wrong there.
type Complaint = (usize, String);
type Rule = fn(&File) -> Vec<Complaint>;

const RULES: &[Rule] = &[
    opens_with_its_purpose,
    reads_the_environment_in_settings_only,
    is_short,
    has_a_name_of_the_domain,
    leaves_printing_to_programs,
    says_why_a_lint_is_off,
    is_finished,
    names_no_place_of_its_makers,
    knows_lower_rows_only,
];

const LONGEST_FILE: usize = 400;
const LONGEST_PROGRAM: usize = 60;
/// Longer files, each with the reason why it is one story.
const LONG_FILES: &[(&str, &str)] = &[];

/// Files besides any `settings.rs` that read the environment, each with the reason.
const ENVIRONMENT_READERS: &[(&str, &str)] = &[];

const EMPTY_NAMES: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "manager", "managers", "handler", "handlers", "imp"];

#[test]
fn every_file_keeps_every_rule() {
    let files = project_files();
    assert!(files.iter().any(|file| file.path == "tests/tidy/main.rs"), "the project's files were not found");
    let complaints: Vec<String> = files
        .iter()
        .flat_map(|file| {
            RULES
                .iter()
                .flat_map(|rule| rule(file))
                .map(|(line, what)| format!("{}:{line}: {what}", file.path))
        })
        .collect();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn exceptions_are_still_needed() {
    for (path, _) in LONG_FILES {
        let lines = fs::read_to_string(top().join(path)).map_or(0, |text| text.lines().count());
        assert!(lines > LONGEST_FILE, "{path} has {lines} lines and needs no exception");
    }
    for (path, _) in ENVIRONMENT_READERS {
        let text = fs::read_to_string(top().join(path)).unwrap_or_default();
        assert!(!environment_reads(&text).is_empty(), "{path} reads no environment and needs no exception");
    }
}

#[test]
fn the_lock_file_is_part_of_the_project() {
    assert!(top().join("Cargo.lock").exists(), "Cargo.lock is missing");
    let ignored = fs::read_to_string(top().join(".gitignore")).unwrap_or_default();
    assert!(!ignored.contains("Cargo.lock"), ".gitignore keeps Cargo.lock out");
}

fn opens_with_its_purpose(file: &File) -> Vec<Complaint> {
    let is_word = |first: char| first.is_alphanumeric() || first == '`';
    let purposeful = |line: &str| line.strip_prefix("//! ").is_some_and(|rest| rest.starts_with(is_word));
    if !is_rust(file) || file.text.lines().next().is_some_and(purposeful) {
        return Vec::new();
    }
    vec![(1, "open with a `//!` sentence: what it does and what it does not know".to_owned())]
}

fn reads_the_environment_in_settings_only(file: &File) -> Vec<Complaint> {
    let allowed =
        file_name(file) == "settings.rs" || ENVIRONMENT_READERS.iter().any(|(path, _)| *path == file.path);
    if !is_rust(file) || allowed {
        return Vec::new();
    }
    let complain =
        |line| (line, "read the environment in settings.rs, once, and pass what was read".to_owned());
    environment_reads(&file.text).into_iter().map(complain).collect()
}

fn environment_reads(text: &str) -> Vec<usize> {
    let spellings = ["env::var", "env::set_var", "env::remove_var", "env::temp_dir", "env::home_dir"];
    lines_with(&code_only(text), &spellings)
}

fn is_short(file: &File) -> Vec<Complaint> {
    if !is_rust(file) || LONG_FILES.iter().any(|(path, _)| *path == file.path) {
        return Vec::new();
    }
    let longest = if file.path.starts_with("src/bin/") { LONGEST_PROGRAM } else { LONGEST_FILE };
    let lines = file.text.lines().count();
    if lines <= longest {
        return Vec::new();
    }
    vec![(lines, format!("{lines} lines, and {longest} are the most: split by meaning"))]
}

fn has_a_name_of_the_domain(file: &File) -> Vec<Complaint> {
    let stem = file.path.strip_suffix(".rs").unwrap_or(&file.path);
    let empty = stem.split(['/', '_', '-']).find(|word| EMPTY_NAMES.contains(word));
    match empty {
        Some(word) if is_rust(file) => vec![(1, format!("\"{word}\" says nothing of the domain"))],
        _ => Vec::new(),
    }
}

fn leaves_printing_to_programs(file: &File) -> Vec<Complaint> {
    let prints = ["src/bin/", "crates/logging/"].iter().any(|room| file.path.starts_with(room));
    if !is_rust(file) || prints || is_for_tests(file) || file_name(file) == "build.rs" {
        return Vec::new();
    }
    let code = code_only(&file.text);
    let shipped = code.split("#[cfg(test)]").next().unwrap_or_default();
    let spellings = ["println!(", "eprintln!(", "print!(", "eprint!("];
    let complain = |line| (line, "return it; only src/bin and the log print".to_owned());
    lines_with(shipped, &spellings).into_iter().map(complain).collect()
}

fn says_why_a_lint_is_off(file: &File) -> Vec<Complaint> {
    if !is_rust(file) {
        return Vec::new();
    }
    let code = code_only(&file.text);
    let mut complaints = Vec::new();
    for opening in ["[allow(", "[expect("] {
        for (at, _) in code.match_indices(opening) {
            let attribute = &code[at..at + code[at..].find(']').unwrap_or(0)];
            if !attribute.contains("reason") {
                complaints.push((line_of(&code, at), "say `reason = \"…\"`".to_owned()));
            }
        }
    }
    complaints
}

fn is_finished(file: &File) -> Vec<Complaint> {
    if !is_rust(file) {
        return Vec::new();
    }
    let complain = |line| (line, "finish it".to_owned());
    lines_with(&code_only(&file.text), &["todo!", "unimplemented!", "dbg!("])
        .into_iter()
        .map(complain)
        .collect()
}

fn names_no_place_of_its_makers(file: &File) -> Vec<Complaint> {
    // In pieces, so that this file keeps its own rule.
    let places = [["/wo", "rk/"].concat(), ["../sha", "red/"].concat()];
    let begins_here =
        |text: &str, at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || "._-".contains(c));
    let mut complaints = Vec::new();
    for place in &places {
        let found = file.text.match_indices(place.as_str()).filter(|(at, _)| begins_here(&file.text, *at));
        complaints.extend(found.map(|(at, _)| (line_of(&file.text, at), format!("{place} is nowhere else"))));
    }
    complaints
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn project_files() -> Vec<File> {
    let mut files = Vec::new();
    let mut folders = vec![top().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the project").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let made = [".git", "target", "corpus", "artifacts"].contains(&name.as_str());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && !made {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path =
                    path.strip_prefix(top()).expect("a path below the top").to_string_lossy().into_owned();
                files.push(File { path, text });
            }
        }
    }
    files
}

mod can_fail {
    //! Each rule, shown something that breaks it and something that does not. Knows nothing of the project's files.

    use super::*;

    #[track_caller]
    pub(crate) fn check(rule: Rule, path: &str, text: &str, lines: &[usize]) {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        let complaints: Vec<usize> = rule(&file).into_iter().map(|(line, _)| line).collect();
        assert_eq!(complaints, lines, "{path}: {text}");
    }

    #[test]
    fn purpose_environment_and_printing() {
        check(opens_with_its_purpose, "src/a.rs", "use std::fs;\n", &[1]);
        check(opens_with_its_purpose, "src/a.rs", "//! (later)\n", &[1]);
        check(opens_with_its_purpose, "src/a.rs", "//! Does it.\n", &[]);

        let rule = reads_the_environment_in_settings_only;
        check(rule, "crates/hosts/src/slot.rs", "//! env::var\nlet x = std::env::var_os(\"HOME\");\n", &[2]);
        check(rule, "crates/hosts/src/slot.rs", "let a = env::args();\nlet s = \"env::var\";\n", &[]);
        check(rule, "crates/client/src/settings.rs", "env::var(\"HOME\")", &[]);

        let rule = leaves_printing_to_programs;
        check(rule, "crates/client/src/compile.rs", "fn f() {\n    eprintln!(\"x\");\n}\n", &[2]);
        check(
            rule,
            "crates/client/src/compile.rs",
            "#[cfg(test)]\nmod tests { fn f() { println!(\"x\") } }",
            &[],
        );
        check(rule, "src/bin/distcc.rs", "println!()", &[]);
    }

    #[test]
    fn size_names_and_finish() {
        check(is_short, "crates/client/src/compile.rs", &"x\n".repeat(401), &[401]);
        check(is_short, "crates/client/src/compile.rs", &"x\n".repeat(400), &[]);
        check(is_short, "src/bin/distcc.rs", &"x\n".repeat(61), &[61]);

        check(has_a_name_of_the_domain, "crates/client/src/job_manager.rs", "", &[1]);
        check(has_a_name_of_the_domain, "crates/client/src/util/mod.rs", "", &[1]);
        check(has_a_name_of_the_domain, "crates/client/src/simple.rs", "", &[]);

        check(is_finished, "src/a.rs", "fn f() {\n    todo!()\n}\n", &[2]);
        check(is_finished, "src/a.rs", "// todo!\nlet s = r#\"unimplemented!\"#;\n", &[]);

        check(says_why_a_lint_is_off, "src/a.rs", "\n#[allow(dead_code)]\n", &[2]);
        check(
            says_why_a_lint_is_off,
            "src/a.rs",
            "#![allow(\n  dead_code,\n  reason = \"it lives\"\n)]\n",
            &[],
        );

        let theirs = ["/wo", "rk/main"].concat();
        check(names_no_place_of_its_makers, "README.md", &format!("see\n{theirs}\n"), &[2]);
        check(names_no_place_of_its_makers, "README.md", &format!("net{theirs}"), &[]);
    }
}
