//! A file as the list of its directives. Knows no macro's value and no other file.

use crate::alarm::{Alarms, alarms};
use crate::definition::{Definition, Named, definition, first_name};
use crate::dialect::{ASSEMBLER, Dialect};
use crate::lexer::Lexer;
use crate::lines::{Line, Lines};
use crate::pragma::{Pragma, pragma};
use crate::splice::without_trigraphs;
use crate::symbol::{LAST_BUILTIN, Symbol, Symbols};
use crate::token::{Kind, Token};

/// What a file's directives say; the text between them is nothing.
pub struct Directives {
    pub(crate) list: Box<[Directive]>,
    /// The line of each directive; 0 where it goes over several lines.
    pub(crate) lines: Box<[u32]>,
    pub(crate) tokens: Box<[Token]>,
    pub(crate) definitions: Box<[Definition]>,
    /// The bodies of the definitions, one after the other.
    pub(crate) bodies: Box<[u8]>,
    /// The macro that, once defined, leaves nothing of the file.
    pub(crate) guard: Option<Symbol>,
    pub(crate) alarms: Alarms,
    /// Of the file's bytes and their number: what gcc compares for `#pragma once`.
    pub(crate) content: u64,
    pub(crate) dialect: Dialect,
    sensitive: u8,
}

/// One directive. `next` is the place of the next one of the same conditional, or the list's length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Directive {
    If {
        condition: Tokens,
        next: u32,
    },
    IfDefined {
        name: Symbol,
        negated: bool,
        next: u32,
    },
    Elif {
        condition: Tokens,
        next: u32,
    },
    ElifDefined {
        name: Symbol,
        negated: bool,
        next: u32,
    },
    Else {
        next: u32,
    },
    Endif,
    Define(u32),
    Undefine(Symbol),
    Include {
        how: How,
        angle: bool,
        name: Symbol,
    },
    IncludeComputed {
        how: How,
        tokens: Tokens,
    },
    /// `#pragma once`.
    Once,
    /// `#pragma push_macro`.
    Push(Symbol),
    /// `#pragma pop_macro`.
    Pop(Symbol),
    /// `#line` and `# 1 "file"`: names and numbers of lines are not followed further.
    Line,
    Error,
    /// The compiler says an error here, or reads what the scanner does not know.
    Broken(&'static str),
}

/// Which word includes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    Include,
    Next,
    Import,
}

/// A range of a file's tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tokens {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Directives {
    /// The directives of a file's bytes. Never fails: what is odd is said when a walk reaches it.
    pub fn parse(text: &[u8], dialect: Dialect, symbols: &Symbols) -> Directives {
        let plain = if dialect.trigraphs { without_trigraphs(text) } else { None };
        let text_read = plain.as_deref().unwrap_or(text);
        let sought = alarms(text_read);
        let mut lines = Lines::new(text_read, dialect, sought.any());
        let mut list = List::new(symbols, dialect);
        while let Some(line) = lines.next() {
            list.add(&line);
        }
        let findings = lines.findings;
        let mut alarms = sought.outside(&findings.silent);
        alarms.modules = findings.declares_modules;
        alarms.lone_return = findings.lone_return;
        alarms.broken_raw_string = findings.broken_raw_string;
        list.close();
        let trigraphs = if plain.is_some() { crate::dialect::TRIGRAPHS } else { 0 };
        Directives {
            guard: list.guard(),
            list: list.list.into(),
            lines: list.lines.into(),
            tokens: list.tokens.into(),
            definitions: list.definitions.into(),
            bodies: list.bodies.into(),
            alarms,
            content: content_of(text),
            dialect,
            sensitive: findings.sensitive | list.sensitive | trigraphs,
        }
    }

    /// Whether another dialect would have read the same: then one parse serves both.
    pub fn suits(&self, dialect: Dialect) -> bool {
        (self.dialect.cuts() ^ dialect.cuts()) & self.sensitive == 0
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        size_of::<Directives>()
            + size_of_val(&*self.list)
            + size_of_val(&*self.lines)
            + size_of_val(&*self.tokens)
            + size_of_val(&*self.definitions)
            + self.bodies.len()
            + self.definitions.iter().map(Definition::memory).sum::<usize>()
    }

    pub(crate) fn tokens(&self, range: Tokens) -> &[Token] {
        &self.tokens[range.start as usize..range.end as usize]
    }
}

fn content_of(text: &[u8]) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = rustc_hash::FxBuildHasher.build_hasher();
    hasher.write(text);
    hasher.write_usize(text.len());
    hasher.finish()
}

/// The list while it is made.
struct List<'a> {
    symbols: &'a Symbols,
    dialect: Dialect,
    list: Vec<Directive>,
    lines: Vec<u32>,
    tokens: Vec<Token>,
    definitions: Vec<Definition>,
    bodies: Vec<u8>,
    /// The last directive so far of each open conditional.
    open: Vec<usize>,
    sensitive: u8,
}

impl<'a> List<'a> {
    fn new(symbols: &'a Symbols, dialect: Dialect) -> List<'a> {
        List {
            symbols,
            dialect,
            list: Vec::new(),
            lines: Vec::new(),
            tokens: Vec::new(),
            definitions: Vec::new(),
            bodies: Vec::new(),
            open: Vec::new(),
            sensitive: 0,
        }
    }

    fn add(&mut self, line: &Line<'_>) {
        if line.text.contains(&b'$') {
            self.sensitive |= ASSEMBLER;
        }
        let mut lexer = Lexer::new(line.text, self.symbols, self.dialect);
        lexer.skip_blanks();
        let (word, rest) = first_word(lexer.rest());
        if let Some(directive) = self.directive(word, rest) {
            self.push(directive, if line.spliced { 0 } else { line.number });
        }
    }

    /// What the line says; nothing for what has no say in which files are read.
    fn directive(&mut self, word: &[u8], rest: &[u8]) -> Option<Directive> {
        let next = u32::MAX;
        let unnamed = Directive::Broken("a directive without its macro's name");
        Some(match word {
            b"if" => Directive::If { condition: self.condition(rest), next },
            b"ifdef" | b"ifndef" => match first_name(rest, self.symbols, self.dialect) {
                Some(name) => Directive::IfDefined { name, negated: word == b"ifndef", next },
                // Nesting is kept; a condition without tokens cannot be evaluated.
                None => Directive::If { condition: self.condition(b""), next },
            },
            b"elif" => Directive::Elif { condition: self.condition(rest), next },
            b"elifdef" | b"elifndef" => match first_name(rest, self.symbols, self.dialect) {
                Some(name) => Directive::ElifDefined { name, negated: word == b"elifndef", next },
                None => Directive::Elif { condition: self.condition(b""), next },
            },
            b"else" => Directive::Else { next },
            b"endif" => Directive::Endif,
            b"define" => match definition(rest, self.symbols, self.dialect) {
                Some(named) => self.define(named),
                None => Directive::Broken("a #define that is none"),
            },
            b"undef" => first_name(rest, self.symbols, self.dialect).map_or(unnamed, Directive::Undefine),
            b"include" => self.include(How::Include, rest),
            b"include_next" => self.include(How::Next, rest),
            b"import" => self.include(How::Import, rest),
            b"__include_macros" => Directive::Broken("#__include_macros"),
            b"embed" => Directive::Broken("#embed"),
            b"pragma" => match pragma(rest, self.symbols, self.dialect)? {
                Pragma::Once => Directive::Once,
                Pragma::Push(name) => Directive::Push(name),
                Pragma::Pop(name) => Directive::Pop(name),
                Pragma::Unknown(what) => Directive::Broken(what),
                Pragma::Poison(names) => {
                    names.iter().for_each(|name| self.push(Directive::Undefine(*name), 0));
                    return None;
                }
            },
            b"error" => Directive::Error,
            b"line" => Directive::Line,
            b"" if !self.dialect.assembler && rest.first().is_some_and(u8::is_ascii_digit) => Directive::Line,
            _ => return None,
        })
    }

    fn condition(&mut self, rest: &[u8]) -> Tokens {
        let start = self.tokens.len();
        Lexer::new(rest, self.symbols, self.dialect).condition(&mut self.tokens);
        self.tokens_from(start)
    }

    fn tokens_from(&self, start: usize) -> Tokens {
        let number = |place: usize| u32::try_from(place).expect("a file has fewer than 2^32 tokens");
        Tokens { start: number(start), end: number(self.tokens.len()) }
    }

    fn define(&mut self, named: Named<'_>) -> Directive {
        let number = |place: usize| u32::try_from(place).expect("a file has fewer than 2^32 bytes");
        let start = number(self.bodies.len());
        self.bodies.extend_from_slice(named.body);
        let end = number(self.bodies.len());
        self.definitions.push(Definition::new(named, start..end));
        Directive::Define(number(self.definitions.len() - 1))
    }

    fn include(&mut self, how: How, rest: &[u8]) -> Directive {
        let name = rest.trim_ascii_start();
        for (open, close) in [(b'<', b'>'), (b'"', b'"')] {
            let end = memchr::memchr(close, name.get(1..).unwrap_or_default());
            if let (Some(end), true) = (end, name.first() == Some(&open)) {
                let name = self.symbols.intern(&name[1..=end]);
                return Directive::Include { how, angle: open == b'<', name };
            }
        }
        Directive::IncludeComputed { how, tokens: self.condition(rest) }
    }

    fn push(&mut self, directive: Directive, line: u32) {
        let place = self.list.len();
        match directive {
            Directive::If { .. } | Directive::IfDefined { .. } => self.open.push(place),
            Directive::Elif { .. } | Directive::ElifDefined { .. } | Directive::Else { .. } => {
                let Some(last) = self.open.last_mut() else {
                    return self.push(Directive::Broken("a conditional that was not begun"), line);
                };
                let before = std::mem::replace(last, place);
                lead(&mut self.list[before], place);
            }
            Directive::Endif => match self.open.pop() {
                Some(before) => lead(&mut self.list[before], place),
                None => return self.push(Directive::Broken("an #endif without its #if"), line),
            },
            _ => {}
        }
        self.list.push(directive);
        self.lines.push(line);
    }

    /// Conditionals that are never ended lead to the end of the file.
    fn close(&mut self) {
        let end = self.list.len();
        for place in std::mem::take(&mut self.open) {
            lead(&mut self.list[place], end);
        }
    }

    /// The macro of `#ifndef X` (or `#if !defined X`) that ends with the file's last directive.
    fn guard(&self) -> Option<Symbol> {
        let (name, next) = match *self.list.first()? {
            Directive::IfDefined { name, negated: true, next } => (name, next),
            Directive::If { condition, next } => {
                let range = condition.start as usize..condition.end as usize;
                (undefined_name(&self.tokens[range])?, next)
            }
            _ => return None,
        };
        (next as usize + 1 == self.list.len()
            && self.list[next as usize] == Directive::Endif
            && name > LAST_BUILTIN)
            .then_some(name)
    }
}

/// The name in `!defined X` or `!defined(X)`.
fn undefined_name(tokens: &[Token]) -> Option<Symbol> {
    let defined = |token: &Token| token.symbol == crate::symbol::DEFINED;
    match tokens {
        [not, word, name] if not.kind == Kind::Not && defined(word) && name.kind == Kind::Name => {
            Some(name.symbol)
        }
        [not, word, open, name, close]
            if not.kind == Kind::Not
                && defined(word)
                && open.kind == Kind::Open
                && name.kind == Kind::Name
                && close.kind == Kind::Close =>
        {
            Some(name.symbol)
        }
        _ => None,
    }
}

fn lead(directive: &mut Directive, to: usize) {
    let to = u32::try_from(to).expect("a file has fewer than 2^32 directives");
    match directive {
        Directive::If { next, .. }
        | Directive::IfDefined { next, .. }
        | Directive::Elif { next, .. }
        | Directive::ElifDefined { next, .. }
        | Directive::Else { next } => *next = to,
        _ => unreachable!("only conditionals are kept open"),
    }
}

/// A directive's word (letters and `_`) and what follows.
fn first_word(line: &[u8]) -> (&[u8], &[u8]) {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let starts = line.first().is_some_and(|byte| word(byte) && !byte.is_ascii_digit());
    let length = if starts { line.iter().position(|byte| !word(byte)).unwrap_or(line.len()) } else { 0 };
    line.split_at(length)
}
