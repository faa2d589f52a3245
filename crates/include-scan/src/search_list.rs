//! What a compiler prints with -v about where it looks for headers; asks nobody.

/// The directories as the compiler spells them, in the order in which it looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SearchList {
    /// For `#include "x"` only, after the directory of the including file.
    pub(crate) quote: Vec<Vec<u8>>,
    /// For both forms.
    pub(crate) angle: Vec<Vec<u8>>,
    /// Left out because they are not there.
    pub(crate) missing: Vec<Vec<u8>>,
    /// Left out because another name in the list leads to them.
    pub(crate) duplicate: Vec<Vec<u8>>,
}

const QUOTE_BEGIN: &[u8] = b"#include \"...\" search starts here:";
const ANGLE_BEGIN: &[u8] = b"#include <...> search starts here:";
const END: &[u8] = b"End of search list.";
const MISSING: &[u8] = b"ignoring nonexistent directory \"";
const DUPLICATE: &[u8] = b"ignoring duplicate directory \"";

impl SearchList {
    /// None where there is no list, or one with frameworks or header maps in it.
    pub(crate) fn parse(printed: &[u8]) -> Option<SearchList> {
        let mut list = SearchList::default();
        let mut lines = printed.split(|b| *b == b'\n');
        for line in lines.by_ref().take_while(|line| *line != QUOTE_BEGIN) {
            let quoted = |words| line.strip_prefix(words)?.strip_suffix(b"\"").map(<[u8]>::to_vec);
            list.missing.extend(quoted(MISSING));
            list.duplicate.extend(quoted(DUPLICATE));
        }
        let mut into = &mut list.quote;
        for line in lines {
            match line {
                ANGLE_BEGIN => into = &mut list.angle,
                END => return Some(list),
                [b' ', directory @ ..] if !is_special(directory) => into.push(directory.to_vec()),
                _ => return None,
            }
        }
        None
    }

    /// Every directory that the compiler has looked for, with whether it was there.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let there = self
            .quote
            .iter()
            .chain(&self.angle)
            .chain(&self.duplicate)
            .map(|directory| (directory.as_slice(), true));
        there.chain(self.missing.iter().map(|directory| (directory.as_slice(), false)))
    }
}

fn is_special(directory: &[u8]) -> bool {
    directory.ends_with(b" (framework directory)") || directory.ends_with(b" (headermap)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(printed: &str, expected: Option<[&[&str]; 4]>) {
        let list = SearchList::parse(printed.as_bytes());
        let expected = expected.map(|lists| {
            let [quote, angle, missing, duplicate] =
                lists.map(|list| list.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>());
            SearchList { quote, angle, missing, duplicate }
        });
        assert_eq!(list, expected, "{printed}");
    }

    #[test]
    fn the_list_is_read_with_what_is_not_there() {
        check(
            "Using built-in specs.\nignoring nonexistent directory \"a b\"\nignoring duplicate directory \".\"\n\
             #include \"...\" search starts here:\n q\n#include <...> search starts here:\n . \n a  b\n /usr/include\n\
             End of search list.\nCOMPILER_PATH=x\n",
            Some([&["q"], &[". ", "a  b", "/usr/include"], &["a b"], &["."]]),
        );
        check(
            "#include \"...\" search starts here:\n#include <...> search starts here:\nEnd of search list.\n",
            Some([&[], &[], &[], &[]]),
        );
    }

    #[test]
    fn half_lists_and_maps_are_none() {
        check("", None);
        check(
            "#include \"...\" search starts here:\n#include <...> search starts here:\n /usr/include\n",
            None,
        );
        check(
            "#include \"...\" search starts here:\n#include <...> search starts here:\n x (headermap)\nEnd of search list.\n",
            None,
        );
    }
}
