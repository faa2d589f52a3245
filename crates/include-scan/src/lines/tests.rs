//! Texts and the directive lines in them. Knows no directive's meaning.

use super::*;
use crate::splice::without_trigraphs;

fn lines(text: &str, dialect: Dialect) -> Vec<String> {
    let mut lines = Lines::new(text.as_bytes(), dialect, false);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        found.push(format!("{}:{}", line.number, String::from_utf8_lossy(line.text).trim()));
    }
    found
}

/// Directive lines as `NUMBER:TEXT`, with everything that C++ has.
fn check(text: &str, expected: &[&str]) {
    let dialect = Dialect { raw_strings: true, digit_separators: true, ..Dialect::default() };
    assert_eq!(lines(text, dialect), expected, "{text:?}");
}

#[test]
fn directives_among_text() {
    check("#include <a.h>\nint x;\n # define X 1", &["1:include <a.h>", "3:define X 1"]);
    check("\u{feff}#a\r\n#b\r\n", &["1:a", "2:b"]);
    check("x # y\n## z\n%: q\n%:%: r\n", &["3:q"]);
    check("/* x\n*/ # /* y\nz */ if /**/ 1 // end\n#b", &["2:if   1", "4:b"]);
    check("#inc\\\nlude <a.h>\n#b", &["1:include <a.h>", "3:b"]);
    check("#inc\\ \t\nlude <a.h>\n#b", &["1:include <a.h>", "3:b"]);
    check("\\\n#a \\\r\nb\r\n#c", &["2:a b", "4:c"]);
    check("x \\\n#a\n#b", &["3:b"]);
    check("// x \\\n#a\n#b", &["3:b"]);
    check("/\\\n/ x\n#b", &["3:b"]);
    check("/\\\n* x\n#a *\\\n/ \n#b", &["5:b"]);
    check("/*/ x\n#a\n*/\n#b", &["4:b"]);
    check("#a\0b", &["1:a\0b"]);
    check("#a \\", &["1:a"]);
    check("/* never\n#a", &[]);
}

#[test]
fn strings_hide_comments() {
    check("char *s = \"/*\";\n#a", &["2:a"]);
    check("char *s = \"\\\"/*\";\n#a", &["2:a"]);
    check("char *s = \"\\\\\"; /*\n#a\n*/", &[]);
    check("it's /*\n#a", &["2:a"]);
    check("char c = '\"'; /*\n#a*/", &[]);
    check("#define S \"/*\" // x\n#a", &["1:define S \"/*\"", "2:a"]);
    check("#include <a//b/*.h>\n#include \"c//d\\\"\n", &["1:include <a//b/*.h>", "2:include \"c//d\\\""]);
    check("#if __has_include(<a//b>) //x\n", &["1:if __has_include(<a//b>)"]);
    check("\"a\\\n#b\"\n#c", &["3:c"]);
}

#[test]
fn raw_strings_hide_directives() {
    check("auto s = R\"(\n#a\n\")\";\n#b", &["4:b"]);
    check("auto s = u8R\"x(\n#a\n)\")x\";\n#b", &["4:b"]);
    check("auto s = xR\"(\n#a\n", &["2:a"]);
    check("#define X R\"(//)\" //\n", &["1:define X R\"(//)\""]);
    assert_eq!(lines("R\"(\n#a\n)\"", Dialect::default()), ["2:a"]);
}

#[test]
fn separators_begin_no_character() {
    check("x = 1'000 /*\n#a*/;\n#b", &["3:b"]);
    check("x = 0xAB'CD'EF + 1'2; /* ' */\n#b", &["2:b"]);
    check("x = L'a' + u8'/*' + a1'/*'\n#b", &["2:b"]);
    assert_eq!(lines("0'/*'\n#a", Dialect::default()), ["2:a"]);
}

#[test]
fn strict_c90_divides_before_a_comment() {
    let c90 = Dialect { c90_comments: true, ..Dialect::default() };
    assert_eq!(lines("a //* x\n#a\n*/ b\n#b", c90), ["4:b"]);
    assert_eq!(lines("a //* x\n#a\n", Dialect::default()), ["2:a"]);
    assert_eq!(lines("a // x\n#a\n", c90), ["2:a"]);
}

#[test]
fn pragma_operators_are_lines() {
    check("_Pragma(\"once\") # x\n#a", &["1:pragma once", "2:a"]);
    check("x _Pragma(\"once\")\n#a", &["2:a"]);
}

#[test]
fn trigraphs() {
    let check = |text: &str, expected: &str| {
        let plain = without_trigraphs(text.as_bytes()).unwrap_or(text.into());
        assert_eq!(String::from_utf8_lossy(&plain), expected, "{text}");
    };
    check("??=include ??/\n???= ??", "#include \\\n?# ??");
    check("a ? b : c", "a ? b : c");
}

#[test]
fn module_lines() {
    let check = |line: &str, expected| assert_eq!(begins_module_line(line.as_bytes()), expected, "{line}");
    for line in
        ["import <a>;", "import a.b;", "export module x;", "module;", "module :private;", "import\"a\";"]
    {
        check(line, true);
    }
    for line in ["imports x;", "import(x);", "module->x;", "module::f();", "export template", "else", "int x"]
    {
        check(line, false);
    }
}

#[test]
fn raw_strings_that_never_end_take_no_square_of_their_number() {
    let dialect = Dialect { raw_strings: true, ..Dialect::default() };
    let text = "R\"(\n".repeat(300_000);
    let mut lines = Lines::new(text.as_bytes(), dialect, false);
    assert!(lines.next().is_none());
    assert!(lines.findings.broken_raw_string);
}
