//! Arguments of a macro call, and how they take their parameters' places. Knows no macro table.

use crate::token::{Kind, PASTES, Token};

/// One argument of a call.
#[derive(Default)]
pub(crate) struct Argument {
    pub(crate) raw: Vec<Token>,
    pub(crate) expanded: Option<Vec<Token>>,
    /// Not even a comma stood for it.
    pub(crate) omitted: bool,
}

/// Puts an argument where its parameter stood, with the parameter's `##`.
pub(crate) fn put(argument: &Argument, parameter: Token, after_paste: bool, out: &mut Vec<Token>) {
    let pastes = parameter.flags & PASTES;
    let tokens = match &argument.expanded {
        Some(expanded) if !after_paste && pastes == 0 => expanded,
        _ => &argument.raw,
    };
    if tokens.is_empty() {
        out.push(Token { kind: Kind::Placemarker, flags: pastes, ..parameter });
        return;
    }
    out.extend_from_slice(tokens);
    if let Some(last) = out.last_mut() {
        last.flags |= pastes;
    }
}

/// GNU's `, ## __VA_ARGS__`.
pub(crate) fn follows_comma(body: &[Token], place: usize, out: &[Token]) -> bool {
    body[place - 1].kind == Kind::Comma && out.last().is_some_and(|token| token.kind == Kind::Comma)
}

/// The comma goes with arguments that were left out, and is never pasted.
pub(crate) fn drop_pasted_comma(omitted: bool, out: &mut Vec<Token>) {
    if omitted {
        out.pop();
    } else if let Some(comma) = out.last_mut() {
        *comma = comma.without(PASTES);
    }
}

pub(crate) fn pastes(body: &[Token]) -> bool {
    body.iter().any(|token| token.has(PASTES))
}

/// The place of the parenthesis that ends `__VA_OPT__(`.
pub(crate) fn option_close(body: &[Token], place: usize) -> Option<usize> {
    let mut open = 0;
    for (at, token) in body.iter().enumerate().skip(place + 1) {
        match token.kind {
            Kind::Open => open += 1,
            Kind::Close => open -= 1,
            _ if open == 0 => return None,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
    }
    None
}
