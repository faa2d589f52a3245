//! Any text as toolchains.toml: it is wrong in one line, or a section can be added and removed, and any other removed.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use toolchain::{Config, Entry, Place, with_entry, without_entry};

fuzz_target!(|text: &str| {
    let file = Path::new("toolchains.toml");
    let config = match Config::parse(text, file) {
        Err(error) => return assert!(!error.to_string().contains('\n'), "{error}"),
        Ok(config) => config,
    };
    for entry in &config.toolchains {
        assert_eq!(with_entry(text, file, entry).as_deref(), Ok(text));
        if let Ok(without) = without_entry(text, file, &entry.name) {
            assert_eq!(Config::parse(&without, file).unwrap().toolchains.len() + 1, config.toolchains.len());
        }
    }
    let place = Place::Root("/opt/arch32".into());
    let new = Entry { name: "a-name-of-its-own".to_owned(), place, target: None, line: 0 };
    let Ok(with) = with_entry(text, file, &new) else { return };
    assert!(with.starts_with(text));
    let without = without_entry(&with, file, &new.name).unwrap();
    assert_eq!(without.trim_end(), text.trim_end());
});
