//! What a grammar of bash finds in a text: the assignments, and what may change a variable besides. Knows no value and no edit.

use std::ops::Range;

use tree_sitter::Node;

use crate::gaps;
use crate::outline::{Found, Hazard, Outline};
use crate::tree;

/// Deeper nesting is not looked into.
const DEEPEST: usize = 200;
/// A text longer than this is no configuration.
const LONGEST: usize = 4 << 20;

/// The grammar's scanner keeps its memory of them in a buffer of fixed size.
const MOST_HERE_DOCUMENTS: usize = 32;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What stands around an assignment that is not certain to be made, as a message says it.
const CONDITIONS: &[(&str, &str)] = &[
    ("if_statement", "an if"),
    ("case_statement", "a case"),
    ("for_statement", "a loop"),
    ("c_style_for_statement", "a loop"),
    ("while_statement", "a loop"),
    ("function_definition", "a function"),
    ("list", "a list of && or ||"),
    ("pipeline", "a pipeline"),
    ("compound_statement", "a group of commands"),
    ("negated_command", "a command after !"),
];
/// Commands that change no variable, whatever words they are given.
const HARMLESS: &[&str] = &["echo", "test", "[", ":", "true", "false"];
/// Commands whose words may name a variable that they set.
const SETTERS: &[&str] = &["read", "mapfile", "readarray", "printf", "getopts", "let", "unset", "wait"];
/// Commands that may run any text.
const RUNNERS: &[&str] = &["source", ".", "eval", "trap"];
/// Commands after which the rest of the file may not be read.
const LEAVERS: &[&str] = &["return", "exit", "exec"];

/// Words that are no commands: where the grammar takes one for a command, bash ends with an error.
const RESERVED: &[&str] = &[
    "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "select",
    "function", "{", "}", "in", "!", "[[", "]]", "time", "coproc",
];

/// Reads a whole text.
pub(crate) fn outline(text: &[u8]) -> Outline {
    let mut walk = Walk { text, outline: Outline::default(), inside: None, in_function: false };
    if text.len() > LONGEST {
        walk.outline.blind_from(0, "this is too long for a configuration");
    } else if let Some(at) = text.iter().position(|&byte| byte == 0) {
        walk.outline.blind_from(0, "this file holds a NUL byte, so it is not the text it seems to be");
        walk.outline.blind_line_of(at);
    } else if text.windows(2).filter(|two| *two == b"<<").count() > MOST_HERE_DOCUMENTS {
        walk.outline.blind_from(0, "this holds too many here-documents");
    } else if let Some(tree) = tree::of(text) {
        walk.root(tree.root_node());
    } else {
        walk.outline.blind_from(0, "the grammar of bash gave up");
    }
    walk.outline
}

struct Walk<'a> {
    text: &'a [u8],
    outline: Outline,
    /// The outermost condition around the node at hand.
    inside: Option<&'static str>,
    in_function: bool,
}

impl<'a> Walk<'a> {
    fn root(&mut self, root: Node) {
        if root.kind() != "program" {
            return self.outline.blind_from(0, "this is not bash as far as can be told");
        }
        let mut before: Option<Node> = None;
        for statement in children(root) {
            if statement.has_error() || statement.is_missing() {
                self.outline.blind_from(
                    statement.start_byte(),
                    "the syntax is broken here or beyond what can be read",
                );
            }
            let apart = |before: Node| gaps::ends_line(&self.text[before.end_byte()..statement.start_byte()]);
            if let Some(before) = before.filter(|before| before.is_named() && statement.is_named())
                && statement.kind() != "comment"
                && !apart(before)
            {
                self.outline
                    .blind_from(before.start_byte(), "two commands share a line with nothing between them");
            }
            self.statement(statement);
            before = Some(statement);
        }
        gaps::check(self.text, root, &mut self.outline);
        self.whole_lines(root);
    }

    /// Bash reads a line to its end before it runs any of it.
    fn whole_lines(&mut self, root: Node) {
        let Some(blind) = &mut self.outline.blind else { return };
        let statements: Vec<_> = children(root).map(|statement| statement.byte_range()).collect();
        for (index, statement) in statements.iter().enumerate().rev() {
            let next = statements.get(index + 1).map_or(self.text.len(), |next| next.start);
            let goes_on = next >= blind.from && !gaps::ends_line(&self.text[statement.end..next]);
            if goes_on || statement.end > blind.from {
                blind.from = blind.from.min(statement.start);
            }
        }
    }

    fn statement(&mut self, node: Node) {
        let background = node.next_sibling().is_some_and(|next| next.kind() == "&");
        match node.kind() {
            "comment" => self.outline.comments.push(node.byte_range()),
            ";" | "&" | "\n" => {}
            _ if background => self.conditionally("a background command", node),
            "variable_assignment" => self.assignment(node, &node.byte_range(), false),
            "variable_assignments" => {
                for each in children(node) {
                    self.assignment(each, &node.byte_range(), false);
                }
            }
            "declaration_command" => self.declaration(node),
            kind if !node.is_named() || kind == "ERROR" => {
                self.outline.blind_from(node.start_byte(), "the syntax is broken here");
            }
            _ => self.command(node, 0),
        }
    }

    fn conditionally(&mut self, condition: &'static str, node: Node) {
        let outside = self.inside.replace(condition);
        match node.kind() {
            "variable_assignment" => self.assignment(node, &node.byte_range(), false),
            _ => self.command(node, 0),
        }
        self.inside = outside;
    }

    /// `NAME=value` that outlives its statement.
    fn assignment(&mut self, node: Node, statement: &Range<usize>, declared: bool) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let (name_text, start) = (self.word(name), name.start_byte());
        if name.kind() != "variable_name" {
            let array = name_text.split('[').next().unwrap_or_default().to_owned();
            return self.hazard(start, &array, "one element is set by its index here");
        }
        let separate = |byte: u8| b" \t\n;&|(".contains(&byte) || byte == b')' && is_part_of_case(node);
        if !start.checked_sub(1).is_none_or(|before| separate(self.text[before])) {
            self.outline.blind_from(start, "this joins the word before it");
        }
        let operator = name.next_sibling();
        let append = operator.is_some_and(|operator| operator.kind() == "+=");
        let after = operator.map_or(name.end_byte(), |operator| operator.end_byte());
        if let Some(condition) = self.inside {
            self.hazard(start, &name_text, &format!("it is set inside {condition} here"));
        }
        let words = node.child_by_field_name("value").filter(|value| value.kind() == "array");
        let words = words.map(|array| {
            children(array)
                .filter(|word| word.is_named() && word.kind() != "comment")
                .map(|word| word.byte_range())
                .collect()
        });
        self.outline.assignments.push(Found {
            name: name_text,
            whole: start..node.end_byte(),
            append,
            conditional: self.inside,
            value: after..node.end_byte(),
            words,
            statement: statement.clone(),
            declared,
        });
        if let Some(value) = node.child_by_field_name("value") {
            self.expansions(value, 0);
        }
    }

    /// `export`, `declare` and their like.
    fn declaration(&mut self, node: Node) {
        let keyword = node.child(0).map(|keyword| self.word(keyword)).unwrap_or_default();
        let words: Vec<Node> = children(node).skip(1).collect();
        let options: String =
            words.iter().filter(|word| word.kind() == "word").map(|word| self.word(*word)).collect();
        let plain = keyword != "readonly" && options.chars().all(|letter| "-+xga".contains(letter));
        if options.contains('n') && keyword != "export" {
            let reason = format!("{keyword} gives some variable another name here");
            self.outline.hazards.push(Hazard { at: node.start_byte(), name: None, always: true, reason });
        }
        for word in words {
            match word.kind() {
                "variable_assignment" if plain => self.assignment(word, &node.byte_range(), true),
                "variable_name" if keyword == "export" => {}
                "variable_assignment" | "variable_name" => {
                    let name = self.word(word);
                    let name = name.split(['=', '+', '[']).next().unwrap_or_default();
                    self.outline.hazards.push(Hazard {
                        at: word.start_byte(),
                        name: Some(name.to_owned()),
                        always: true,
                        reason: format!("{keyword} changes what later assignments to it mean"),
                    });
                }
                "word" if self.word(word).starts_with(['-', '+']) => {}
                "comment" => {}
                _ => {
                    self.mentions(word, 0);
                    if self.word(word).contains(['$', '`']) {
                        self.outline.general(word.start_byte(), format!("{keyword} is given a name by bash"));
                    }
                }
            }
        }
    }

    /// Any statement that is no plain assignment, or a part of one.
    fn command(&mut self, node: Node, depth: usize) {
        if depth > DEEPEST {
            return self.outline.blind_from(node.start_byte(), "this is nested too deeply");
        }
        let outside = (self.inside, self.in_function);
        let condition = CONDITIONS.iter().find(|(kind, _)| *kind == node.kind());
        self.inside = self.inside.or(condition.map(|(_, condition)| *condition));
        self.in_function |= node.kind() == "function_definition";
        match node.kind() {
            "variable_assignment" => self.conditional(node),
            "declaration_command" if self.inside.is_some() => self.declaration(node),
            "command" => self.simple_command(node),
            "heredoc_redirect" => {
                self.outline.blind_from(node.start_byte(), "a here-document begins here");
            }
            "unset_command" => self.mentions(node, 0),
            "compound_statement" if self.word(node).starts_with("((") => self.mentions(node, 0),
            "c_style_for_statement" => {
                self.mentions(node, 0);
                children(node).for_each(|child| self.command(child, depth + 1));
            }
            "variable_name" => self.mentions(node, 0),
            "test_command"
            | "string"
            | "concatenation"
            | "simple_expansion"
            | "expansion"
            | "arithmetic_expansion" => {
                self.expansions(node, 0);
            }
            // What happens in these stays in a process of its own.
            "subshell" | "command_substitution" | "process_substitution" | "comment" => {}
            _ => children(node).for_each(|child| self.command(child, depth + 1)),
        }
        (self.inside, self.in_function) = outside;
    }

    fn conditional(&mut self, node: Node) {
        self.inside = self.inside.or(Some("a compound command"));
        self.assignment(node, &node.byte_range(), false);
    }

    fn simple_command(&mut self, node: Node) {
        let start = node.start_byte();
        let Some(name) = node.child_by_field_name("name") else { return };
        let name_text = self.word(name);
        let name_text = name_text.trim_start_matches('\\');
        let words = self.word(node);
        let dynamic = words.contains(['$', '`']);
        if LEAVERS.contains(&name_text) && !(self.in_function && name_text == "return") {
            self.outline.blind_from(start, &format!("{name_text} may end the file here"));
        }
        if children(node).any(|child| child.kind() == "subshell") {
            self.outline.blind_from(start, "a parenthesis stands among a command's words");
        }
        if RESERVED.contains(&name_text) {
            self.outline.blind_from(start, &format!("{name_text} stands alone here"));
        }
        let runs_text =
            RUNNERS.contains(&name_text) || (matches!(name_text, "builtin" | "command") && dynamic);
        if runs_text || name_text.is_empty() || name_text.contains(['$', '`']) {
            let what =
                if matches!(name_text, "." | "source") { "a file read here" } else { "a command run here" };
            self.outline.general(start, format!("{what} may set it"));
        } else if SETTERS.contains(&name_text) && dynamic && (name_text != "printf" || words.contains(" -v"))
        {
            self.outline.general(start, format!("{name_text} may set it"));
        }
        let harmless = HARMLESS.contains(&name_text) || (name_text == "printf" && !words.contains("-v"));
        // Assignments in front of a command end with it.
        for child in children(node).filter(|child| child.kind() != "variable_assignment") {
            if harmless { self.expansions(child, 0) } else { self.mentions(child, 0) }
        }
    }

    /// Looks for expansions that set what they name: `${NAME:=…}` and arithmetic.
    fn expansions(&mut self, node: Node, depth: usize) {
        if depth > DEEPEST {
            return self.outline.blind_from(node.start_byte(), "this is nested too deeply");
        }
        match node.kind() {
            "command_substitution" | "process_substitution" | "comment" => {}
            "arithmetic_expansion" => self.mentions(node, depth),
            "expansion" if children(node).any(|child| matches!(child.kind(), "=" | ":=")) => {
                self.mentions(node, depth);
            }
            _ => children(node).for_each(|child| self.expansions(child, depth + 1)),
        }
    }

    /// Every name below the node may be set by it.
    fn mentions(&mut self, node: Node, depth: usize) {
        if depth > DEEPEST {
            return self.outline.blind_from(node.start_byte(), "this is nested too deeply");
        }
        match node.kind() {
            "simple_expansion" | "command_substitution" | "process_substitution" | "comment" => {}
            "expansion" if !children(node).any(|child| matches!(child.kind(), "=" | ":=")) => {
                self.expansions(node, depth);
            }
            _ if node.child_count() > 0 && node.kind() != "string" => {
                children(node).for_each(|child| self.mentions(child, depth + 1));
            }
            _ => {
                let text = self.word(node);
                let names = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                let names = names.filter(|name| name.starts_with(|first: char| !first.is_ascii_digit()));
                for name in names.map(str::to_owned).collect::<Vec<_>>() {
                    self.hazard(node.start_byte(), &name, "only bash can tell whether it is changed here");
                }
            }
        }
    }

    fn hazard(&mut self, at: usize, name: &str, reason: &str) {
        let marked = at == 0 && self.text.starts_with(BYTE_ORDER_MARK);
        let reason = if marked {
            "a byte order mark stands before it, so bash does not see it; take the mark out"
        } else {
            reason
        };
        let (name, reason) = (Some(name.to_owned()), reason.to_owned());
        self.outline.hazards.push(Hazard { at, name, always: self.in_function, reason });
    }

    fn word(&self, node: Node) -> String {
        String::from_utf8_lossy(&self.text[node.byte_range()]).into_owned()
    }
}

fn is_part_of_case(node: Node) -> bool {
    node.parent().is_some_and(|parent| parent.kind() == "case_item")
}

fn children<'tree>(node: Node<'tree>) -> impl Iterator<Item = Node<'tree>> + use<'tree> {
    let mut cursor = node.walk();
    let mut more = cursor.goto_first_child();
    std::iter::from_fn(move || {
        let child = more.then(|| cursor.node())?;
        more = cursor.goto_next_sibling();
        Some(child)
    })
}
