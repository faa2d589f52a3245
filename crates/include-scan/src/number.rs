//! The values of numbers and characters in `#if`. Knows no operator.

/// A value of the widest integer type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Value {
    pub(crate) bits: i64,
    pub(crate) unsigned: bool,
}

impl Value {
    pub(crate) const ZERO: Value = Value { bits: 0, unsigned: false };

    pub(crate) fn truth(truth: bool) -> Value {
        Value { bits: i64::from(truth), unsigned: false }
    }
}

/// An integer's value; nothing for what is no integer, or too large.
pub(crate) fn integer(spelling: &[u8]) -> Option<Value> {
    let (radix, digits) = match spelling {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', b'b' | b'B', rest @ ..] => (2, rest),
        [b'0', ..] => (8, spelling),
        _ => (10, spelling),
    };
    let mut value = 0_u64;
    let mut count = 0;
    let mut rest = digits;
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'\'' {
            let Some(digit) = (byte as char).to_digit(16).filter(|digit| *digit < radix) else { break };
            value = value.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))?;
            count += 1;
        }
        rest = after;
    }
    let suffix = suffix_is_unsigned(rest)?;
    let unsigned = suffix || i64::try_from(value).is_err();
    (count > 0).then_some(Value { bits: value.cast_signed(), unsigned })
}

fn suffix_is_unsigned(suffix: &[u8]) -> Option<bool> {
    let lower = suffix.to_ascii_lowercase();
    let (unsigned, rest) = match &lower[..] {
        [b'u', rest @ ..] => (true, rest),
        [rest @ .., b'u'] => (true, rest),
        rest => (false, rest),
    };
    matches!(rest, b"" | b"l" | b"ll" | b"z").then_some(unsigned)
}

/// What a target says of characters.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Characters {
    pub(crate) unsigned_char: bool,
    pub(crate) unsigned_wide: bool,
    /// `u8'x'` is unsigned (`char8_t`).
    pub(crate) unsigned_utf8: bool,
}

/// The value of a character constant with its quotes; nothing for what is rare or wrong.
pub(crate) fn character(spelling: &[u8], characters: Characters) -> Option<Value> {
    let start = spelling.iter().position(|byte| *byte == b'\'')?;
    let (prefix, quoted) = spelling.split_at(start);
    let text = quoted.strip_prefix(b"'")?.strip_suffix(b"'")?;
    if prefix.is_empty() || prefix == b"u8" {
        return narrow(text, prefix.is_empty(), characters);
    }
    let (value, rest) = wide(text)?;
    let (width, unsigned) = match prefix {
        b"L" => (32, characters.unsigned_wide),
        b"u" => (16, true),
        _ => (32, true),
    };
    // -fshort-wchar cuts it.
    if prefix == b"L" && value > 0xffff {
        return None;
    }
    let fits = rest.is_empty() && u64::from(value) < 1 << width;
    let signed = if width == 32 && !unsigned { i64::from(value.cast_signed()) } else { i64::from(value) };
    fits.then_some(Value { bits: signed, unsigned })
}

/// One byte is a `char`, several are an `int`.
fn narrow(text: &[u8], plain: bool, characters: Characters) -> Option<Value> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if rest[0] == b'\\' {
            let (value, after) = escape(rest)?;
            bytes.push(u8::try_from(value).ok()?);
            rest = after;
        } else {
            bytes.push(rest[0]);
            rest = &rest[1..];
        }
    }
    match &bytes[..] {
        [] => None,
        [byte] if !plain => Some(Value { bits: i64::from(*byte), unsigned: characters.unsigned_utf8 }),
        [byte] if characters.unsigned_char => Some(Value { bits: i64::from(*byte), unsigned: true }),
        [byte] => Some(Value { bits: i64::from(byte.cast_signed()), unsigned: false }),
        several if several.len() <= 4 && plain => {
            let bits = several.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
            Some(Value { bits: i64::from(bits.cast_signed()), unsigned: false })
        }
        _ => None,
    }
}

fn wide(text: &[u8]) -> Option<(u32, &[u8])> {
    if text.first() == Some(&b'\\') {
        return escape(text);
    }
    let character = std::str::from_utf8(text).ok()?.chars().next()?;
    Some((character as u32, &text[character.len_utf8()..]))
}

/// The value of an escape, and what follows it. Names of universal characters are too rare.
fn escape(text: &[u8]) -> Option<(u32, &[u8])> {
    let (&letter, rest) = text[1..].split_first()?;
    let simple = match letter {
        b'n' => 10,
        b't' => 9,
        b'r' => 13,
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'v' => 11,
        b'e' | b'E' => 27,
        b'\\' | b'\'' | b'"' | b'?' => u32::from(letter),
        b'x' => return digits(rest, 16, 8),
        b'0'..=b'7' => return digits(&text[1..], 8, 3),
        _ => return None,
    };
    Some((simple, rest))
}

fn digits(text: &[u8], radix: u32, most: usize) -> Option<(u32, &[u8])> {
    let digit = |byte: u8| (byte as char).to_digit(radix);
    let count = text.iter().take(most).take_while(|byte| digit(**byte).is_some()).count();
    let value = text[..count].iter().try_fold(0_u32, |value, byte| {
        value.checked_mul(radix).and_then(|value| value.checked_add(digit(*byte)?))
    })?;
    (count > 0).then_some((value, &text[count..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        let check = |spelling: &str, expected: Option<(i64, bool)>| {
            let value = integer(spelling.as_bytes()).map(|value| (value.bits, value.unsigned));
            assert_eq!(value, expected, "{spelling}");
        };
        check("0", Some((0, false)));
        check("017L", Some((15, false)));
        check("0xFFuLL", Some((255, true)));
        check("201103L", Some((201_103, false)));
        check("0b101", Some((5, false)));
        check("1'000'000", Some((1_000_000, false)));
        check("18446744073709551615", Some((-1, true)));
        check("9223372036854775808", Some((i64::MIN, true)));
        check("18446744073709551616", None);
        check("1llu", Some((1, true)));
        check("1z", Some((1, false)));
        for wrong in ["1.0", "1e5", "08", "0x", "1lul", "1_x", "0x1p3"] {
            check(wrong, None);
        }
    }

    #[test]
    fn characters() {
        let check = |spelling: &str, expected: Option<(i64, bool)>| {
            let value = character(spelling.as_bytes(), Characters::default());
            assert_eq!(value.map(|value| (value.bits, value.unsigned)), expected, "{spelling}");
        };
        check("'a'", Some((97, false)));
        check("'\\n'", Some((10, false)));
        check("'\\0'", Some((0, false)));
        check("'\\377'", Some((-1, false)));
        check("'\\x41'", Some((65, false)));
        check("'ab'", Some((24930, false)));
        check("'\\''", Some((39, false)));
        check("L'\u{e9}'", Some((233, false)));
        check("u'a'", Some((97, true)));
        check("U'\\xffffffff'", Some((4_294_967_295, true)));
        check("u8'a'", Some((97, false)));
        check("L'\\x1ffff'", None);
        check("''", None);
        check("'\\q'", None);
    }
}
