//! What tells two compilers apart, in 32 bytes. Knows nothing of what it is made of.

use std::fmt;
use std::str::FromStr;

/// Equal for two compilers that are made of the same files; as text, 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub(crate) [u8; 32]);

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAFingerprint;

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Fingerprint, NotAFingerprint> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() {
            return Err(NotAFingerprint);
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(digits[0])? << 4 | digit(digits[1])?;
        }
        Ok(Fingerprint(bytes))
    }
}

fn digit(digit: u8) -> Result<u8, NotAFingerprint> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(NotAFingerprint),
    }
}

impl fmt::Display for NotAFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no fingerprint: 64 hexadecimal digits in lower case are one")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts() {
        let good = "0123456789abcdef".repeat(4);
        assert_eq!(good.parse::<Fingerprint>().unwrap().to_string(), good);
        for bad in ["", "-", &good[1..], &good.to_uppercase(), &format!("{good}00"), &"é".repeat(32)] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(NotAFingerprint), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn back_and_forth(bytes: [u8; 32], garbage in ".{0,70}") {
            let fingerprint = Fingerprint(bytes);
            prop_assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
            if let Ok(parsed) = garbage.parse::<Fingerprint>() {
                prop_assert_eq!(parsed.to_string(), garbage);
            }
        }
    }
}
