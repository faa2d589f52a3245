//! Units and the files that they read, beside what the compilers themselves prove in tests/. Knows no compiler.

use super::*;
use crate::memory::Memory;
use crate::{Dialect, MacroWord, SearchDir, SearchPath};
use proptest::prelude::*;

/// What the compiler is said to define.
const PREDEFINED: &str = "#define __GNUC__ 12\n#define __STDC__ 1\n";

fn walked(dialect: Dialect, words: &[MacroWord], files: &[(&str, &str)]) -> Result<Vec<String>, NotCovered> {
    let place = tempfile::tempdir().expect("a directory can be made");
    let root = place.path().canonicalize().expect("it is there");
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("it is below the root"))
            .expect("directories can be made");
        std::fs::write(path, text).expect("files can be written");
    }
    let memory = Memory::default();
    let mut sight = Sight::new(&memory, dialect, &root).expect("the directory is there");
    let mut directories = Vec::new();
    for name in ["one", "two"] {
        if let Some(directory) = sight.directory(name.as_bytes()).expect("it can be looked at") {
            directories.push(SearchDir { directory, spelling: name.as_bytes().into() });
        }
    }
    let task = Task {
        source: b"x.c".to_vec(),
        macros: words.to_vec(),
        imacros: Vec::new(),
        include: Vec::new(),
        predefined: Arc::new(Directives::parse(PREDEFINED.as_bytes(), dialect, &memory.symbols)),
        dialect,
        search: SearchPath { quote: Vec::new(), angle: directories },
        adds_to_the_system: false,
    };
    walk(&task, &memory.symbols, &mut sight, &mut Scratch::default())?;
    let name = |file| String::from_utf8_lossy(&sight.places.file_name(file)).into_owned();
    let below = format!("{}/", root.display());
    let mut found: Vec<String> = sight.found().map(name).map(|name| name.replace(&below, "")).collect();
    found.sort();
    Ok(found)
}

/// What an `#if` after some lines reads: `yes`, `no`, or both where it is not known.
fn check_condition(before: &str, condition: &str, expected: &str) {
    let text = format!("{before}\n#if {condition}\n#include \"yes\"\n#else\n#include \"no\"\n#endif\n");
    let dialect = Dialect { cplusplus: true, digit_separators: true, ..Dialect::default() };
    let files = [("x.c", &text[..]), ("yes", ""), ("no", ""), ("there.h", ""), ("one/in-one.h", "")];
    let read = walked(dialect, &[], &files).map(|read| read.join(" "));
    let expected = match expected {
        "yes" => "x.c yes",
        "no" => "no x.c",
        "both" => "no x.c yes",
        other => other,
    };
    let read = read.map(|read| read.replace("one/in-one.h ", "").replace("there.h ", ""));
    assert_eq!(read.as_deref(), Ok(expected), "{before}; {condition}");
}

#[test]
fn arithmetic() {
    let check = |condition: &str, expected| check_condition("", condition, expected);
    check("1 + 2 * 3 == 7 && (1 + 2) * 3 == 9", "yes");
    check("-1 > 0u && -1 < 0 && -1 >> 70 == -1", "yes");
    check("(0 ? 1u : -1) > 0", "yes");
    check("1 << -1 == 0 && 2 >> -1 == 4", "yes");
    check("-7 / 2 == -3 && -7 % 2 == -1", "yes");
    check("(1, 0) || 0", "no");
    check("0 && 1 / 0", "no");
    check("1 || 1 / 0", "yes");
    check("1 / 0", "both");
    check("1 ? 0 : 1 / 0", "no");
    check("0 ? 1 : 0 ? 1 : 1", "yes");
    check("'a' == 97 && '\\377' < 0 && u'\\377' > 0", "yes");
    check("1'000 == 1000 && 0x1F == 037 - 0", "yes");
    check("not 0 and true or false", "yes");
    check("1 xor 1 bitor compl 0 not_eq 0", "yes");
    check("unknown", "no");
    check("", "both");
    check("1 +", "both");
    check("1 1", "both");
    check("(1", "both");
    check("1.0", "both");
    check("#machine(x86)", "both");
    check("f(1)", "both");
    check("__COUNTER__ == 0", "both");
}

#[test]
fn macros_in_conditions() {
    let check = check_condition;
    check("#define F(x) x + 1", "F(1) * 2 == 3", "yes");
    check("#define F(x) x + 1\n#define G F", "G(1) == 2 && F (1) == 2", "yes");
    check("#define F(x) x\n#define E", "F(E) 1 && F() 1", "yes");
    check("#define A A + 1\n#define B C\n#define C B", "A == 1 && B == 0", "yes");
    check("#define f(a) a*g\n#define g(a) f(a)", "f(2)(9) == 0", "yes");
    check("#define CAT(a, b) a ## b\n#define XY 7\n#define X 1", "CAT(X, Y) == 7", "yes");
    check("#define CAT(a, b) a ## b\n#define CAT2(a, b) CAT(a, b)\n#define X 1", "CAT2(X, X) == 11", "yes");
    check("#define CAT(a, b) a ## b", "CAT(, 1) && CAT(1, ) && CAT(,) 1", "yes");
    check("#define CAT(a, b) a ## b", "CAT(+, 1)", "both");
    check("#define LAST(a, ...) __VA_ARGS__", "LAST(0, 1) && LAST(0) 1", "yes");
    check("#define COUNT(x, ...) two(0, ## __VA_ARGS__)\n#define two(a, ...) a", "COUNT(1) == 0", "yes");
    check("#define V(x, ...) x __VA_OPT__(+ __VA_ARGS__)", "V(1) == 1 && V(1, 2) == 3", "yes");
    check("#define N(rest...) (rest + 1)", "N(2) == 3", "yes");
    check("#define D defined(X)\n#define X", "D", "yes");
    check("#define X", "defined X && !defined(Y)", "yes");
    check("#define X 1\n#undef X", "X", "no");
    check("#define F(x) x", "F", "no");
    check("#define F(x) x", "F(1, 2)", "both");
    check("#define F(x) x", "F(1", "both");
    check("#define X 1\n#pragma push_macro(\"X\")\n#undef X\n#pragma pop_macro(\"X\")", "X", "yes");
    check("\n", "__LINE__ == 3 && __INCLUDE_LEVEL__ == 0", "yes");
    check("#line 77", "__LINE__", "both");
    check("#define H \"there.h\"", "__has_include(H) && __has_include(\"there.h\")", "yes");
    check("#define P __has_include\n#define in nothing", "P(<in-one.h>)", "no");
    check("", "__has_include(<in-one.h>) && !__has_include(<one/in-one.h>)", "yes");
    check("", "__has_include(<a.h", "both");
}

#[test]
fn what_is_in_doubt_stays_in_doubt() {
    let check = check_condition;
    check("#if 1 / 0\n#define A 1\n#endif", "A", "both");
    check("#if 1 / 0\n#define A 1\n#else\n#define A 1\n#endif", "A", "yes");
    check("#if 1 / 0\n#define A 1\n#elif 1\n#define A 1\n#else\n#define A 0\n#endif", "A", "yes");
    check("#if 1 / 0\n#define A 1\n#elif 1 / 0\n#define A 1\n#endif", "A", "both");
    check("#define A 1\n#if 1 / 0\n#undef A\n#define A 1\n#endif", "A", "yes");
    check(
        "#if 1 / 0\n#if 1 / 0\n#define A\n#endif\n#ifdef A\n#define B\n#endif\n#endif",
        "defined B",
        "both",
    );
    check("#if 1 / 0\n#include \"nowhere\"\n#error\n#endif", "1", "yes");
}

/// What `x.c` reads among other files.
fn check(text: &str, files: &[(&str, &str)], expected: Result<&str, &str>) {
    let files: Vec<(&str, &str)> = files.iter().copied().chain([("x.c", text)]).collect();
    let words = [MacroWord::Define(b"GIVEN(x)=x".to_vec()), MacroWord::Undefine(b"__STDC__".to_vec())];
    let read = walked(Dialect::default(), &words, &files);
    let read = read.as_ref().map(|read| read.join(" ")).map_err(|reason| reason.code);
    assert_eq!(read.as_deref().map_err(|code| *code), expected, "{text:?}");
}

#[test]
fn what_is_included() {
    let files = [
        ("a.h", "#include \"b.h\"\n"),
        ("b.h", ""),
        ("one/c.h", "#include_next <c.h>\n#include \"b.h\"\n"),
        ("one/b.h", ""),
        ("two/c.h", ""),
        ("once.h", "#pragma once\n#ifdef AGAIN\n#include \"b.h\"\n#endif\n"),
        ("copy/once.h", "#pragma once\n#ifdef AGAIN\n#include \"b.h\"\n#endif\n"),
        ("guarded.h", "#if !defined GUARDED\n#define GUARDED\n#include \"guarded.h\"\n#endif\n"),
        ("self.h", "#include \"self.h\"\n"),
    ];
    let check = |text: &str, expected| check(text, &files, expected);
    check("#include \"a.h\"", Ok("a.h b.h x.c"));
    check("#include <c.h>", Ok("one/b.h one/c.h two/c.h x.c"));
    check("#include <a.h>", Err("missing-include"));
    check("#ifdef X\n#include <a.h>\n#endif", Ok("x.c"));
    check("#include \"once.h\"\n#define AGAIN\n#include \"once.h\"", Ok("once.h x.c"));
    check("#import \"b.h\"\n#import \"b.h\"", Ok("b.h x.c"));
    check("#include \"once.h\"\n#include \"copy/once.h\"", Err("once-copies"));
    check("#include \"guarded.h\"", Ok("guarded.h x.c"));
    check("#include \"self.h\"", Err("too-deep"));
    check("#define S(x) #x\n#define T(x) S(x)\n#define B b\n#include T(B.h)", Ok("b.h x.c"));
    check("#define B b\n#define ANGLE <B.h>\n#include ANGLE", Ok("one/b.h x.c"));
    check("#ifndef AGAIN\n#define AGAIN\n#include __FILE__\n#else\n#include \"b.h\"\n#endif", Ok("b.h x.c"));
    check("#include GIVEN(\"b.h\")\n#ifdef __STDC__\n#include \"a.h\"\n#endif", Ok("b.h x.c"));
    check("#include NOTHING", Err("computed-include"));
    check("#error no", Err("error-directive"));
    check("#embed \"b.h\"", Err("directive"));
    check("#undef __FILE__", Err("undefined-builtin"));
    check("#pragma GCC dependency \"b.h\"", Err("directive"));
    check("asm(\".incbin \\\"b.h\\\"\");", Err("incbin"));
    check("#if 1 / 0\n#include \"once.h\"\n#endif\n#define AGAIN\n#include \"once.h\"", Ok("b.h once.h x.c"));
}

#[test]
fn the_time_is_none_in_a_word_either() {
    let word = MacroWord::Define(b"BUILT=__DATE__".to_vec());
    let read = walked(Dialect::default(), &[word], &[("x.c", "")]);
    assert_eq!(read.map_err(|reason| reason.code), Err("date"));
}

#[test]
fn bombs_end() {
    let doubled: String = (0..40).map(|n| format!("#define A{} A{n} + A{n}\n", n + 1)).collect();
    check(&format!("{doubled}#if A40\n#endif"), &[], Err("too-much"));
    check(&format!("#if {}1\n#endif", "(".repeat(100_000)), &[], Err("too-deep"));
    check(&format!("#if {}1\n#endif", "!".repeat(100_000)), &[], Err("too-deep"));
    let calls = format!("#define F(x) x\n#if {}1{}\n#endif", "F(".repeat(5000), ")".repeat(5000));
    check(&calls, &[], Err("too-deep"));
    let joined = "#define JOIN(a, b) a##b\n#define TWICE(a) JOIN(a, a)\n";
    check(&format!("{joined}#if {}x{}\n#endif", "TWICE(".repeat(60), ")".repeat(60)), &[], Err("too-much"));
    let quoted = "#define TEXT(a) #a\n#define QUOTED(a) TEXT(a)\n";
    check(&format!("{quoted}#include {}\"x\"{}", "QUOTED(".repeat(60), ")".repeat(60)), &[], Err("too-much"));
    let chain: String = (0..100_000).map(|n| format!("#define A{} A{n}\n", n + 1)).collect();
    check(&format!("{chain}#if A100000\n#endif"), &[], Err("too-much"));
    let twice = "#if __INCLUDE_LEVEL__ < 30\n#include \"x.c\"\n#include \"x.c\"\n#endif\n";
    check(twice, &[], Err("too-much"));
}

proptest! {
    #[test]
    fn any_bytes_are_walked(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        let symbols = Symbols::new();
        let dialect = Dialect { trigraphs: true, raw_strings: true, digit_separators: true, ..Dialect::default() };
        Directives::parse(&text, dialect, &symbols);
    }

    #[test]
    fn any_directives_are_walked(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "#", "if ", "ifdef ", "elif ", "else", "endif", "define ", "include ", "undef ", "A", "B(", "x", ",",
                ")", "##", "#x", "\n", "\n#if ", "\n#define ", "\n#endif\n", "defined", "__VA_OPT__(", "...", "1",
                "+", "/0", "\"", "<", ">", "__has_include(", "\\\n", "/*", "*/", "?", ":", "'", "R\"(", "_Pragma(\"",
            ]),
            0..60,
        )
    ) {
        let text: String = pieces.concat();
        let _ = walked(Dialect { raw_strings: true, ..Dialect::default() }, &[], &[("x.c", &text)]);
    }
}
