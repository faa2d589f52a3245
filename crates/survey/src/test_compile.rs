//! The job that a host is tried with, as bytes, and what its answer says of the host. Knows no socket.

use protocol::{Version, WaitStatus, encode_request, file_head, files_header, pack_file, sources_head};
use std::ffi::OsString;
use std::path::Path;

const SOURCE: &[u8] = b"int foo(){return 0;}";

/// No object of so short a source is as long, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;

/// Letters and digits of a packet together, in bytes.
const HEADER: usize = 12;

/// How a job is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Version 1.
    Plain,
    /// Version 2: compressed.
    Lzo,
    /// Version 3: compressed, and preprocessed by the host.
    Pump,
}

/// A job and what to expect of its answer.
#[derive(Debug, Clone)]
pub(crate) struct TestCompile {
    pub(crate) request: Vec<u8>,
    protocol: Protocol,
}

impl Protocol {
    /// By its version number.
    pub(crate) fn numbered(number: u32) -> Option<Protocol> {
        [Protocol::Plain, Protocol::Lzo, Protocol::Pump].into_iter().find(|known| known.number() == number)
    }

    /// The options of a host that is spoken to like this, as a host list has them.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Protocol::Plain => "",
            Protocol::Lzo => ",lzo",
            Protocol::Pump => ",lzo,cpp",
        }
    }

    fn number(self) -> u32 {
        match self {
            Protocol::Plain => 1,
            Protocol::Lzo => 2,
            Protocol::Pump => 3,
        }
    }

    /// The tokens behind `DONE` and `STAT` of an answer that tells of success.
    fn bodies(self) -> &'static [&'static str] {
        match self {
            Protocol::Plain | Protocol::Lzo => &["SERR", "SOUT", "DOTO"],
            Protocol::Pump => &["SERR", "SOUT", "DOTO", "DOTD"],
        }
    }
}

impl TestCompile {
    /// A job for the compiler of this name.
    pub(crate) fn new(protocol: Protocol, compiler: &str) -> TestCompile {
        let args: Vec<OsString> = [compiler, "-c", "hello.c", "-o", "hello.o"].map(OsString::from).into();
        let short = "a short source has a length that fits";
        let request = match protocol {
            Protocol::Plain => encode_request(Version::One, &args, SOURCE).expect(short),
            Protocol::Lzo => encode_request(Version::Two, &args, SOURCE).expect(short),
            Protocol::Pump => pump_request(&args),
        };
        TestCompile { request, protocol }
    }

    /// What the answer so far says: true when it is whole and tells of success, false when more has to come, else why
    /// the host is of no use.
    pub(crate) fn succeeded(&self, answer: &[u8]) -> Result<bool, String> {
        let mut rest = answer;
        let Some(version) = number(&mut rest, "DONE")? else { return Ok(false) };
        if version != self.protocol.number() {
            return Err(format!("answers in protocol {version}, not {}", self.protocol.number()));
        }
        let Some(status) = number(&mut rest, "STAT")? else { return Ok(false) };
        if let Some(how) = failure(WaitStatus::from_raw(status)) {
            return Err(format!("the test compile {how}"));
        }
        for token in self.protocol.bodies() {
            let Some(length) = number(&mut rest, token)? else { return Ok(false) };
            if length == 0 && *token == "DOTO" {
                return Err("sends no object".to_owned());
            }
            match rest.split_at_checked(length as usize) {
                Some((_, behind)) => rest = behind,
                None if length as usize > LONGEST_ANSWER => return Err(format!("{token} of {length} bytes")),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// Like version 2, but with a directory in front and a file instead of the preprocessed source.
fn pump_request(args: &[OsString]) -> Vec<u8> {
    let source = pack_file(SOURCE);
    let length = u32::try_from(source.len()).expect("a short source has a length that fits");
    let head = sources_head(Path::new("/"), args);
    [head, files_header(1).to_vec(), file_head(Path::new("/hello.c"), length), source].concat()
}

/// The number of the next packet, which must be a `token`; None when its header has not come whole.
fn number(rest: &mut &[u8], token: &str) -> Result<Option<u32>, String> {
    let letters = token.as_bytes();
    let compared = rest.len().min(letters.len());
    let seen = |bytes: &[u8]| bytes[..bytes.len().min(HEADER)].escape_ascii().to_string();
    if rest[..compared] != letters[..compared] {
        return Err(format!("answers \"{}\" where {token} has to come", seen(rest)));
    }
    let Some((header, behind)) = rest.split_at_checked(HEADER) else { return Ok(None) };
    let digits = std::str::from_utf8(&header[letters.len()..]).unwrap_or_default();
    let strict = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match u32::from_str_radix(digits, 16) {
        Ok(number) if strict => {
            *rest = behind;
            Ok(Some(number))
        }
        _ => Err(format!("answers \"{}\" where a number has to come", seen(header))),
    }
}

fn failure(status: WaitStatus) -> Option<String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code), _) => Some(format!("exits with {code}")),
        (None, Some(signal)) => Some(format!("is killed by signal {signal}")),
        (None, None) => Some(format!("ends with status {:#x}", status.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What lsdistcc 3.4 sends, with -pgcc.
    #[test]
    fn jobs_as_3_4_sends_them() {
        let check = |protocol, expected: &[u8]| {
            let request = TestCompile::new(protocol, "gcc").request;
            assert_eq!(request.escape_ascii().to_string(), expected.escape_ascii().to_string());
        };
        check(
            Protocol::Plain,
            b"DIST00000001ARGC00000005ARGV00000003gccARGV00000002-cARGV00000007hello.cARGV00000002-o\
              ARGV00000007hello.oDOTI00000014int foo(){return 0;}",
        );
        check(
            Protocol::Lzo,
            b"DIST00000002ARGC00000005ARGV00000003gccARGV00000002-cARGV00000007hello.cARGV00000002-o\
              ARGV00000007hello.oDOTI00000018%int foo(){return 0;}\x11\0\0",
        );
        check(
            Protocol::Pump,
            b"DIST00000003CDIR00000001/ARGC00000005ARGV00000003gccARGV00000002-cARGV00000007hello.c\
              ARGV00000002-oARGV00000007hello.oNFIL00000001NAME00000008/hello.cFILE00000018\
              %int foo(){return 0;}\x11\0\0",
        );
    }

    const GOOD: &str = "DONE00000001STAT00000000SERR00000003wowSOUT00000000DOTO00000002ab";
    const GOOD_3: &str = "DONE00000003STAT00000000SERR00000000SOUT00000000DOTO00000001aDOTD00000001d";

    #[track_caller]
    fn check(protocol: Protocol, answer: &str, expected: Result<bool, &str>) {
        let said = TestCompile::new(protocol, "gcc").succeeded(answer.as_bytes());
        assert_eq!(said.as_ref().map_err(String::as_str).copied(), expected, "{answer}");
    }

    #[test]
    fn answers() {
        use Protocol::{Lzo, Plain, Pump};
        check(Plain, GOOD, Ok(true));
        check(Plain, &format!("{GOOD}and more"), Ok(true));
        check(Pump, GOOD_3, Ok(true));
        check(Lzo, GOOD, Err("answers in protocol 1, not 2"));
        check(Plain, "DONE00000001STAT00000100", Err("the test compile exits with 1"));
        check(Plain, "DONE00000001STAT0000000b", Err("the test compile is killed by signal 11"));
        check(Plain, "SSH-2.0-x", Err("answers \"SSH-2.0-x\" where DONE has to come"));
        check(Plain, "DONE0000 001", Err("answers \"DONE0000 001\" where a number has to come"));
        check(Plain, "DONE+0000001", Err("answers \"DONE+0000001\" where a number has to come"));
        check(Plain, "DONE00000001STAT00000000SERR00000000SOUT00000000DOTO00000000", Err("sends no object"));
        check(Plain, "DONE00000001STAT00000000SERRffffffff", Err("SERR of 4294967295 bytes"));
    }

    #[test]
    fn answers_cut_at_every_byte_are_incomplete() {
        for end in 0..GOOD.len() {
            check(Protocol::Plain, &GOOD[..end], Ok(false));
        }
        for end in 0..GOOD_3.len() {
            check(Protocol::Pump, &GOOD_3[..end], Ok(false));
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_judged(
            cut in 0usize..GOOD.len(),
            bytes in prop::collection::vec(any::<u8>(), 0..30),
        ) {
            let answer = [&GOOD.as_bytes()[..cut], &bytes].concat();
            let test = TestCompile::new(Protocol::Plain, "gcc");
            let whole = test.succeeded(&answer);
            // More bytes may complete an answer, and never mend one.
            for end in 0..answer.len() {
                match test.succeeded(&answer[..end]) {
                    Ok(true) => prop_assert_eq!(&whole, &Ok(true)),
                    Err(_) => prop_assert!(whole.is_err()),
                    Ok(false) => {}
                }
            }
        }
    }
}
