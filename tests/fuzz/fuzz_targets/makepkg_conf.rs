//! Any bytes as a makepkg.conf: they print back, an edit reads as asked for, a second one changes nothing, and taking it back gives the bytes again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use makepkg_conf::{Conf, MakeFlags, take_back};

fuzz_target!(|bytes: &[u8]| {
    let mut conf = Conf::parse(bytes);
    assert_eq!(conf.bytes(), bytes);
    let set = conf.set("MAKEFLAGS", "-j11").is_ok();
    let enabled = conf.enable("BUILDENV", "distcc").is_ok();
    if set && let Ok(value) = conf.scalar("MAKEFLAGS") {
        assert_eq!(value.as_deref(), Some("-j11"));
    }
    let edited = conf.bytes().to_vec();
    assert_eq!(
        (conf.set("MAKEFLAGS", "-j11").is_ok(), conf.enable("BUILDENV", "distcc").is_ok()),
        (set, enabled)
    );
    assert_eq!(conf.bytes(), edited);
    if let Ok(back) = take_back(bytes, &edited, &edited, &["MAKEFLAGS", "BUILDENV"]) {
        assert_eq!(back, bytes);
    }
    let flags = MakeFlags::parse(&String::from_utf8_lossy(bytes)).with_jobs(11);
    assert_eq!(MakeFlags::parse(&flags).with_jobs(11), flags);
});
