//! The bytes between the tokens of a grammar: what it skips as blank may be part of a word to bash. Knows no assignment's value.

use tree_sitter::Node;

use crate::outline::Outline;

/// Nodes whose inside is text, whatever it looks like.
const WHOLE: &[&str] =
    &["string", "raw_string", "ansi_c_string", "translated_string", "comment", "heredoc_body", "word"];
/// Statements that a carriage return at the end of their line does not break: it joins the last word.
const SIMPLE: &[&str] =
    &["comment", "command", "variable_assignment", "variable_assignments", "declaration_command", ";", "&"];

/// Marks the first place where bash reads on differently.
pub(crate) fn check(text: &[u8], root: Node, outline: &mut Outline) {
    let mut gaps = Gaps { text, end: 0, before: None, outline };
    let mut cursor = root.walk();
    let (mut statement, mut after_array) = (None, false);
    loop {
        let node = cursor.node();
        if cursor.depth() == 1 {
            statement = Some(node);
        }
        if !WHOLE.contains(&node.kind()) && cursor.goto_first_child() {
            continue;
        }
        gaps.until(node.start_byte(), statement, node);
        let joined = node.start_byte().checked_sub(1).is_some_and(|at| !b" \t\n;&|(<>".contains(&text[at]));
        let split = text.get(node.start_byte()).is_none_or(|byte| b";&|)<>\n`".contains(byte));
        if after_array && gaps.end == node.start_byte() && !split {
            gaps.outline.blind_from(
                statement.map_or(0, |statement| statement.start_byte()),
                "a word joins an array here",
            );
        }
        after_array = node.kind() == ")" && is_part(node, &["array"]);
        if node.kind() == "comment" && joined {
            gaps.outline.blind_from(node.start_byte(), "a # inside a word begins no comment");
        }
        if opens_nothing(node) {
            gaps.outline.blind_from(node.start_byte(), "no command follows here, which is an error to bash");
        }
        gaps.end = gaps.end.max(node.end_byte());
        gaps.before = statement;
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return gaps.until(text.len(), None, root);
            }
        }
    }
}

/// Whether this begins a body that has no command in it, which the grammar takes.
fn opens_nothing(token: Node) -> bool {
    let begins = matches!(token.kind(), "{" | "then" | "do" | "else")
        || token.kind() == "(" && is_part(token, &["subshell"]);
    let mut next = token.next_sibling();
    while let Some(comment) = next.filter(|next| next.kind() == "comment") {
        next = comment.next_sibling();
    }
    begins && next.is_none_or(|next| !next.is_named() || matches!(next.kind(), "elif_clause" | "else_clause"))
}

struct Gaps<'a, 'tree> {
    text: &'a [u8],
    /// Of the last token.
    end: usize,
    /// The statement of the last token.
    before: Option<Node<'tree>>,
    outline: &'a mut Outline,
}

impl Gaps<'_, '_> {
    fn until(&mut self, start: usize, statement: Option<Node>, token: Node) {
        let within = statement.is_some_and(|statement| Some(statement) == self.before);
        let gap = self.end.min(start)..start;
        if within
            && ends_line(&self.text[gap.clone()])
            && is_part(token, &["command", "variable_assignments", "declaration_command"])
        {
            return self.outline.blind_from(gap.start, "a command seems to go on in the next line");
        }
        for at in gap {
            let next = self.text.get(at + 1);
            let reason = match self.text[at] {
                b' ' | b'\t' | b'\n' => continue,
                b'\\' if next == Some(&b'\n') && !joins(self.text, at) => continue,
                b'\r' if next == Some(&b'\n') && self.ends_line(within, token) => continue,
                b'\r' => "a carriage return stands in a command; remove it, as in sed -i 's/\\r$//' FILE",
                b'\\' => "a backslash joins words here",
                _ => "a character that is no blank to bash stands between words",
            };
            let from = self.before.map_or(at, |before| before.start_byte());
            return self.outline.blind_from(from, reason);
        }
    }

    /// Whether a carriage return at the end of a line here only makes a word longer.
    fn ends_line(&self, within: bool, token: Node) -> bool {
        match self.before {
            Some(before) if !SIMPLE.contains(&before.kind()) => false,
            _ if within => is_part(token, &["array"]),
            _ => true,
        }
    }
}

/// Whether a line ends in these blanks, and does not just go on in the next.
pub(crate) fn ends_line(gap: &[u8]) -> bool {
    let newline = |(at, &byte): (usize, &u8)| byte == b'\n' && !gap[..at].ends_with(b"\\");
    gap.iter().enumerate().any(newline)
}

fn is_part(token: Node, of: &[&str]) -> bool {
    token.parent().is_some_and(|parent| of.contains(&parent.kind()))
}

/// Whether a line that ends with the backslash at `at` goes on in the middle of a word.
fn joins(text: &[u8], at: usize) -> bool {
    let ended = at.checked_sub(1).is_none_or(|before| b" \t\n;&|(<>".contains(&text[before]));
    let begins = text.get(at + 2).is_none_or(|next| b" \t\n;&|()<>".contains(next));
    !ended && !begins
}
