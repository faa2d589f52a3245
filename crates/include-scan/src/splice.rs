//! Lines that a backslash continues, the comments that may go over them, and trigraphs. Knows no directive.

use crate::lexer::is_blank;

/// The length of the backslash, blanks and newline that begin here; 0 if they do not.
pub(crate) fn splice_length(text: &[u8], at: usize) -> usize {
    if text.get(at) != Some(&b'\\') {
        return 0;
    }
    let rest = &text[at + 1..];
    match rest.iter().position(|byte| !is_blank(*byte)) {
        Some(blanks) if rest[blanks] == b'\n' => blanks + 2,
        Some(_) => 0,
        None => rest.len() + 1,
    }
}

/// The first place from here on where no splice begins.
pub(crate) fn after_splices(text: &[u8], mut at: usize) -> usize {
    loop {
        match splice_length(text, at) {
            0 => return at,
            length => at += length,
        }
    }
}

/// Where the splice begins that ends before `end`.
fn splice_before(text: &[u8], end: usize, from: usize) -> Option<usize> {
    if end <= from || text[end - 1] != b'\n' {
        return None;
    }
    let mut at = end - 1;
    while at > from && is_blank(text[at - 1]) {
        at -= 1;
    }
    (at > from && text[at - 1] == b'\\').then(|| at - 1)
}

/// Behind the end of a comment whose inside begins at `from`.
pub(crate) fn block_comment_end(text: &[u8], from: usize) -> usize {
    for slash in memchr::memchr_iter(b'/', &text[from..]) {
        let mut before = from + slash;
        while let Some(splice) = splice_before(text, before, from) {
            before = splice;
        }
        if before > from && text[before - 1] == b'*' {
            return from + slash + 1;
        }
    }
    text.len()
}

/// The place of the newline that ends the comment.
pub(crate) fn line_comment_end(text: &[u8], from: usize) -> usize {
    memchr::memchr_iter(b'\n', &text[from..])
        .map(|newline| from + newline)
        .find(|newline| splice_before(text, newline + 1, from).is_none())
        .unwrap_or(text.len())
}

/// The file with its trigraphs replaced, if it has any.
pub(crate) fn without_trigraphs(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(text, b"??")?;
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let replaced = match &text[at..] {
            [b'?', b'?', third, ..] => trigraph(*third),
            _ => None,
        };
        plain.push(replaced.unwrap_or(text[at]));
        at += if replaced.is_some() { 3 } else { 1 };
    }
    Some(plain)
}

pub(crate) fn trigraph(third: u8) -> Option<u8> {
    let place = b"=/'()!<>-".iter().position(|byte| *byte == third)?;
    Some(b"#\\^[]|{}~"[place])
}
