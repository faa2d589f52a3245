//! Any text as evidence of what a compiler is made of: what is understood is written again as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toolchain::{Evidence, Fingerprint};

fuzz_target!(|text: &str| {
    if let Some(evidence) = Evidence::decode(text) {
        assert_eq!(Evidence::decode(&evidence.encode()), Some(evidence));
    }
    if let Ok(fingerprint) = text.parse::<Fingerprint>() {
        assert_eq!(fingerprint.to_string(), text);
    }
});
