//! What C distcc and distccd 3.4 said to each other (read off a proxy between them), both ways, in pieces of every
//! kind and cut at every byte.

use super::{Fed, feed_request, feed_response, words};
use crate::{
    Limits, Progress, ProtocolError, Request, RequestDecoder, Response, Token, Version, WaitStatus,
    bulk_header, encode_request, request_head,
};

const PLAIN_REQUEST: &[u8] = include_bytes!("captures/plain.request");
const PLAIN_RESPONSE: &[u8] = include_bytes!("captures/plain.response");
const LZO_REQUEST: &[u8] = include_bytes!("captures/lzo.request");
const LZO_RESPONSE: &[u8] = include_bytes!("captures/lzo.response");
const FAIL_REQUEST: &[u8] = include_bytes!("captures/fail.request");
const FAIL_RESPONSE: &[u8] = include_bytes!("captures/fail.response");

fn request(version: Version, command: &str, source: &str) -> Request {
    Request { version, args: words(command), source: source.into() }
}

fn check_request(bytes: &[u8], expected: &Request) {
    let encoded = encode_request(expected.version, &expected.args, &expected.source).unwrap();
    assert_eq!(encoded.escape_ascii().to_string(), bytes.escape_ascii().to_string());
    check_pieces(bytes, expected, |bytes, chunk| feed_request(bytes, chunk, &Limits::default()));
}

pub(super) fn check_response(bytes: &[u8], expected: &Response) {
    assert_eq!(expected.encode().unwrap().escape_ascii().to_string(), bytes.escape_ascii().to_string());
    check_pieces(bytes, expected, |bytes, chunk| {
        feed_response(expected.version, bytes, chunk, &Limits::default())
    });
}

/// The same in pieces of every kind, and with a stranger's bytes behind it, which stay where they are.
pub(super) fn check_pieces<T: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    expected: &T,
    feed: impl Fn(&[u8], usize) -> Fed<T>,
) {
    let followed = [bytes, b"and then some"].concat();
    for chunk in [1, 2, 3, 7, 12, 13, followed.len()] {
        for bytes in [bytes, &followed] {
            let fed = feed(bytes, chunk);
            assert_eq!(fed.outcome.as_ref(), Ok(expected), "in pieces of {chunk}");
            assert_eq!(&followed[fed.read..], b"and then some");
        }
    }
    for end in 0..bytes.len() {
        for chunk in [1, 7, bytes.len()] {
            match feed(&bytes[..end], chunk).outcome {
                Err(ProtocolError::NoAnswer) => assert_eq!(end, 0),
                Err(ProtocolError::Truncated { .. }) => assert_ne!(end, 0),
                other => panic!("{other:?} from the first {end} bytes"),
            }
        }
    }
}

#[test]
fn requests_as_documented() {
    check_request(
        b"DIST00000001ARGC00000005ARGV00000003gccARGV00000002-cARGV00000003t.iARGV00000002-oARGV00000003t.o\
          DOTI00000007int x;\n",
        &request(Version::One, "gcc -c t.i -o t.o", "int x;\n"),
    );
    check_request(
        b"DIST00000002ARGC00000005ARGV00000003gccARGV00000002-cARGV00000003t.iARGV00000002-oARGV00000003t.o\
          DOTI0000000b\x18int x;\n\x11\0\0",
        &request(Version::Two, "gcc -c t.i -o t.o", "int x;\n"),
    );
    check_request(
        b"DIST00000001ARGC00000005ARGV00000003gccARGV00000002-cARGV00000007hello.cARGV00000002-o\
          ARGV00000007hello.oDOTI00000014int foo(){return 0;}",
        &request(Version::One, "gcc -c hello.c -o hello.o", "int foo(){return 0;}"),
    );
    check_request(b"DIST00000000ARGC00000001ARGV00000003gccDOTI00000000", &request(Version::Zero, "gcc", ""));
    check_request(
        b"DIST00000002ARGC00000002ARGV00000003gccARGV00000000DOTI00000000",
        &request(Version::Two, "gcc ", ""),
    );
}

#[test]
fn requests_as_captured() {
    const COMMAND: &str = "x86_64-linux-gnu-gcc -c t.i -o t.o";
    check_request(PLAIN_REQUEST, &request(Version::One, COMMAND, "int x;\n"));
    check_request(LZO_REQUEST, &request(Version::Two, COMMAND, "int x;\n"));
    check_request(FAIL_REQUEST, &request(Version::Two, COMMAND, "int y"));
}

#[test]
fn responses_as_captured() {
    let silent = |version, object| Response {
        version,
        status: WaitStatus::exited(0),
        stderr: Vec::new(),
        stdout: Vec::new(),
        object,
        dependencies: None,
    };
    let plain_object = &PLAIN_RESPONSE[60..];
    assert_eq!(plain_object.len(), 0x350);
    check_response(PLAIN_RESPONSE, &silent(Version::One, plain_object.to_vec()));

    let lzo = feed_response(Version::Two, LZO_RESPONSE, 1, &Limits::default()).outcome.unwrap();
    assert_eq!(lzo.object.len(), plain_object.len());
    assert_eq!(lzo.object[..16], plain_object[..16]);
    check_response(LZO_RESPONSE, &silent(Version::Two, lzo.object));

    const MESSAGE: &str = "/tmp/distccd_b05b24fd.i:1:1: error: expected ‘=’, ‘,’, ‘;’, ‘asm’ or ‘__attribute__’ \
        at end of input\n    1 | int y\n      | ^~~\n";
    let status = WaitStatus::exited(1);
    check_response(
        FAIL_RESPONSE,
        &Response { status, stderr: MESSAGE.into(), ..silent(Version::Two, Vec::new()) },
    );
}

#[test]
fn what_distccd_never_says_in_pieces_too() {
    let noisy = |version| Response {
        version,
        status: WaitStatus::exited(0),
        stderr: b"t.c:1: warning: none\n".repeat(40),
        stdout: b"words".to_vec(),
        object: b"\x7fELF\0\0\0\0".repeat(30),
        dependencies: (version == Version::Three).then(|| b"t.o: t.c\n".to_vec()),
    };
    for response in [Version::Zero, Version::One, Version::Two, Version::Three].map(noisy) {
        check_response(&response.encode().unwrap(), &response);
    }
    // The compiler was killed, and what it wrote is no object.
    let killed = Response { status: WaitStatus::signalled(11, true), ..noisy(Version::Two) };
    let sent = Response { object: Vec::new(), ..killed.clone() };
    check_response(&killed.encode().unwrap(), &sent);
    let killed = Response { status: WaitStatus::signalled(9, false), ..noisy(Version::Three) };
    let sent = Response { object: Vec::new(), dependencies: None, ..killed.clone() };
    check_response(&killed.encode().unwrap(), &sent);
}

#[test]
fn bodies_without_bytes() {
    let check = |body: &str| {
        let message = format!("DIST00000002ARGC00000001ARGV00000003gcc{body}");
        let fed = feed_request(message.as_bytes(), 5, &Limits::default());
        assert_eq!(fed.outcome, Ok(request(Version::Two, "gcc", "")));
    };
    check("DOTI00000000");
    check("DOTI00000003\x11\0\0");
}

#[test]
fn the_command_is_known_before_the_source() {
    let mut decoder = RequestDecoder::new(Limits::default());
    let head = PLAIN_REQUEST.len() - "DOTI00000007int x;\n".len();
    for (at, byte) in PLAIN_REQUEST[..PLAIN_REQUEST.len() - 1].iter().enumerate() {
        assert_eq!(decoder.args().is_some(), at >= head, "at byte {at}");
        decoder.space()[0] = *byte;
        assert_eq!(decoder.advance(1), Ok(Progress::More));
    }
    assert_eq!(decoder.args(), Some(&words("x86_64-linux-gnu-gcc -c t.i -o t.o")[..]));
}

#[test]
fn a_request_in_two_parts() {
    let args = words("gcc -c t.i");
    let mut bytes = request_head(Version::One, &args);
    bytes.extend(bulk_header(Token::DOTI, 7));
    bytes.extend(b"int x;\n");
    assert_eq!(bytes, encode_request(Version::One, &args, b"int x;\n").unwrap());
}
