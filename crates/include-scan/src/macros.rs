//! Macros expanded as both compilers do it: one token at a time, a macro within itself left alone. Knows no directive.

use std::sync::Arc;

use crate::argument::{Argument, drop_pasted_comma, follows_comma, option_close, pastes, put};
use crate::definition::Parameters;
use crate::directive::{Directives, Tokens};
use crate::not_covered::NotCovered;
use crate::paste::{paste_all, stringified};
use crate::symbol::{
    BASE_FILE, COUNTER, DATE, FILE, FILE_NAME, FIRST_BUILTIN, INCLUDE_LEVEL, LAST_BUILTIN, LINE, MS_PRAGMA,
    PRAGMA, Symbol, Symbols, TIME, TIMESTAMP,
};
use crate::table::{Meaning, Place, Table};
use crate::token::{Kind, PAINTED, PASTES, Token};

/// Why an expression has no value here.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It may be true or false; the compiler might see an error.
    Doubt(&'static str),
    NotCovered(NotCovered),
}

impl From<NotCovered> for Trouble {
    fn from(reason: NotCovered) -> Trouble {
        Trouble::NotCovered(reason)
    }
}

/// Where the expanded directive stands.
#[derive(Clone, Copy, Default)]
pub(crate) struct Here {
    /// 0: not known.
    pub(crate) line: u32,
    pub(crate) level: u32,
    /// `__FILE__` with its quotes, where it is known.
    pub(crate) file: Option<Symbol>,
    /// `__BASE_FILE__`, likewise.
    pub(crate) base_file: Option<Symbol>,
}

/// The macros in force and the expansion under way.
pub(crate) struct Macros<'w> {
    pub(crate) symbols: &'w Symbols,
    pub(crate) table: &'w mut Table,
    /// The files walked so far: a [`Place`] counts in them.
    pub(crate) files: Vec<Arc<Directives>>,
    pub(crate) here: Here,
    /// `, ## __VA_ARGS__` without arguments keeps its comma where there is no other parameter.
    pub(crate) keeps_comma: bool,
    contexts: Vec<Context>,
    spare: Vec<Vec<Token>>,
    steps: u64,
    depth: u32,
}

/// Tokens still to be read before those of the context below.
struct Context {
    tokens: Vec<Token>,
    at: usize,
    /// The macro they are the body of: it is left alone meanwhile.
    of: Option<Symbol>,
    /// The end of an argument or of the directive: nothing behind it is read.
    barrier: bool,
}

/// No unit of any known project takes a hundredth of it.
const MOST_STEPS: u64 = 10_000_000;
/// Calls within the arguments of calls.
const MOST_DEPTH: u32 = 400;
/// Contexts at once, and tokens in one body or argument.
const MOST_CONTEXTS: usize = 100_000;
const MOST_TOKENS: usize = 4_000_000;

impl<'w> Macros<'w> {
    pub(crate) fn new(symbols: &'w Symbols, table: &'w mut Table) -> Macros<'w> {
        Macros {
            symbols,
            table,
            files: Vec::new(),
            here: Here::default(),
            keeps_comma: false,
            contexts: Vec::new(),
            spare: Vec::new(),
            steps: 0,
            depth: 0,
        }
    }

    /// Begins to read a directive's tokens.
    pub(crate) fn begin(&mut self, file: u32, tokens: Tokens, here: Here) {
        while let Some(context) = self.contexts.pop() {
            self.spare.push(context.tokens);
        }
        self.depth = 0;
        self.here = here;
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(self.files[file as usize].tokens(tokens));
        self.contexts.push(Context { tokens: copy, at: 0, of: None, barrier: true });
    }

    /// The next token, unexpanded; [`Kind::End`] for ever at the end.
    pub(crate) fn next_raw(&mut self) -> Result<Token, Trouble> {
        self.step(1)?;
        while let Some(context) = self.contexts.last_mut() {
            if let Some(token) = context.tokens.get(context.at) {
                context.at += 1;
                return Ok(*token);
            }
            if context.barrier {
                break;
            }
            self.leave();
        }
        Ok(Token::END)
    }

    /// The next token with all macros expanded; the compiler's own questions (`__has_include`) stay names.
    pub(crate) fn next(&mut self) -> Result<Token, Trouble> {
        loop {
            let token = self.next_raw()?;
            if token.kind != Kind::Name || token.has(PAINTED) {
                return Ok(token);
            }
            match self.table.get(token.symbol) {
                Meaning::Undefined if (FIRST_BUILTIN..=LAST_BUILTIN).contains(&token.symbol) => {
                    return self.builtin(token);
                }
                Meaning::Undefined => return Ok(token),
                Meaning::Doubtful => return Err(Trouble::Doubt("a macro that may be one thing or another")),
                Meaning::Defined(place) => {
                    // Each is asked: a chain of macros must not take the square of its length.
                    self.step(self.contexts.len() / 16)?;
                    if self.contexts.iter().any(|context| context.of == Some(token.symbol)) {
                        return Ok(token.with(PAINTED));
                    }
                    if !self.enter(token, place)? {
                        return Ok(token);
                    }
                }
            }
        }
    }

    fn step(&mut self, count: usize) -> Result<(), Trouble> {
        self.steps += count as u64;
        if self.steps > MOST_STEPS || count > MOST_TOKENS || self.contexts.len() > MOST_CONTEXTS {
            return Err(NotCovered::new("too-much", "its macros expand to too much").into());
        }
        Ok(())
    }

    fn leave(&mut self) {
        let Some(context) = self.contexts.pop() else { return };
        if self.spare.len() < 64 {
            self.spare.push(context.tokens);
        }
    }

    fn push(&mut self, tokens: Vec<Token>, of: Option<Symbol>, barrier: bool) {
        self.contexts.push(Context { tokens, at: 0, of, barrier });
    }

    fn fresh(&mut self) -> Vec<Token> {
        let mut tokens = self.spare.pop().unwrap_or_default();
        tokens.clear();
        tokens
    }

    /// Puts the macro's replacement before what is still to be read; false: a name without its arguments.
    fn enter(&mut self, name: Token, place: Place) -> Result<bool, Trouble> {
        let file = self.files[place.file as usize].clone();
        let definition = &file.definitions[place.index as usize];
        let body = definition
            .tokens(&file.bodies, self.symbols, file.dialect)
            .ok_or(Trouble::Doubt("a macro whose # or ## stands wrongly"))?;
        self.step(body.len())?;
        let mut replacement = self.fresh();
        match &definition.parameters {
            None => replacement.extend_from_slice(body),
            Some(parameters) => {
                if !self.opens_call()? {
                    return Ok(false);
                }
                let arguments = self.arguments(parameters)?;
                self.depth += 1;
                if self.depth > MOST_DEPTH {
                    return Err(NotCovered::new("too-deep", "its macro calls are nested too deeply").into());
                }
                self.replace(body, parameters, arguments, &mut replacement)?;
                self.depth -= 1;
            }
        }
        if pastes(body) {
            paste_all(&mut replacement, self.symbols, file.dialect)?;
        }
        self.push(replacement, Some(name.symbol), false);
        Ok(true)
    }

    fn opens_call(&mut self) -> Result<bool, Trouble> {
        let token = self.next_raw()?;
        match token.kind {
            Kind::Open => return Ok(true),
            Kind::End => {}
            _ => {
                let mut back = self.fresh();
                back.push(token);
                self.push(back, None, false);
            }
        }
        Ok(false)
    }

    /// The arguments up to the closing parenthesis, one for each parameter.
    fn arguments(&mut self, parameters: &Parameters) -> Result<Vec<Argument>, Trouble> {
        let most = parameters.names.len();
        let mut arguments = vec![Argument::default()];
        let mut open = 0;
        loop {
            let token = self.next_raw()?;
            match token.kind {
                Kind::End => return Err(Trouble::Doubt("a macro call without its end")),
                Kind::Close if open == 0 => break,
                Kind::Comma if open == 0 && !(parameters.variadic && arguments.len() == most) => {
                    arguments.push(Argument::default());
                    continue;
                }
                Kind::Open => open += 1,
                Kind::Close => open -= 1,
                _ => {}
            }
            if let Some(last) = arguments.last_mut() {
                last.raw.push(token);
            }
        }
        let none = arguments.len() == 1 && arguments[0].raw.is_empty();
        if parameters.variadic && (arguments.len() + 1 == most || (most == 1 && none)) {
            arguments.resize_with(most, Argument::default);
            arguments[most - 1].omitted = most > 1 || !self.keeps_comma;
        }
        if none && most == 0 {
            arguments.clear();
        }
        if arguments.len() != most {
            return Err(Trouble::Doubt("a macro call with too many or too few arguments"));
        }
        Ok(arguments)
    }

    /// The body with its parameters replaced.
    fn replace(
        &mut self,
        body: &[Token],
        parameters: &Parameters,
        mut arguments: Vec<Argument>,
        out: &mut Vec<Token>,
    ) -> Result<(), Trouble> {
        let mut option_end = None;
        let mut place = 0;
        while let Some(token) = body.get(place).copied() {
            let after_paste = place > 0 && body[place - 1].has(PASTES);
            match token.kind {
                Kind::Stringify => {
                    let symbol = stringified(&arguments[token.symbol.0 as usize].raw, self.symbols)?;
                    out.push(Token { kind: Kind::Text, flags: token.flags, symbol });
                }
                Kind::Parameter => {
                    let argument = &mut arguments[token.symbol.0 as usize];
                    let last = token.symbol.0 as usize + 1 == parameters.names.len();
                    if after_paste && last && parameters.variadic && follows_comma(body, place, out) {
                        drop_pasted_comma(argument.omitted, out);
                    }
                    if !after_paste && !token.has(PASTES) {
                        self.expand(argument)?;
                    }
                    put(argument, token, after_paste, out);
                }
                Kind::VaOpt => {
                    let end = option_close(body, place)
                        .ok_or(Trouble::Doubt("__VA_OPT__ without its parentheses"))?;
                    let rest = arguments.last_mut().ok_or(Trouble::Doubt("__VA_OPT__ without arguments"))?;
                    self.expand(rest)?;
                    let empty = rest.expanded.as_ref().is_none_or(Vec::is_empty);
                    place = if empty { end } else { place + 1 };
                    option_end = if empty { None } else { Some(end) };
                    if empty {
                        out.push(Token { kind: Kind::Placemarker, flags: body[end].flags & PASTES, ..token });
                    }
                }
                Kind::Close if option_end == Some(place) => {
                    option_end = None;
                    if let Some(before) = out.last_mut() {
                        before.flags |= token.flags & PASTES;
                    }
                }
                _ => out.push(token),
            }
            place += 1;
            self.step(out.len() / 1024)?;
        }
        if !pastes(body) {
            out.retain(|token| token.kind != Kind::Placemarker);
        }
        Ok(())
    }

    /// The argument as it stands alone, all macros expanded; once for all its places.
    fn expand(&mut self, argument: &mut Argument) -> Result<(), Trouble> {
        if argument.expanded.is_some() {
            return Ok(());
        }
        let mut expanded = Vec::with_capacity(argument.raw.len());
        if argument.raw.iter().all(|token| token.kind != Kind::Name) {
            expanded.extend_from_slice(&argument.raw);
        } else {
            let mut raw = self.fresh();
            raw.extend_from_slice(&argument.raw);
            self.push(raw, None, true);
            loop {
                let token = self.next()?;
                if token.kind == Kind::End {
                    break;
                }
                expanded.push(token);
            }
            self.leave();
        }
        self.step(expanded.len())?;
        argument.expanded = Some(expanded);
        Ok(())
    }

    fn builtin(&mut self, token: Token) -> Result<Token, Trouble> {
        let number = |value: u32| {
            let symbol = self.symbols.intern(value.to_string().as_bytes());
            Ok(Token { kind: Kind::Number, symbol, ..token })
        };
        let text = |name: Option<Symbol>| match name {
            Some(symbol) => Ok(Token { kind: Kind::Text, symbol, ..token }),
            None => Err(Trouble::Doubt("the name of a file in a condition, or after #line")),
        };
        match token.symbol {
            LINE if self.here.line > 0 => number(self.here.line),
            INCLUDE_LEVEL => number(self.here.level),
            FILE => text(self.here.file),
            BASE_FILE => text(self.here.base_file),
            LINE => Err(Trouble::Doubt("__LINE__ after #line or over several lines")),
            COUNTER => Err(Trouble::Doubt("__COUNTER__ counts in the text, too")),
            DATE | TIME | TIMESTAMP => Err(NotCovered::new("date", "the time in a directive").into()),
            FILE_NAME | PRAGMA | MS_PRAGMA => Err(Trouble::Doubt("a rare name in a directive")),
            _ => Ok(token),
        }
    }
}
