//! A bulk body as it is transmitted: plain, or one LZO1X stream. The only file that knows an LZO library.
//!
//! minilzo compresses fast, but its Rust face does not tell how long a result is: only lzokay unpacks.

use std::borrow::Cow;
use std::cell::RefCell;

use lzokay::Error as LzoError;
use lzokay::decompress::decompress;
use minilzo_rs::LZO;

use crate::{ProtocolError, Version};

/// Preprocessed sources shrink to about a quarter, objects to a half; a sixth is rare.
const USUAL_GROWTH: usize = 6;

/// The longest lengths of LZO1X are runs of zero bytes, each of which stands for this many bytes.
const GREATEST_GROWTH: usize = 255;

/// The end marker alone.
const EMPTY_STREAM: &[u8] = b"\x11\0\0";

// minilzo-rs passes lengths as 64-bit words where the C library has machine words.
const _: () = assert!(usize::BITS == 64, "minilzo-rs works on 64-bit machines only");

thread_local! {
    /// minilzo's 128 KiB of working memory: making it takes ten times as long as packing a short source.
    static PACKER: RefCell<Box<LZO>> =
        RefCell::new(Box::new(LZO::init().expect("minilzo was built for this machine")));
}

/// What stands on the wire for `bytes`.
pub(crate) fn transmitted(version: Version, bytes: &[u8]) -> Cow<'_, [u8]> {
    if version.compresses() { Cow::Owned(pack(bytes)) } else { Cow::Borrowed(bytes) }
}

/// What `transmitted` stands for on the wire; never more than `limit` bytes if it is compressed.
pub(crate) fn original(
    version: Version,
    transmitted: Vec<u8>,
    limit: usize,
) -> Result<Vec<u8>, ProtocolError> {
    if version.compresses() { unpack(&transmitted, limit) } else { Ok(transmitted) }
}

/// The most that `original` may take for so many bytes; nothing if it is what was transmitted.
pub(crate) fn most_unpacked(version: Version, transmitted: usize, limit: usize) -> usize {
    if version.compresses() { transmitted.saturating_mul(GREATEST_GROWTH).min(limit) } else { 0 }
}

/// Compresses with LZO1X-1. Nothing becomes nothing (the empty rule), not an empty stream.
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    if bytes.is_empty() {
        return Vec::new();
    }
    PACKER.with_borrow_mut(|packer| packer.compress(bytes)).expect("LZO1X-1 compresses anything")
}

/// The same for a file of version 3, where nothing becomes an empty stream: only a directory's marker has no body.
pub fn pack_file(bytes: &[u8]) -> Vec<u8> {
    if bytes.is_empty() { EMPTY_STREAM.to_vec() } else { pack(bytes) }
}

/// Unpacks one LZO1X stream to its true length: `bytes` must end with its end marker. Nothing becomes nothing.
///
/// # Errors
/// [`ProtocolError::UnpacksTooLong`] if there are more than `limit` bytes in it, [`ProtocolError::BadCompression`] if
/// it is damaged, cut or followed by anything.
pub fn unpack(bytes: &[u8], limit: usize) -> Result<Vec<u8>, ProtocolError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let most = bytes.len().saturating_mul(GREATEST_GROWTH).min(limit);
    let mut room = bytes.len().saturating_mul(USUAL_GROWTH).min(most);
    loop {
        let mut unpacked = vec![0; room];
        match decompress(bytes, &mut unpacked) {
            Ok(length) => {
                unpacked.truncate(length);
                unpacked.shrink_to_fit();
                return Ok(unpacked);
            }
            // The wire does not tell the length, and the decoder cannot go on where it stopped.
            Err(LzoError::OutputOverrun) if room < most => room = room.saturating_mul(2).min(most),
            Err(LzoError::OutputOverrun) => return Err(ProtocolError::UnpacksTooLong { limit }),
            Err(error) => return Err(ProtocolError::BadCompression(reason(error))),
        }
    }
}

fn reason(error: LzoError) -> &'static str {
    match error {
        LzoError::InputOverrun => "cut short",
        LzoError::InputNotConsumed => "followed by other bytes",
        LzoError::LookbehindOverrun => "refers to bytes before its beginning",
        LzoError::OutputOverrun | LzoError::Error => "damaged",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_as_minilzo_writes_them() {
        let check = |plain: &[u8], packed: &[u8]| {
            assert_eq!(pack(plain), packed);
            assert_eq!(unpack(packed, plain.len()).as_deref(), Ok(plain));
        };
        check(b"", b"");
        check(b"int x;\n", b"\x18int x;\n\x11\0\0");
        check(b"#define H 1\n", b"\x1d#define H 1\n\x11\0\0");
        check(
            b"p.o: p.c /usr/include/stdc-predef.h h.h\n",
            b"\x39p.o: p.c /usr/include/stdc-predef.h h.h\n\x11\0\0",
        );
    }

    #[test]
    fn an_empty_stream_is_nothing() {
        assert_eq!(unpack(EMPTY_STREAM, 0), Ok(Vec::new()));
        assert_eq!((pack_file(b"").as_slice(), pack_file(b"int x;\n")), (EMPTY_STREAM, pack(b"int x;\n")));
    }

    #[test]
    fn the_greatest_growth_is_reached_and_bounded() {
        // One literal byte, then a match of it that is 2 + 31 + 1 bytes long, and 255 more for every zero.
        let stream = |zeros: usize| [&b"\x12a\x20"[..], &vec![0; zeros], b"\x01\0\0\x11\0\0"].concat();
        for zeros in [0, 1, 40, 10_000] {
            let length = 1 + 34 + 255 * zeros;
            assert_eq!(unpack(&stream(zeros), usize::MAX), Ok(vec![b'a'; length]), "{zeros} zeros");
            let limit = length - 1;
            assert_eq!(unpack(&stream(zeros), limit), Err(ProtocolError::UnpacksTooLong { limit }));
        }
    }

    #[test]
    fn long_texts_of_any_density_are_carried() {
        let check = |mask: u8, least: usize| {
            let mut state = 1_u32;
            let noise = std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8 & mask
            });
            let text: Vec<u8> = noise.take(200_000).collect();
            let packed = pack(&text);
            assert!(packed.len() > least, "{} bytes for {mask:#x}", packed.len());
            assert_eq!(unpack(&packed, text.len()), Ok(text));
        };
        check(0xff, 200_000);
        check(0x03, 50_000);
        check(0x00, 200_000 / 255);
    }

    #[test]
    fn damage_is_told_apart() {
        let check = |packed: &[u8], reason| {
            assert_eq!(unpack(packed, 1000), Err(ProtocolError::BadCompression(reason)), "{packed:?}");
        };
        check(b"\x11", "cut short");
        check(b"\x18int x;\n\x11\0", "cut short");
        check(b"\x18int x;\n", "cut short");
        check(b"\x18int x;\n\x11\0\0\x11\0\0", "followed by other bytes");
        check(b"\x12a\x20\x01\x10\0\x11\0\0", "refers to bytes before its beginning");
        check(b"\x12a\x12\0\0", "damaged");
    }
}
