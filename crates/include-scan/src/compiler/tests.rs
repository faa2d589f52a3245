//! Real compilers asked, and asked again when that is due.

use super::*;
use std::fs;
use std::os::unix::fs::symlink;

const PLAIN: [(&str, &str); 1] = [("PATH", "/usr/bin:/bin")];

fn environment(more: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    PLAIN.iter().chain(more).map(|(name, value)| (name.into(), value.into())).collect()
}

/// The setting of `COMPILER -c x.c WORDS` in a directory; None where the compiler is not installed.
fn ask(
    compilers: &Compilers,
    command: &str,
    directory: &Path,
    environment: &[(OsString, OsString)],
) -> Option<Setting> {
    let words: Vec<OsString> = command.split(' ').map(Into::into).collect();
    if !Path::new(&words[0]).exists() {
        return None;
    }
    Some(compilers.setting(&Words::of(&words).unwrap(), directory, environment).unwrap())
}

fn first(setting: &Setting, count: usize) -> Vec<String> {
    setting.search.angle.iter().take(count).map(|name| name.escape_ascii().to_string()).collect()
}

#[test]
fn directories_come_in_the_compilers_order() {
    let held = tempfile::tempdir().unwrap();
    for name in ["a", "b b", "s", "q"] {
        fs::create_dir(held.path().join(name)).unwrap();
    }
    let compilers = Compilers::default();
    for compiler in ["/usr/bin/gcc", "/usr/bin/clang"] {
        let command = format!("{compiler} -c x.c -isystem s -Ia -I nowhere -iquote q");
        let Some(setting) = ask(&compilers, &command, held.path(), &environment(&[])) else { continue };
        assert_eq!(first(&setting, 2), ["a", "s"], "{compiler}");
        assert_eq!(setting.search.quote, [b"q"], "{compiler}");
        assert!(setting.search.missing.contains(&b"nowhere".to_vec()), "{compiler}");
        assert!(setting.own.search.angle.contains(&b"/usr/include".to_vec()), "{compiler}");
        assert!(!setting.own.search.angle.contains(&b"a".to_vec()), "{compiler}");
        let words: Vec<OsString> = [compiler, "-c", "x.c", "-I", "b b"].map(Into::into).into();
        let blank = compilers.setting(&Words::of(&words).unwrap(), held.path(), &environment(&[])).unwrap();
        assert_eq!(first(&blank, 1), ["b b"], "{compiler}");
    }
}

#[test]
fn directories_from_the_environment_are_the_commands_own() {
    let held = tempfile::tempdir().unwrap();
    fs::create_dir(held.path().join("c")).unwrap();
    let compilers = Compilers::default();
    let set = environment(&[("CPATH", "c")]);
    let Some(setting) = ask(&compilers, "/usr/bin/gcc -c x.c", held.path(), &set) else { return };
    assert_eq!(first(&setting, 1), ["c"]);
    assert!(!setting.own.search.angle.contains(&b"c".to_vec()));
}

#[test]
fn a_directory_that_appears_or_is_exchanged_is_noticed() {
    let held = tempfile::tempdir().unwrap();
    let path = |name: &str| held.path().join(name);
    let compilers = Compilers::default();
    let ask = || ask(&compilers, "/usr/bin/gcc -c x.c -I late -I a -I b", held.path(), &environment(&[]));
    fs::create_dir(path("a")).unwrap();
    fs::create_dir(path("real")).unwrap();
    symlink("a", path("b")).unwrap();
    let Some(setting) = ask() else { return };
    assert_eq!(first(&setting, 1), ["a"], "b is a once more");
    assert!(!setting.search.angle.contains(&b"b".to_vec()));
    fs::create_dir(path("late")).unwrap();
    assert_eq!(first(&ask().unwrap(), 2), ["late", "a"]);
    fs::remove_file(path("b")).unwrap();
    symlink("real", path("b")).unwrap();
    assert_eq!(first(&ask().unwrap(), 3), ["late", "a", "b"]);
    fs::remove_dir(path("late")).unwrap();
    assert_eq!(first(&ask().unwrap(), 2), ["a", "b"]);
}

#[test]
fn a_compiler_that_changes_within_its_old_size_and_time_is_asked_again() {
    let held = tempfile::tempdir().unwrap();
    let wrapper = held.path().join("gcc");
    let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let compilers = Compilers::default();
    let command = format!("{} -c x.c", wrapper.display());
    for name in ["ONE", "TWO"] {
        fs::write(&wrapper, format!("#!/bin/sh\nexec /usr/bin/gcc -D{name} \"$@\"\n")).unwrap();
        fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        fs::File::options().append(true).open(&wrapper).unwrap().set_modified(time).unwrap();
        let Some(setting) = ask(&compilers, &command, held.path(), &environment(&[])) else { return };
        let line = format!("#define {name} 1\n");
        assert!(contains(&setting.own.predefined, line.as_bytes()), "{name}");
    }
}

#[test]
fn macros_depend_on_the_words() {
    let compilers = Compilers::default();
    for compiler in ["/usr/bin/gcc", "/usr/bin/clang"] {
        let predefines = |words: &str, line: &str| {
            let command = format!("{compiler} -c {words}");
            let setting = ask(&compilers, &command, Path::new("/"), &environment(&[]))?;
            Some(contains(&setting.own.predefined, line.as_bytes()))
        };
        let Some(optimizes) = predefines("x.c -O2", "#define __OPTIMIZE__ 1\n") else { continue };
        assert!(optimizes, "{compiler}");
        assert_eq!(predefines("x.c", "#define __OPTIMIZE__ 1\n"), Some(false), "{compiler}");
        assert_eq!(predefines("x.cc -std=c++17", "#define __cplusplus 201703L\n"), Some(true), "{compiler}");
        assert_eq!(predefines("x.c -DFOO", "#define FOO"), Some(false), "{compiler}");
    }
}

#[test]
fn features_are_asked_once_and_unknown_ones_as_well() {
    let compilers = Compilers::default();
    for compiler in ["/usr/bin/g++", "/usr/bin/clang++"] {
        let command = format!("{compiler} -c x.cc -std=c++17");
        let Some(setting) = ask(&compilers, &command, Path::new("/"), &environment(&[])) else { continue };
        let features = &setting.own.features;
        let nodiscard = features.value("__has_cpp_attribute", b"nodiscard");
        assert!(nodiscard >= Some(201_603), "{compiler}: {nodiscard:?}");
        assert_eq!(features.value("__has_builtin", b"__builtin_expect"), Some(1), "{compiler}");
        assert_eq!(features.value("__has_builtin", b"__builtin_no_such"), Some(0), "{compiler}");
        assert_eq!(features.value("__has_attribute", b"unheard_of"), Some(0), "{compiler}");
        assert!(features.value("__has_cpp_attribute", b"gnu::unused") > Some(0), "{compiler}");
        assert!(features.knows("__has_builtin") && features.knows("__has_include"), "{compiler}");
        assert_eq!(features.knows("__has_feature"), compiler.ends_with("clang++"), "{compiler}");
        assert!(!features.knows("__has_nonsense"), "{compiler}");
    }
}

#[test]
fn a_compiler_that_says_nothing_is_a_reason() {
    let words: Vec<OsString> = ["/bin/false", "-c", "x.c"].map(Into::into).into();
    let setting =
        Compilers::default().setting(&Words::of(&words).unwrap(), Path::new("/"), &environment(&[]));
    assert_eq!(setting.err().map(|why| why.code), Some("compiler-is-silent"));
}
