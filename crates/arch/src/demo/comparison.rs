//! Whether two files hold the same bytes. Knows nothing of how they came about.

use std::fs;
use std::path::Path;

/// What is to be said of two files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// The same bytes, so many.
    Equal(u64),
    /// A lowercase fragment that tells how they differ.
    Different(String),
}

/// Compares a file with the one it should equal.
pub(crate) fn compare(got: &Path, expected: &Path) -> Comparison {
    match (fs::read(got), fs::read(expected)) {
        (Ok(got), Ok(expected)) if got == expected => Comparison::Equal(got.len() as u64),
        (Ok(got), Ok(expected)) => {
            let first =
                got.iter().zip(&expected).position(|(a, b)| a != b).unwrap_or(got.len().min(expected.len()));
            let (got, expected) = (got.len(), expected.len());
            Comparison::Different(format!(
                "{got} bytes against {expected}, and they differ from byte {first} on"
            ))
        }
        (Err(error), _) => Comparison::Different(format!("there is none: {error}")),
        (_, Err(error)) => Comparison::Different(format!("there is none to compare with: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_and_different() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let (abc, abd, ab) = (file("1", b"abc"), file("2", b"abd"), file("3", b"ab"));
        assert_eq!(compare(&abc, &abc), Comparison::Equal(3));
        let different =
            |a, b, expected: &str| assert_eq!(compare(a, b), Comparison::Different(expected.into()));
        different(&abc, &abd, "3 bytes against 3, and they differ from byte 2 on");
        different(&ab, &abd, "2 bytes against 3, and they differ from byte 2 on");
        let missing = folder.path().join("4");
        assert!(
            matches!(compare(&missing, &abc), Comparison::Different(how) if how.starts_with("there is none: "))
        );
    }
}
