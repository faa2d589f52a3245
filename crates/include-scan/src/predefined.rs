//! The macros that are left of what a compiler defines and undefines before it reads a line, out of what -dD prints. Knows
//! nothing of what they mean.

use std::collections::HashMap;

/// The `#define` lines that hold at the end, in their order: as -dM prints them.
pub(crate) fn macros(printed: &[u8]) -> Vec<u8> {
    let mut last = HashMap::new();
    let lines = || printed.split(|b| *b == b'\n').enumerate();
    for (at, line) in lines() {
        if let Some(definition) = line.strip_prefix(b"#define ") {
            last.insert(name(definition), at);
        } else if let Some(name) = line.strip_prefix(b"#undef ") {
            last.remove(name.trim_ascii());
        }
    }
    let holds = |(at, line): &(usize, &[u8])| {
        line.strip_prefix(b"#define ").is_some_and(|rest| last.get(name(rest)) == Some(at))
    };
    let mut text = Vec::with_capacity(printed.len());
    for (_, line) in lines().filter(holds) {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text
}

/// Up to a blank or a list of parameters.
fn name(definition: &[u8]) -> &[u8] {
    let end = definition.iter().position(|b| matches!(b, b' ' | b'('));
    &definition[..end.unwrap_or(definition.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_at_the_end() {
        let check = |printed: &str, expected: &str| {
            assert_eq!(String::from_utf8(macros(printed.as_bytes())).unwrap(), expected, "{printed}");
        };
        check("", "");
        check("#define A 1\n\n#define B(x) x\n@1 2\n", "#define A 1\n#define B(x) x\n");
        check("#define A 1\n#undef A\n#define AB\n#undef C\n", "#define AB\n");
        check("#define A 1\n#undef A\n#define A 2", "#define A 2\n");
        check("#define A(x) 1\n#define A(x) 2\n", "#define A(x) 2\n");
    }
}
