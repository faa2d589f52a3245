//! Any bytes as a file of any language: its directives are found without a panic, and take memory in proportion.
#![no_main]

use include_scan::{Dialect, Directives, Symbols};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (switches, text) = input;
    let switch = |bit: u8| switches & (1 << bit) != 0;
    let dialect = Dialect {
        trigraphs: switch(0),
        raw_strings: switch(1),
        digit_separators: switch(2),
        c90_comments: switch(3),
        assembler: switch(4),
        cplusplus: switch(5),
        modules: switch(6),
    };
    let directives = Directives::parse(text, dialect, &Symbols::new());
    assert!(directives.suits(dialect));
    assert!(
        directives.memory() <= 64 * text.len() + 4096,
        "{} bytes for {}",
        directives.memory(),
        text.len()
    );
});
