//! Any bytes as the strings of an announcement: what is understood is fit for a list of hosts.
#![no_main]

use discovery::Traits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // As on the wire: a byte of length before each string.
    let mut strings = Vec::new();
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first() {
        let (string, after) = after.split_at(after.len().min(usize::from(*length)));
        strings.push(string);
        rest = after;
    }
    let traits = Traits::parse(strings.iter().copied());
    assert!(traits.jobs >= 1, "{traits:?}");
    let spec = format!("192.0.2.1:3632/{}", traits.jobs);
    assert_eq!(hosts::HostList::parse(spec.as_bytes(), "fuzz").hosts.len(), 1);
    for text in traits.version.iter().chain(&traits.features) {
        assert!(!text.is_empty() && !text.contains(char::is_control), "{traits:?}");
    }
    if let Some(subtype) = traits.compiler.and_then(|compiler| compiler.subtype()) {
        let label = subtype.split('.').next().unwrap_or_default();
        assert!(
            label.len() <= 63
                && label.bytes().skip(1).all(|byte| byte == b'-' || byte.is_ascii_alphanumeric())
        );
    }
});
