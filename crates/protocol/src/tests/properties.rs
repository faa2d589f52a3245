//! What holds for any bytes: what is encoded is decoded, and nothing panics or holds more than has come.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use proptest::collection::vec;
use proptest::prelude::*;

use super::extension::{feed_server, feed_telling};
use super::sources::encode;
use super::{feed_any_request, feed_request, feed_response};
use crate::inquiry::{Inquiry, Telling, TellingCompiler, TellingLanguage};
use crate::{
    Arrived, ArrivedFiles, Content, FileEntry, Limits, ProtocolError, Request, Response, Version, WaitStatus,
    encode_request, pack, pack_file, proof, unpack,
};

/// Small enough for arbitrary numbers to meet them.
const LIMITS: Limits = Limits {
    args: 40,
    arg_bytes: 200,
    args_bytes: 1000,
    names: 50,
    name_bytes: 300,
    names_bytes: 2000,
    bulk_bytes: 60_000,
    unpacked_bytes: 100_000,
};

/// Rooms for headers, and the slots of an argument list, of which each costs 12 bytes on the wire.
const SURPLUS: usize = 32 * 1024 + 60_000;

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::Zero), Just(Version::One), Just(Version::Two)]
}

/// Bytes that compress, up to beyond the room for short bodies.
fn text() -> impl Strategy<Value = Vec<u8>> {
    (vec(any::<u8>(), 0..60), 0..400_usize).prop_map(|(line, times)| line.repeat(times))
}

fn request() -> impl Strategy<Value = Request> {
    let args = vec(vec(1..=255_u8, 0..50).prop_map(OsString::from_vec), 1..20);
    (version(), args, text()).prop_map(|(version, args, source)| Request { version, args, source })
}

fn response() -> impl Strategy<Value = Response> {
    let status = prop_oneof![
        Just(WaitStatus::exited(0)),
        any::<u8>().prop_map(WaitStatus::exited),
        (1..0x7f, any::<bool>()).prop_map(|(signal, core)| WaitStatus::signalled(signal, core)),
    ];
    let version = prop_oneof![version(), Just(Version::Three)];
    (version, status, text(), text(), text()).prop_map(|(version, status, stderr, stdout, object)| {
        let object = if status.success() { object } else { Vec::new() };
        let dependencies = (version == Version::Three && status.success()).then(|| stdout.clone());
        Response { version, status, stderr, stdout, object, dependencies }
    })
}

fn sources() -> impl Strategy<Value = ArrivedFiles> {
    let word = |longest: usize| vec(1..=255_u8, 0..longest).prop_map(OsString::from_vec);
    let content = prop_oneof![
        text().prop_map(|text| Content::File(pack_file(&text))),
        Just(Content::File(Vec::new())),
        word(60).prop_map(|target| Content::Link(target.into())),
    ];
    let entry = (word(80), content).prop_map(|(name, content)| FileEntry { name: name.into(), content });
    (word(60), vec(word(40), 1..9), vec(entry, 0..20)).prop_map(|(directory, args, entries)| ArrivedFiles {
        args,
        directory: directory.into(),
        entries,
    })
}

fn inquiry() -> impl Strategy<Value = Inquiry> {
    vec(name(), 0..9).prop_map(|compilers| Inquiry { compilers })
}

fn name() -> impl Strategy<Value = OsString> {
    vec(any::<u8>(), 0..20).prop_map(OsString::from_vec)
}

fn telling() -> impl Strategy<Value = Telling> {
    let prints = prop_oneof![
        Just((None, None)),
        "[0-9a-f]{64}".prop_map(|whole| (Some(whole), None)),
        ("[0-9a-f]{64}", "[0-9a-f]{64}").prop_map(|(whole, core)| (Some(whole), Some(core))),
    ];
    let language = ("(obj)?c(\\+\\+)?", prints);
    let language = language.prop_map(|(name, (whole, core))| TellingLanguage { name, whole, core });
    let compiler = (name(), any::<[String; 3]>(), vec(language, 0..5));
    let compiler = compiler.prop_map(|(name, [target, version, machine], languages)| TellingCompiler {
        name,
        target,
        version,
        machine,
        languages,
    });
    let words = || vec("[^ ]{1,9}", 0..4);
    let missing = vec((name(), "[a-z ]{0,40}"), 0..4);
    ("[a-z. ]{0,20}", any::<Option<u32>>(), words(), words(), vec(compiler, 0..4), missing).prop_map(
        |(server, slots, features, targets, compilers, missing)| Telling {
            server,
            slots,
            features,
            targets,
            compilers,
            missing,
        },
    )
}

/// Where something happens to a message (per mille of its length), to how many bytes, and what stands there then.
fn injuries() -> impl Strategy<Value = Vec<(usize, usize, Vec<u8>)>> {
    const WORDS: &[&str] =
        &["ARGV", "DOTI", "NAME", "FILE", "LINK", "STAT", "SERR", "DOTO", "00000000", "ffffffff", "00001000"];
    let inserted = prop_oneof![
        vec(any::<u8>(), 0..4),
        prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
    ];
    vec((0..1000_usize, prop_oneof![0..12_usize, Just(usize::MAX)], inserted), 1..4)
}

fn injure(bytes: &mut Vec<u8>, injuries: Vec<(usize, usize, Vec<u8>)>) {
    for (place, length, inserted) in injuries {
        let from = bytes.len() * place / 1000;
        let to = from.saturating_add(length).min(bytes.len());
        bytes.splice(from..to, inserted);
    }
}

/// How much of a stranger's bytes had come when they were refused depends on the pieces.
fn but_for_pieces<T>(outcome: Result<T, ProtocolError>) -> Result<T, ProtocolError> {
    outcome.map_err(|error| match error {
        ProtocolError::Derailed { expected, .. } => ProtocolError::Derailed { expected, seen: String::new() },
        other => other,
    })
}

fn check_request_bytes(bytes: &[u8], chunk: usize) {
    let (pieces, whole) =
        (feed_any_request(bytes, chunk, &LIMITS), feed_any_request(bytes, bytes.len(), &LIMITS));
    assert!(pieces.surplus.max(whole.surplus) <= SURPLUS);
    assert_eq!(but_for_pieces(pieces.outcome), but_for_pieces(whole.outcome));
}

fn check_response_bytes(version: Version, bytes: &[u8], chunk: usize) {
    let feed = |chunk| feed_response(version, bytes, chunk, &LIMITS);
    let (pieces, whole) = (feed(chunk), feed(bytes.len()));
    assert!(pieces.surplus.max(whole.surplus) <= SURPLUS);
    assert_eq!(but_for_pieces(pieces.outcome), but_for_pieces(whole.outcome));
}

fn check_telling_bytes(bytes: &[u8], chunk: usize) {
    let (pieces, whole) = (feed_telling(bytes, chunk), feed_telling(bytes, bytes.len()));
    assert_eq!(but_for_pieces(pieces.outcome), but_for_pieces(whole.outcome));
}

fn check_server_bytes(bytes: &[u8], chunk: usize) {
    let (pieces, whole) = (feed_server(bytes, chunk), feed_server(bytes, bytes.len()));
    assert_eq!(but_for_pieces(pieces.outcome), but_for_pieces(whole.outcome));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_comes_as_it_was_sent(request in request(), chunk in 1..70_000_usize) {
        let bytes = encode_request(request.version, &request.args, &request.source).unwrap();
        prop_assert_eq!(feed_request(&bytes, chunk, &Limits::default()).outcome, Ok(request));
    }

    #[test]
    fn a_response_comes_as_it_was_sent(response in response(), chunk in 1..70_000_usize) {
        let bytes = response.encode().unwrap();
        let fed = feed_response(response.version, &bytes, chunk, &Limits::default());
        prop_assert_eq!(fed.outcome, Ok(response));
    }

    #[test]
    fn questions_and_answers_come_as_they_were_sent(
        inquiry in inquiry(), telling in telling(), chunk in 1..3000_usize,
    ) {
        prop_assert_eq!(feed_telling(&telling.encode(), chunk).outcome, Ok(telling));
        let expected = (None, Arrived::Inquiry(inquiry.clone()));
        prop_assert_eq!(feed_server(&inquiry.encode(), chunk).outcome, Ok(expected));
    }

    #[test]
    fn injured_words_of_ours_are_refused_or_taken_calmly(
        inquiry in inquiry(), telling in telling(), injuries in injuries(), chunk in 1..3000_usize,
    ) {
        let proven = [proof(&"5".repeat(64), &["-mavx".to_owned()]), inquiry.encode()].concat();
        for mut bytes in [inquiry.encode(), proven] {
            injure(&mut bytes, injuries.clone());
            check_server_bytes(&bytes, chunk);
        }
        let mut bytes = telling.encode();
        injure(&mut bytes, injuries);
        check_telling_bytes(&bytes, chunk);
    }

    #[test]
    fn sources_come_as_they_were_sent(sources in sources(), chunk in 1..70_000_usize) {
        let fed = feed_any_request(&encode(&sources), chunk, &Limits::default());
        prop_assert_eq!(fed.outcome, Ok(Err(sources)));
    }

    #[test]
    fn injured_sources_are_refused_or_taken_calmly(
        sources in sources(), injuries in injuries(), chunk in 1..30_000_usize,
    ) {
        let mut bytes = encode(&sources);
        injure(&mut bytes, injuries);
        check_request_bytes(&bytes, chunk);
    }

    #[test]
    fn any_bytes_are_refused_calmly(version in prop_oneof![version(), Just(Version::Three)], bytes in vec(any::<u8>(), 1..200), chunk in 1..50_usize) {
        check_request_bytes(&bytes, chunk);
        check_response_bytes(version, &bytes, chunk);
        check_telling_bytes(&bytes, chunk);
    }

    #[test]
    fn an_injured_request_is_refused_or_taken_calmly(
        request in request(), injuries in injuries(), chunk in 1..30_000_usize,
    ) {
        let mut bytes = encode_request(request.version, &request.args, &request.source).unwrap();
        injure(&mut bytes, injuries);
        check_request_bytes(&bytes, chunk);
    }

    #[test]
    fn an_injured_response_is_refused_or_taken_calmly(
        response in response(), injuries in injuries(), chunk in 1..30_000_usize,
    ) {
        let mut bytes = response.encode().unwrap();
        injure(&mut bytes, injuries);
        check_response_bytes(response.version, &bytes, chunk);
    }

    #[test]
    fn packed_text_unpacks_to_itself_and_to_no_less(text in text()) {
        let packed = pack(&text);
        prop_assert_eq!(unpack(&packed, text.len()), Ok(text.clone()));
        if let Some(limit) = text.len().checked_sub(1) {
            prop_assert_eq!(unpack(&packed, limit), Err(ProtocolError::UnpacksTooLong { limit }));
        }
    }

    #[test]
    fn injured_streams_unpack_within_the_limit(text in text(), injuries in injuries()) {
        let mut packed = pack(&text);
        injure(&mut packed, injuries);
        if let Ok(unpacked) = unpack(&packed, LIMITS.unpacked_bytes) {
            prop_assert!(unpacked.capacity() <= LIMITS.unpacked_bytes);
        }
    }
}
