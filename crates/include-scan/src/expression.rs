//! The value of an `#if`, with the rules of the compiler's widest integers. Knows no directive.

use crate::macros::Trouble;
use crate::not_covered::NotCovered;
use crate::number::{Value, character, integer};
use crate::symbol::{
    AND, BITAND, BITOR, COMPL, DEFINED, FALSE, FIRST_QUESTION, HAS_DECLSPEC_ATTRIBUTE, HAS_EMBED,
    HAS_INCLUDE, HAS_INCLUDE_NEXT, LAST_QUESTION, NOT, NOT_EQ, OR, Symbol, TRUE, XOR,
};
use crate::token::{Kind, Token};
use crate::walk::Walk;

/// Reads one condition, whose tokens the walk's macros have been given.
pub(crate) struct Condition<'c, 'w, 's> {
    walk: &'c mut Walk<'w, 's>,
    token: Token,
    /// Above 0: the operand has no say (`0 && ...`); nothing is asked, and no division fails.
    idle: u32,
    depth: u32,
}

/// Parentheses and operators within each other.
const MOST_DEPTH: u32 = 300;
const COMMA: u8 = 1;
const TERNARY: u8 = 2;

/// Whether the condition is true.
///
/// # Errors
/// It has no value, or none that is known here.
pub(crate) fn truth(walk: &mut Walk<'_, '_>) -> Result<bool, Trouble> {
    let mut condition = Condition { walk, token: Token::END, idle: 0, depth: 0 };
    condition.advance()?;
    let value = condition.expression(COMMA)?;
    match condition.token.kind {
        Kind::End => Ok(value.bits != 0),
        _ => Err(Trouble::Doubt("a condition with something behind it")),
    }
}

impl Condition<'_, '_, '_> {
    fn advance(&mut self) -> Result<(), Trouble> {
        self.token = self.walk.macros.next()?;
        if self.token.kind == Kind::Name && self.walk.task.dialect.cplusplus {
            self.token.kind = match self.token.symbol {
                AND => Kind::AndAnd,
                OR => Kind::OrOr,
                NOT => Kind::Not,
                BITAND => Kind::And,
                BITOR => Kind::Or,
                XOR => Kind::Xor,
                COMPL => Kind::Complement,
                NOT_EQ => Kind::NotEqual,
                _ => Kind::Name,
            };
        }
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), Trouble> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(NotCovered::new("too-deep", "a condition is nested too deeply").into());
        }
        Ok(())
    }

    /// An expression of operators that bind at least as tightly as `least`.
    fn expression(&mut self, least: u8) -> Result<Value, Trouble> {
        self.deeper()?;
        let mut left = self.unary()?;
        loop {
            let operator = self.token.kind;
            let binds = binds(operator);
            if binds < least {
                self.depth -= 1;
                return Ok(left);
            }
            self.advance()?;
            left = match operator {
                Kind::Question => self.ternary(left)?,
                Kind::AndAnd | Kind::OrOr => {
                    let decided = (left.bits != 0) == (operator == Kind::OrOr);
                    self.idle += u32::from(decided);
                    let right = self.expression(binds + 1)?;
                    self.idle -= u32::from(decided);
                    Value::truth(if decided { operator == Kind::OrOr } else { right.bits != 0 })
                }
                _ => {
                    let right = self.expression(binds + 1)?;
                    match operator {
                        Kind::ShiftLeft | Kind::ShiftRight if self.walk.clang => {
                            shifted_by_clang(left, right, operator == Kind::ShiftLeft)
                        }
                        _ => binary(operator, left, right, self.idle > 0)?,
                    }
                }
            };
        }
    }

    fn ternary(&mut self, condition: Value) -> Result<Value, Trouble> {
        let holds = condition.bits != 0;
        self.idle += u32::from(!holds);
        let then = self.expression(COMMA)?;
        self.idle -= u32::from(!holds);
        self.expect(Kind::Colon)?;
        self.idle += u32::from(holds);
        let otherwise = self.expression(TERNARY)?;
        self.idle -= u32::from(holds);
        let bits = if holds { then.bits } else { otherwise.bits };
        Ok(Value { bits, unsigned: then.unsigned || otherwise.unsigned })
    }

    fn expect(&mut self, kind: Kind) -> Result<(), Trouble> {
        if self.token.kind != kind {
            return Err(Trouble::Doubt("a condition that is not finished"));
        }
        self.advance()
    }

    fn unary(&mut self) -> Result<Value, Trouble> {
        let operator = self.token.kind;
        match operator {
            Kind::Not | Kind::Complement | Kind::Minus | Kind::Plus => {
                self.deeper()?;
                self.advance()?;
                let value = self.unary()?;
                self.depth -= 1;
                Ok(match operator {
                    Kind::Not => Value::truth(value.bits == 0),
                    Kind::Complement => Value { bits: !value.bits, ..value },
                    Kind::Minus => Value { bits: value.bits.wrapping_neg(), ..value },
                    _ => value,
                })
            }
            _ => self.primary(),
        }
    }

    fn primary(&mut self) -> Result<Value, Trouble> {
        let token = self.token;
        let spelling = self.walk.macros.symbols.spelling(token.symbol);
        let value = match token.kind {
            Kind::Open => {
                self.advance()?;
                let value = self.expression(COMMA)?;
                self.expect(Kind::Close)?;
                return Ok(value);
            }
            Kind::Number => integer(spelling).ok_or(Trouble::Doubt("a number that is no integer"))?,
            Kind::Char => {
                let characters = self.walk.characters();
                character(spelling, characters).ok_or(Trouble::Doubt("a rare character"))?
            }
            Kind::Name => self.name(token.symbol)?,
            _ => return Err(Trouble::Doubt("a condition that is none")),
        };
        self.advance()?;
        Ok(value)
    }

    /// The value of a name that is no macro; what it takes in parentheses is read, too.
    fn name(&mut self, name: Symbol) -> Result<Value, Trouble> {
        match name {
            DEFINED => self.defined(),
            HAS_INCLUDE | HAS_INCLUDE_NEXT => self.has_include(name),
            HAS_EMBED => Err(Trouble::Doubt("__has_embed")),
            name if (FIRST_QUESTION..=LAST_QUESTION).contains(&name) => {
                if self.walk.knows_builtin(name)? {
                    self.question(name)
                } else {
                    Ok(Value::ZERO)
                }
            }
            TRUE if self.walk.task.dialect.cplusplus => Ok(Value::truth(true)),
            FALSE if self.walk.task.dialect.cplusplus => Ok(Value::ZERO),
            name if self.walk.may_be_builtin(name)? => {
                Err(Trouble::Doubt("a question of this compiler's own"))
            }
            _ => Ok(Value::ZERO),
        }
    }

    fn defined(&mut self) -> Result<Value, Trouble> {
        let wrong = || Trouble::Doubt("a wrong defined()");
        let mut name = self.walk.macros.next_raw()?;
        let open = name.kind == Kind::Open;
        if open {
            name = self.walk.macros.next_raw()?;
        }
        if name.kind != Kind::Name || (open && self.walk.macros.next_raw()?.kind != Kind::Close) {
            return Err(wrong());
        }
        let defined = self.walk.is_defined(name.symbol)?;
        defined.map(Value::truth).ok_or(Trouble::Doubt("a macro that may be defined"))
    }

    fn has_include(&mut self, probe: Symbol) -> Result<Value, Trouble> {
        let wrong = || Trouble::Doubt("a wrong __has_include");
        if self.walk.macros.next()?.kind != Kind::Open {
            return Err(wrong());
        }
        let token = self.walk.macros.next()?;
        let (angle, name) = self.walk.header_name(token)?.ok_or_else(wrong)?;
        if self.walk.macros.next()?.kind != Kind::Close {
            return Err(wrong());
        }
        // clang looks even where the answer has no say.
        if self.idle > 0 && !self.walk.clang {
            return Ok(Value::ZERO);
        }
        Ok(Value::truth(self.walk.has_include(probe == HAS_INCLUDE_NEXT, angle, name)?))
    }

    fn question(&mut self, question: Symbol) -> Result<Value, Trouble> {
        let wrong = || Trouble::Doubt("a wrong question to the compiler");
        if self.walk.macros.next_raw()?.kind != Kind::Open {
            return Err(wrong());
        }
        // clang takes the names of features and builtins as they stand; gcc expands all.
        let expands = !self.walk.clang || question <= HAS_DECLSPEC_ATTRIBUTE;
        let mut argument = Vec::new();
        let mut open = 1;
        loop {
            let token = if expands { self.walk.macros.next()? } else { self.walk.macros.next_raw()? };
            match token.kind {
                Kind::End => return Err(wrong()),
                Kind::Open => open += 1,
                Kind::Close => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
            argument.extend_from_slice(self.walk.macros.symbols.spelling(token.symbol));
        }
        if self.idle > 0 {
            return Ok(Value::ZERO);
        }
        self.walk.ask(question, &argument)
    }
}

/// How tightly a binary operator binds; 0: it is none.
fn binds(kind: Kind) -> u8 {
    match kind {
        Kind::Comma => COMMA,
        Kind::Question => TERNARY,
        Kind::OrOr => 3,
        Kind::AndAnd => 4,
        Kind::Or => 5,
        Kind::Xor => 6,
        Kind::And => 7,
        Kind::Equal | Kind::NotEqual => 8,
        Kind::Less | Kind::Greater | Kind::LessEqual | Kind::GreaterEqual => 9,
        Kind::ShiftLeft | Kind::ShiftRight => 10,
        Kind::Plus | Kind::Minus => 11,
        Kind::Times | Kind::Divide | Kind::Modulo => 12,
        _ => 0,
    }
}

fn binary(operator: Kind, left: Value, right: Value, idle: bool) -> Result<Value, Trouble> {
    let unsigned = left.unsigned || right.unsigned;
    let (a, b) = (left.bits, right.bits);
    let (high_a, high_b) = (a.cast_unsigned(), b.cast_unsigned());
    let arithmetic = |bits: i64| Ok(Value { bits, unsigned });
    let less = if unsigned { high_a < high_b } else { a < b };
    match operator {
        Kind::Comma => Ok(right),
        Kind::Or => arithmetic(a | b),
        Kind::Xor => arithmetic(a ^ b),
        Kind::And => arithmetic(a & b),
        Kind::Plus => arithmetic(a.wrapping_add(b)),
        Kind::Minus => arithmetic(a.wrapping_sub(b)),
        Kind::Times => arithmetic(a.wrapping_mul(b)),
        Kind::Divide | Kind::Modulo if b == 0 && idle => arithmetic(0),
        Kind::Divide | Kind::Modulo if b == 0 => Err(Trouble::Doubt("a division by zero")),
        Kind::Divide if unsigned => arithmetic((high_a / high_b).cast_signed()),
        Kind::Divide => arithmetic(a.wrapping_div(b)),
        Kind::Modulo if unsigned => arithmetic((high_a % high_b).cast_signed()),
        Kind::Modulo => arithmetic(a.wrapping_rem(b)),
        Kind::Equal => Ok(Value::truth(a == b)),
        Kind::NotEqual => Ok(Value::truth(a != b)),
        Kind::Less => Ok(Value::truth(less)),
        Kind::GreaterEqual => Ok(Value::truth(!less)),
        Kind::Greater => Ok(Value::truth(!less && a != b)),
        Kind::LessEqual => Ok(Value::truth(less || a == b)),
        Kind::ShiftLeft => Ok(shifted(left, right, true)),
        _ => Ok(shifted(left, right, false)),
    }
}

/// clang takes a negative count for a huge one; to the right, 63 is the most.
fn shifted_by_clang(value: Value, count: Value, to_left: bool) -> Value {
    let distance = u32::try_from(count.bits.cast_unsigned()).unwrap_or(u32::MAX);
    let bits = match (to_left, value.unsigned) {
        (true, _) => value.bits.checked_shl(distance).unwrap_or(0),
        (false, true) => (value.bits.cast_unsigned() >> distance.min(63)).cast_signed(),
        (false, false) => value.bits >> distance.min(63),
    };
    Value { bits, ..value }
}

/// For gcc, a shift by a negative count goes the other way; one by too much leaves nothing but the sign.
fn shifted(value: Value, count: Value, to_left: bool) -> Value {
    let backwards = !count.unsigned && count.bits < 0;
    let distance = if backwards { count.bits.unsigned_abs() } else { count.bits.cast_unsigned() };
    let distance = u32::try_from(distance).unwrap_or(u32::MAX);
    let bits = match (to_left != backwards, value.unsigned) {
        (true, _) => value.bits.checked_shl(distance).unwrap_or(0),
        (false, true) => value.bits.cast_unsigned().checked_shr(distance).unwrap_or(0).cast_signed(),
        (false, false) => value.bits.checked_shr(distance).unwrap_or(value.bits >> 63),
    };
    Value { bits, ..value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_that_compilers_do_apart() {
        let check = |bits: i64, unsigned, count: i64, to_left, by_gcc: i64, by_clang: i64| {
            let value = Value { bits, unsigned };
            let count = Value { bits: count, unsigned: false };
            let results = (shifted(value, count, to_left).bits, shifted_by_clang(value, count, to_left).bits);
            assert_eq!(results, (by_gcc, by_clang), "{bits} by {count:?}");
        };
        check(3, false, -1, true, 1, 0);
        check(3, false, -1, false, 6, 0);
        check(-1, false, 70, false, -1, -1);
        check(-1, true, 70, false, 0, 1);
        check(1, false, 64, true, 0, 0);
        check(5, false, 2, true, 20, 20);
    }
}
