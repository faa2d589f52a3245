//! What a line can be told by before it is cut into tokens. Knows no directive's meaning.

use crate::lexer::is_blank;
use crate::token::in_name;

/// What the passes over text stop at.
pub(crate) const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let bytes = b"\n\r\\/\"'?";
    let mut at = 0;
    while at < bytes.len() {
        special[bytes[at] as usize] = true;
        at += 1;
    }
    special
};

/// Whether the directive so far is only the word before the name of a file.
pub(crate) fn names_file(clean: &[u8]) -> bool {
    matches!(clean.trim_ascii(), b"include" | b"include_next" | b"import" | b"embed")
}

pub(crate) fn awaits_header_name(clean: &[u8]) -> bool {
    let probes = |clean: &[u8]| {
        let name = clean.trim_ascii_end().strip_suffix(b"(").map(<[u8]>::trim_ascii_end);
        name.is_some_and(|name| {
            [&b"__has_include"[..], b"__has_include_next", b"__has_embed"]
                .iter()
                .any(|probe| name.ends_with(probe))
        })
    };
    names_file(clean) || probes(clean)
}

/// Whether a declaration of C++20's modules may begin here.
pub(crate) fn begins_module_line(line: &[u8]) -> bool {
    let line = match line.strip_prefix(b"export") {
        Some(rest) if rest.first().is_some_and(|byte| is_blank(*byte)) => rest.trim_ascii_start(),
        _ => line,
    };
    let (rest, openers): (_, &[u8]) = if let Some(rest) = line.strip_prefix(b"import") {
        (rest, b"<\":")
    } else if let Some(rest) = line.strip_prefix(b"module") {
        (rest, b";:")
    } else {
        return false;
    };
    let next = rest.trim_ascii_start();
    let Some(&first) = next.first() else { return false };
    let names = in_name(first) && next.len() < rest.len();
    names || (openers.contains(&first) && !next.starts_with(b"::"))
}
