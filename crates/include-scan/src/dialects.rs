//! Which dialect a compiler reads, by the macros that it predefines. Asks nobody.

use crate::dialect::Dialect;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// From the compiler's answer to -dM, and from the words that have no macro.
pub(crate) fn of(predefined: &[u8], words: &[OsString]) -> Dialect {
    let macros = Macros(predefined);
    let cplusplus = macros.number("__cplusplus");
    let c = macros.number("__STDC_VERSION__");
    let (strict, clang) = (macros.has("__STRICT_ANSI__"), macros.has("__clang__"));
    let says = |word: &str| words.iter().any(|known| known.as_bytes() == word.as_bytes());
    // gcc 13 and clang 18 are the first to know that C23 has none.
    let (major, without) = if clang { ("__clang_major__", 18) } else { ("__GNUC__", 13) };
    let by_standard = strict
        && if cplusplus > 0 { cplusplus <= 201_402 } else { c <= 201_710 || macros.number(major) < without };
    let is_cplusplus = cplusplus > 0;
    Dialect {
        trigraphs: (by_standard || says("-trigraphs") || says("--trigraphs") || says("-ftrigraphs"))
            && !says("-fno-trigraphs"),
        raw_strings: if is_cplusplus {
            cplusplus >= 201_103 || (!strict && !clang && cplusplus > 199_711)
        } else {
            !clang && !strict && c >= 199_901
        },
        digit_separators: cplusplus >= 201_300 || c > 201_710,
        c90_comments: !is_cplusplus && strict && c < 199_901,
        assembler: macros.has("__ASSEMBLER__"),
        cplusplus: is_cplusplus,
        modules: cplusplus > 201_703,
    }
}

/// A -dM listing.
struct Macros<'a>(&'a [u8]);

impl Macros<'_> {
    fn value(&self, name: &str) -> Option<&[u8]> {
        let mut lines = self.0.split(|b| *b == b'\n');
        lines.find_map(|line| {
            let rest = line.strip_prefix(b"#define ")?.strip_prefix(name.as_bytes())?;
            if rest.is_empty() { Some(rest) } else { rest.strip_prefix(b" ") }
        })
    }

    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Zero where there is none.
    fn number(&self, name: &str) -> u32 {
        let digits = self.value(name).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit());
        digits.fold(0, |number: u32, digit| number.saturating_mul(10).saturating_add(u32::from(digit - b'0')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters for what is on: trigraphs, raw strings, digit separators, (c)90 comments, c++ (x), modules.
    #[track_caller]
    fn check(predefined: &str, words: &[&str], expected: &str) {
        let words: Vec<OsString> = words.iter().map(Into::into).collect();
        let dialect = of(predefined.as_bytes(), &words);
        let flags = [
            (dialect.trigraphs, 't'),
            (dialect.raw_strings, 'r'),
            (dialect.digit_separators, 'd'),
            (dialect.c90_comments, 'c'),
            (dialect.cplusplus, 'x'),
            (dialect.modules, 'm'),
        ];
        let shown: String = flags.iter().filter(|(on, _)| *on).map(|(_, letter)| letter).collect();
        assert_eq!(shown, expected, "{predefined}");
    }

    #[test]
    fn standards_are_told_by_their_macros() {
        check("#define __STDC_VERSION__ 201710L\n", &[], "r");
        check("#define __STDC_VERSION__ 201710L\n#define __STRICT_ANSI__ 1\n", &[], "t");
        check("#define __STRICT_ANSI__ 1\n", &[], "tc");
        check("#define __clang__ 1\n#define __STDC_VERSION__ 201710L\n", &[], "");
        check("#define __STDC_VERSION__ 202000L\n", &[], "rd");
        let strict = "#define __STRICT_ANSI__ 1\n#define __STDC_VERSION__ 202000L\n";
        check(&format!("{strict}#define __GNUC__ 12\n"), &[], "td");
        check(&format!("{strict}#define __GNUC__ 13\n"), &[], "d");
        check(
            &format!("{strict}#define __GNUC__ 4\n#define __clang__ 1\n#define __clang_major__ 14\n"),
            &[],
            "td",
        );
        check("#define __cplusplus 199711L\n", &["-trigraphs"], "tx");
        check("#define __cplusplus 201703L\n", &[], "rdx");
        check("#define __cplusplus 201402L\n#define __STRICT_ANSI__ 1\n", &[], "trdx");
        check("#define __cplusplus 201703L\n#define __STRICT_ANSI__ 1\n", &[], "rdx");
        check("#define __cplusplus 202002L\n", &[], "rdxm");
    }
}
