//! Any bytes as an object file that a stranger's daemon sent: each compiler named in it signs as it is understood.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toolchain::{Maker, ObjectFile};

fuzz_target!(|bytes: &[u8]| {
    let Some(object) = ObjectFile::parse(bytes) else { return };
    assert!([32, 64].contains(&object.bits) && !object.machine.is_empty(), "{object:?}");
    for maker in &object.makers {
        assert_eq!(Maker::signed(&maker.build).as_ref(), Some(maker));
        assert!(maker.build.contains(&maker.version), "{maker:?}");
    }
});
