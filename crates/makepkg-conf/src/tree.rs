//! The grammar's tree of a text, with what the grammar is known to get wrong set right. Knows no variable.

use tree_sitter::{Node, Parser, Tree};

use crate::gaps;

/// How often the grammar is asked again.
const MOST_ATTEMPTS: usize = 16;

/// `None` if the grammar gives up; offsets in the tree are those of the text.
pub(crate) fn of(text: &[u8]) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
    let mut letters = letters(text);
    for _ in 0..MOST_ATTEMPTS {
        let tree = parser.parse(&letters, None)?;
        let joined = joined_lines(text, tree.root_node());
        if joined.is_empty() {
            return Some(tree);
        }
        joined.into_iter().for_each(|at| letters[at] = b';');
    }
    None
}

/// The grammar takes a line of several assignments for the front of the command on the next line. Where such
/// lines end; each offset is that of a blank.
fn joined_lines(text: &[u8], root: Node) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        if node.kind() == "variable_assignment"
            && node.parent().is_some_and(|parent| parent.kind() == "command")
        {
            let mut next = node.next_sibling();
            while let Some(comment) = next.filter(|next| next.kind() == "comment") {
                next = comment.next_sibling();
            }
            let end = node.end_byte();
            let goes_on = next.is_some_and(|next| gaps::ends_line(&text[end..next.start_byte()]));
            ends.extend((goes_on && b" \t\r\n".contains(&text[end])).then_some(end));
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return ends;
            }
        }
    }
}

/// The same text for the grammar: any byte that is no ASCII becomes one that is a letter of words to bash, but not
/// of names. (The scanner of tree-sitter-bash 0.25 crashes on characters beyond U+FFFF.)
fn letters(text: &[u8]) -> Vec<u8> {
    let letter = |byte: &u8| if matches!(byte, b' '..=b'~' | b'\n' | b'\t' | b'\r') { *byte } else { b'.' };
    text.iter().map(letter).collect()
}
