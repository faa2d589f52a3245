//! Conversations as bytes, both ways: in pieces of every kind, cut at every byte, and damaged.

use std::ffi::OsString;
use std::fmt::Debug;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::{Progress, ProtocolError};

/// What any of the decoders can do.
trait Reads<T> {
    fn space(&mut self) -> &mut [u8];
    fn advance(&mut self, count: usize) -> Result<Progress<T>, ProtocolError>;
}

macro_rules! reads {
    ($decoder:ty, $message:ty) => {
        impl Reads<$message> for $decoder {
            fn space(&mut self) -> &mut [u8] {
                self.space()
            }
            fn advance(&mut self, count: usize) -> Result<Progress<$message>, ProtocolError> {
                self.advance(count)
            }
        }
    };
}
reads!(ScanRequestDecoder, Opening);
reads!(ScanReplyDecoder, ScanReply);
reads!(LendDecoder, ());
reads!(LendReplyDecoder, LendReply);

/// What came of bytes that come `chunk` at a time and then end, and how many were read.
fn feed<T>(mut decoder: impl Reads<T>, bytes: &[u8], chunk: usize) -> (Result<T, ProtocolError>, usize) {
    let mut read = 0;
    loop {
        let piece = &bytes[read..bytes.len().min(read + chunk)];
        let space = decoder.space();
        assert!(!space.is_empty(), "no space while more is awaited");
        let count = space.len().min(piece.len());
        space[..count].copy_from_slice(&piece[..count]);
        read += count;
        match decoder.advance(count) {
            Ok(Progress::More) => {}
            Ok(Progress::Done(message)) => return (Ok(message), read),
            Err(error) => return (Err(error), read),
        }
    }
}

/// That `bytes` are `expected`, in pieces of every kind and with the next message behind them, and cut are nothing.
fn check<T: PartialEq + Debug, D: Reads<T>>(decoder: impl Fn() -> D, bytes: &[u8], expected: &T) {
    let followed = [bytes, b"BUSY00000000"].concat();
    for chunk in [1, 2, 7, 12, 13, followed.len()] {
        let (outcome, read) = feed(decoder(), &followed, chunk);
        assert_eq!(outcome.as_ref(), Ok(expected), "in pieces of {chunk}");
        assert_eq!(read, bytes.len(), "in pieces of {chunk}");
    }
    for end in 0..bytes.len() {
        match feed(decoder(), &bytes[..end], 5).0 {
            Err(ProtocolError::NoAnswer) => assert_eq!(end, 0),
            Err(ProtocolError::Truncated { .. }) => assert_ne!(end, 0),
            other => panic!("{other:?} from the first {end} bytes"),
        }
    }
}

fn request(compare: bool, list: bool) -> ScanRequest {
    ScanRequest {
        directory: "/tmp/pd".into(),
        environment: vec![("PATH".into(), "/bin:/a=b".into()), ("LANG".into(), "".into())],
        words: ["/usr/bin/gcc", "-c", ""].map(OsString::from).into(),
        compare,
        list,
    }
}

const ASKED: &str = "SCAN00000001CDIR00000007/tmp/pdENVC00000002ENVV0000000ePATH=/bin:/a=bENVV00000005LANG=\
    ARGC00000003ARGV0000000c/usr/bin/gccARGV00000002-cARGV00000000OPTN0000000";

#[test]
fn questions() {
    for (compare, list, bits) in
        [(false, false, "0"), (true, false, "1"), (false, true, "2"), (true, true, "3")]
    {
        let bytes = format!("{ASKED}{bits}");
        let request = request(compare, list);
        assert_eq!(String::from_utf8(request.encode()).unwrap(), bytes);
        check(ScanRequestDecoder::default, bytes.as_bytes(), &Opening::Scan(request));
    }
}

#[test]
fn another_program_is_known_at_once() {
    let (outcome, _) = feed(ScanRequestDecoder::default(), b"CDIR00000004/tmpARGC00000001", 100);
    assert_eq!(outcome, Ok(Opening::OtherProgram));
}

#[test]
fn questions_that_are_none() {
    let check = |bytes: &str, message: &str| {
        let (outcome, _) = feed(ScanRequestDecoder::default(), bytes.as_bytes(), bytes.len().max(1));
        assert_eq!(outcome.unwrap_err().to_string(), message, "{bytes:?}");
    };
    check("", "connection closed without a word");
    check("GET /", "expected token \"SCAN or CDIR\", got \"GET /\"");
    check("SCAN00000002", "protocol version 2 is not spoken here");
    let head = "SCAN00000001CDIR00000001/";
    check(&format!("{head}ENVC00000401"), "ENVC of 1025 is over the limit of 1024");
    check(&format!("{head}ENVC00000000ARGC00004001"), "ARGC of 16385 is over the limit of 16384");
    check(&format!("{head}ENVC00000000ARGC00000000"), "no arguments, not even a compiler name");
    check(&format!("{head}ENVC00000001ENVV00000003a\0b"), "NUL byte in an argument");
    let rest = "ARGC00000001ARGV00000002cc";
    for (length, variable) in [(0, ""), (2, "=x"), (2, "ab")] {
        let head = format!("{head}ENVC00000001ENVV{length:08x}{variable}");
        check(&format!("{head}{rest}OPTN00000000"), "variable without a name");
    }
    check(&format!("{head}ENVC00000000{rest}OPTN00000004"), "bad number \"00000004\" in OPTN");
}

fn check_reply(compare: bool, list: bool, bytes: &str, expected: &ScanReply) {
    let request = request(compare, list);
    assert_eq!(String::from_utf8(expected.encode(&request)).unwrap(), bytes);
    check(|| ScanReplyDecoder::new(&request), bytes.as_bytes(), expected);
}

#[test]
fn replies() {
    let listed: Vec<Listed> = [
        (Kind::File, "/a.c"),
        (Kind::Link, "/l"),
        (Kind::SystemDirectory, "/usr/include"),
        (Kind::Directory, "/"),
    ]
    .map(|(kind, name)| Listed { kind, name: name.into() })
    .into();
    let fits = |listed, missing| ScanReply::Fits { entries: 4, listed, missing };
    let missing = vec![PathBuf::from("/b.h")];
    let list = "KIND00000000NAME00000004/a.cKIND00000001NAME00000002/lKIND00000002NAME0000000c/usr/include\
        KIND00000003NAME00000001/";
    let misses = "MISS00000001NAME00000004/b.h";
    check_reply(false, false, "BUSY00000000", &ScanReply::Busy);
    check_reply(true, true, "BUSY00000000", &ScanReply::Busy);
    check_reply(false, false, "FITS00000004", &fits(vec![], vec![]));
    check_reply(false, true, &format!("FITS00000004{list}"), &fits(listed.clone(), vec![]));
    check_reply(true, false, &format!("FITS00000004{misses}"), &fits(vec![], missing.clone()));
    check_reply(true, false, "FITS00000004MISS00000000", &fits(vec![], vec![]));
    check_reply(true, true, &format!("FITS00000004{list}{misses}"), &fits(listed, missing));
    let cannot = ScanReply::Cannot { code: "pch".into(), sentence: "a.h: has a .gch".into() };
    check_reply(true, true, "CANT00000014pch: a.h: has a .gch", &cannot);
}

#[test]
fn replies_that_are_none() {
    let check = |bytes: &str, message: &str| {
        let decoder = ScanReplyDecoder::new(&request(true, true));
        let (outcome, _) = feed(decoder, bytes.as_bytes(), bytes.len());
        assert_eq!(outcome.unwrap_err().to_string(), message, "{bytes:?}");
    };
    check("SENT00000000", "expected token \"BUSY, FITS or CANT\", got \"SENT00000000\"");
    check("FITSffffffff", "FITS of 4294967295 is over the limit of 100000");
    check("CANT00010001", "CANT of 65537 is over the limit of 65536");
    check("FITS00000001KIND00000004", "bad number \"00000004\" in KIND");
    check("FITS00000001KIND00000000NAME00001000", "NAME of 4096 is over the limit of 4095");
    check("FITS00000000MISSffffffff", "MISS of 4294967295 is over the limit of 100000");
}

#[test]
fn sockets_are_lent() {
    check(LendDecoder::default, &LEND, &());
    let check = |reply: LendReply, bytes: &str| {
        assert_eq!(String::from_utf8(reply.encode()).unwrap(), bytes);
        check(LendReplyDecoder::default, bytes.as_bytes(), &reply);
    };
    check(LendReply::Busy(0x2a), "BUSY0000002a");
    check(LendReply::Sent(0x123), "SENT00000123");
    check(LendReply::PeerBroke("Broken pipe".into()), "FPER0000000bBroken pipe");
    check(LendReply::OurTrouble(String::new()), "FOUR00000000");
}

#[test]
fn a_long_sentence_is_cut_between_letters() {
    let reply = LendReply::PeerBroke("ä".repeat(40_000) + "x");
    let (outcome, _) = feed(LendReplyDecoder::default(), &reply.encode(), usize::MAX >> 1);
    assert_eq!(outcome, Ok(LendReply::PeerBroke("ä".repeat(32_768))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_refused_calmly(
        start in prop::sample::select(vec!["", "SCAN00000001", "FITS00000002", "CANT000000ff", "FPER00000003"]),
        tail in prop::collection::vec(any::<u8>(), 0..100),
        chunk in 1..40_usize,
    ) {
        let bytes = [start.as_bytes(), &tail].concat();
        let _ = feed(ScanRequestDecoder::default(), &bytes, chunk);
        let _ = feed(ScanReplyDecoder::new(&request(true, true)), &bytes, chunk);
        let _ = feed(LendDecoder::default(), &bytes, chunk);
        let _ = feed(LendReplyDecoder::default(), &bytes, chunk);
    }

    #[test]
    fn an_injured_conversation_is_refused_calmly(place in 0..200_usize, byte in any::<u8>(), chunk in 1..40_usize) {
        let mut bytes = request(true, true).encode();
        let at = place % bytes.len();
        bytes[at] = byte;
        let _ = feed(ScanRequestDecoder::default(), &bytes, chunk);
    }
}
