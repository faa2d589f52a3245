//! Any bytes packed by minilzo and unpacked by lzokay, and any bytes unpacked by lzokay and by the lzo crate.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{pack, unpack};

/// Enough to reach every distance that LZO1X knows (48 KiB).
const LIMIT: usize = 128 * 1024;

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(unpack(&pack(bytes), bytes.len()).as_deref(), Ok(bytes));

    let ours = unpack(bytes, LIMIT).ok();
    let theirs = match bytes {
        // Nothing stands for nothing on the wire; it is no stream.
        [] => Some(Vec::new()),
        _ => {
            let mut unpacked = vec![0; LIMIT.min(bytes.len() * 255)];
            lzo::decompress_into(bytes, &mut unpacked).ok().map(|length| unpacked[..length].to_vec())
        }
    };
    assert_eq!(ours, theirs);
});
