//! `#` and `##`: tokens made of the spelling of others. Knows no macro.

use crate::dialect::Dialect;
use crate::lexer::Lexer;
use crate::macros::Trouble;
use crate::not_covered::NotCovered;
use crate::symbol::{Symbol, Symbols};
use crate::token::{Kind, PASTES, SPACE, Token};

/// Joins each token with the one behind it where `##` stood, and drops what was nothing.
///
/// # Errors
/// Two tokens do not make one: an error for the compiler, too.
pub(crate) fn paste_all(tokens: &mut Vec<Token>, symbols: &Symbols, dialect: Dialect) -> Result<(), Trouble> {
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens.drain(..) {
        match joined.last().copied() {
            Some(left) if left.has(PASTES) => {
                joined.pop();
                joined.push(paste(left, token, symbols, dialect)?);
            }
            _ => joined.push(token),
        }
    }
    tokens.extend(
        joined.iter().filter(|token| token.kind != Kind::Placemarker).map(|token| token.without(PASTES)),
    );
    Ok(())
}

/// Bytes of one token: the spellings of all are kept, and macros can double them at each step.
const LONGEST: usize = 1 << 16;

fn paste(left: Token, right: Token, symbols: &Symbols, dialect: Dialect) -> Result<Token, Trouble> {
    let flags = (left.flags & SPACE) | (right.flags & PASTES);
    if left.kind == Kind::Placemarker {
        return Ok(Token { flags, ..right });
    }
    if right.kind == Kind::Placemarker {
        return Ok(Token { flags: flags | left.flags & !PASTES, ..left });
    }
    let spelling = [symbols.spelling(left.symbol), symbols.spelling(right.symbol)].concat();
    check_length(spelling.len())?;
    let mut lexer = Lexer::new(&spelling, symbols, dialect);
    let token = lexer.next();
    let comment = spelling.starts_with(b"//") || spelling.starts_with(b"/*");
    if !lexer.rest().is_empty() || comment {
        return Err(Trouble::Doubt("## makes no token"));
    }
    Ok(Token { flags, ..token })
}

fn check_length(bytes: usize) -> Result<(), Trouble> {
    if bytes > LONGEST {
        return Err(NotCovered::new("too-much", "its macros make a token of more than 64 KiB").into());
    }
    Ok(())
}

/// `#x`: the argument as a string, with its quotes.
///
/// # Errors
/// It would be longer than any name.
pub(crate) fn stringified(tokens: &[Token], symbols: &Symbols) -> Result<Symbol, Trouble> {
    let mut text = vec![b'"'];
    for (index, token) in tokens.iter().enumerate() {
        if index > 0 && token.has(SPACE) {
            text.push(b' ');
        }
        let spelling = symbols.spelling(token.symbol);
        if token.kind == Kind::HeaderName {
            text.push(b'<');
        }
        let quoted = matches!(token.kind, Kind::Text | Kind::Char);
        for &byte in spelling {
            if quoted && matches!(byte, b'"' | b'\\') {
                text.push(b'\\');
            }
            text.push(byte);
        }
        if token.kind == Kind::HeaderName {
            text.push(b'>');
        }
        check_length(text.len())?;
    }
    text.push(b'"');
    Ok(symbols.intern(&text))
}
