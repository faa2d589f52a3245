//! Any bytes as the loader's cache of another system's root: each name leads to absolute paths.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toolchain::LoaderCache;

fuzz_target!(|bytes: &[u8]| {
    let (name, bytes) = bytes.split_at(bytes.len().min(2));
    for header in [&b""[..], b"ld.so-1.7.0\0", b"glibc-ld.so.cache1.1"] {
        let cache = LoaderCache::parse(&[header, bytes].concat());
        assert!(cache.files(name).iter().all(|file| file.is_absolute()), "{cache:?}");
    }
});
