//! A `#define`: its name, its parameters and its body, which is cut into tokens when it is first wanted. Knows no
//! macro table.

use std::ops::Range;
use std::sync::OnceLock;

use crate::dialect::Dialect;
use crate::lexer::Lexer;
use crate::symbol::{Symbol, Symbols, VA_ARGS, VA_OPT};
use crate::token::{Kind, PASTES, SPACE, Token};

/// A macro as a file defines it.
pub(crate) struct Definition {
    pub(crate) name: Symbol,
    pub(crate) parameters: Option<Box<Parameters>>,
    body: Range<u32>,
    tokens: OnceLock<Option<Box<[Token]>>>,
}

/// Parameters of a macro that is called like a function.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Parameters {
    pub(crate) names: Box<[Symbol]>,
    /// The last one takes all arguments that are left.
    pub(crate) variadic: bool,
}

/// A definition's line, taken apart.
pub(crate) struct Named<'a> {
    name: Symbol,
    parameters: Option<Parameters>,
    pub(crate) body: &'a [u8],
}

/// The first name of a line, as `#ifdef` and `#undef` take it.
pub(crate) fn first_name(line: &[u8], symbols: &Symbols, dialect: Dialect) -> Option<Symbol> {
    let token = Lexer::new(line, symbols, dialect).next();
    (token.kind == Kind::Name).then_some(token.symbol)
}

/// What follows `#define`; nothing where the compiler sees an error.
pub(crate) fn definition<'a>(line: &'a [u8], symbols: &'a Symbols, dialect: Dialect) -> Option<Named<'a>> {
    let mut lexer = Lexer::new(line, symbols, dialect);
    let name = lexer.next();
    if name.kind != Kind::Name || name.symbol == crate::symbol::DEFINED {
        return None;
    }
    let mut parameters = None;
    if lexer.rest().first() == Some(&b'(') {
        lexer.next();
        parameters = Some(self::parameters(&mut lexer)?);
    }
    let body = lexer.rest().trim_ascii();
    Some(Named { name: name.symbol, parameters, body })
}

/// Up to the closing parenthesis.
fn parameters(lexer: &mut Lexer<'_>) -> Option<Parameters> {
    let mut names = Vec::new();
    loop {
        let token = lexer.next();
        match token.kind {
            Kind::Close if names.is_empty() => return Some(Parameters { names: [].into(), variadic: false }),
            Kind::Ellipsis => {
                names.push(VA_ARGS);
                let closes = lexer.next().kind == Kind::Close;
                return closes.then(|| Parameters { names: names.into(), variadic: true });
            }
            Kind::Name if !names.contains(&token.symbol) => names.push(token.symbol),
            _ => return None,
        }
        match lexer.next().kind {
            Kind::Comma => {}
            Kind::Close => return Some(Parameters { names: names.into(), variadic: false }),
            Kind::Ellipsis => {
                let closes = lexer.next().kind == Kind::Close;
                return closes.then(|| Parameters { names: names.into(), variadic: true });
            }
            _ => return None,
        }
    }
}

impl Definition {
    pub(crate) fn new(named: Named<'_>, body: Range<u32>) -> Definition {
        let Named { name, parameters, .. } = named;
        Definition { name, parameters: parameters.map(Box::new), body, tokens: OnceLock::new() }
    }

    /// The body's tokens; nothing where `#` or `##` stand wrongly.
    pub(crate) fn tokens(&self, bodies: &[u8], symbols: &Symbols, dialect: Dialect) -> Option<&[Token]> {
        let lexed = self.tokens.get_or_init(|| {
            let mut lexer = Lexer::new(self.bytes(bodies), symbols, dialect);
            let tokens = std::iter::repeat_with(|| lexer.next()).take_while(|token| token.kind != Kind::End);
            body(tokens.collect(), self.parameters.as_deref()).map(Vec::into_boxed_slice)
        });
        lexed.as_deref()
    }

    /// The body as written.
    pub(crate) fn bytes<'b>(&self, bodies: &'b [u8]) -> &'b [u8] {
        &bodies[self.body.start as usize..self.body.end as usize]
    }

    pub(crate) fn memory(&self) -> usize {
        let tokens =
            self.tokens.get().map_or(0, |tokens| tokens.as_ref().map_or(0, |list| size_of_val(&**list)));
        let parameters = self.parameters.as_ref().map_or(0, |list| size_of_val(&*list.names) + 24);
        tokens + parameters
    }
}

/// Marks what is a parameter, `#x` and `##`.
fn body(tokens: Vec<Token>, parameters: Option<&Parameters>) -> Option<Vec<Token>> {
    let names = parameters.map_or(&[][..], |parameters| &parameters.names);
    let variadic = parameters.is_some_and(|parameters| parameters.variadic);
    let mut marked: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(mut token) = rest.next() {
        if marked.is_empty() {
            token = token.without(SPACE);
        }
        match token.kind {
            Kind::Paste => {
                rest.peek()?;
                let before = marked.last_mut()?;
                *before = before.with(PASTES);
                continue;
            }
            Kind::Hash if parameters.is_some() => {
                let operand = rest.next()?;
                let place = place_of(operand, names)?;
                token = Token { kind: Kind::Stringify, flags: token.flags, symbol: place };
            }
            Kind::Name if variadic && token.symbol == VA_OPT => token.kind = Kind::VaOpt,
            Kind::Name => {
                if let Some(place) = place_of(token, names) {
                    token = Token { kind: Kind::Parameter, flags: token.flags, symbol: place };
                }
            }
            _ => {}
        }
        marked.push(token);
    }
    Some(marked)
}

fn place_of(token: Token, names: &[Symbol]) -> Option<Symbol> {
    let place = names.iter().position(|name| token.kind == Kind::Name && *name == token.symbol)?;
    u32::try_from(place).ok().map(Symbol)
}
