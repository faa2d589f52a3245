//! What only distcc-arch says, both ways, in pieces of every kind and cut at every byte.

use std::ffi::OsString;

use super::captured::check_pieces;
use super::{Fed, feed, feed_response, fill};
use crate::inquiry::{Inquiry, Telling, TellingCompiler, TellingDecoder, TellingLanguage};
use crate::{
    Arrived, Limits, Progress, Proof, ProtocolError, RequestDecoder, Version, encode_request, files_header,
    proof, refusal, sources_head,
};

const FINGERPRINT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const CORE: &str = "ccddeeff00112233445566778899aabbccddeeff00112233445566778899aabb";

/// Bytes that come `chunk` at a time to a client that has asked.
pub(super) fn feed_telling(bytes: &[u8], chunk: usize) -> Fed<Telling> {
    let mut decoder = TellingDecoder::new();
    feed(bytes, chunk, |piece| {
        let count = fill(decoder.space(), piece);
        (count, decoder.advance(count), 0)
    })
}

/// Bytes that come `chunk` at a time to a server: the proof, and what it stands in front of.
pub(super) fn feed_server(bytes: &[u8], chunk: usize) -> Fed<(Option<Proof>, Arrived)> {
    let mut decoder = RequestDecoder::new(Limits::default());
    feed(bytes, chunk, |piece| {
        let count = fill(decoder.space(), piece);
        let progress = match decoder.advance(count) {
            Ok(Progress::Done(arrived)) => Ok(Progress::Done((decoder.proof().cloned(), arrived))),
            Ok(Progress::More) => Ok(Progress::More),
            Err(error) => Err(error),
        };
        (count, progress, decoder.held())
    })
}

fn language(name: &str, whole: Option<&str>, core: Option<&str>) -> TellingLanguage {
    let [whole, core] = [whole, core].map(|print| print.map(str::to_owned));
    TellingLanguage { name: name.to_owned(), whole, core }
}

fn compiler(name: &str, languages: Vec<TellingLanguage>) -> TellingCompiler {
    TellingCompiler {
        name: name.into(),
        target: "x86_64-linux-gnu".to_owned(),
        version: "12.2.0".to_owned(),
        machine: "x86_64".to_owned(),
        languages,
    }
}

fn telling() -> Telling {
    Telling {
        server: "distcc-arch 1.0".to_owned(),
        slots: Some(6),
        features: words("lzo pump"),
        targets: vec!["x86_64-linux-gnu".to_owned()],
        compilers: vec![
            compiler(
                "gcc",
                vec![
                    language("c", Some(FINGERPRINT), Some(CORE)),
                    language("c++", Some(CORE), None),
                    language("objc", Some(CORE), None),
                    language("objc++", None, None),
                ],
            ),
            compiler("a b", Vec::new()),
        ],
        missing: vec![("tcc".into(), "no such program".to_owned())],
    }
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn inquiries() {
    let check = |bytes: &str, names: &[&str]| {
        let inquiry = Inquiry { compilers: names.iter().map(Into::into).collect() };
        assert_eq!(inquiry.encode().escape_ascii().to_string(), bytes.escape_default().to_string());
        check_pieces(bytes.as_bytes(), &(None, Arrived::Inquiry(inquiry)), feed_server);
    };
    check("DIST0000da01ASKT00000000", &[]);
    check("DIST0000da01ASKT0000000dcompiler gcc\n", &["gcc"]);
    check("DIST0000da01ASKT0000001ccompiler g++\ncompiler a%20b\n", &["g++", "a b"]);
}

#[test]
fn tellings() {
    let check = |telling: Telling, bytes: &str| {
        assert_eq!(telling.encode().escape_ascii().to_string(), bytes.escape_default().to_string());
        check_pieces(bytes.as_bytes(), &telling, feed_telling);
    };
    check(
        telling(),
        &format!(
            "DONE0000da01TELL000001deserver distcc-arch 1.0\nslots 6\nfeatures lzo pump\n\
             targets x86_64-linux-gnu\n\
             compiler gcc target=x86_64-linux-gnu version=12.2.0 machine=x86_64 \
             language=c:{FINGERPRINT}:{CORE} language=c++,objc:{CORE} language=objc++\n\
             compiler a%20b target=x86_64-linux-gnu version=12.2.0 machine=x86_64\n\
             missing tcc no such program\n"
        ),
    );
    check(Telling::default(), "DONE0000da01TELL0000001bserver \nfeatures \ntargets \n");
}

/// What a later version says, and what makes no sense, is passed over; the rest counts.
#[test]
fn a_telling_may_say_more_than_is_understood() {
    let check = |text: &str, expected: Telling| {
        let bytes = format!("DONE0000da01TELL{:08x}{text}", text.len());
        assert_eq!(feed_telling(bytes.as_bytes(), 9).outcome, Ok(expected), "{text:?}");
    };
    let none = Telling::default;
    check("weather fine\nslots 4\n\n", Telling { slots: Some(4), ..none() });
    check("slots many\ncompiler %g\nmissing %\nserver\n", none());
    check("missing gcc\n", Telling { missing: vec![("gcc".into(), String::new())], ..none() });
    check(
        "features lzo %g pump\ntargets %ff t\n",
        Telling { features: words("lzo pump"), targets: words("t"), ..none() },
    );
    let gcc = |line: &str, languages: Vec<TellingLanguage>| {
        let (version, machine) = (String::new(), String::new());
        let gcc = TellingCompiler { target: "t".to_owned(), version, machine, ..compiler("gcc", languages) };
        check(&format!("compiler gcc {line}\n"), Telling { compilers: vec![gcc], ..none() });
    };
    let c = |whole, core| vec![language("c", whole, core)];
    gcc("size=9 plus target=t version=%g =", Vec::new());
    gcc("target=t language=", Vec::new());
    gcc("target=t language=c", c(None, None));
    gcc("target=t language=c,,%20:-", c(None, None));
    gcc(&format!("target=t language=c:12:{CORE}"), c(None, None));
    gcc(&format!("target=t language=c:{FINGERPRINT}:12:9"), c(Some(FINGERPRINT), None));
}

/// As many as anybody has, though told without what only a client that compiles must know.
#[test]
fn a_hundred_compilers_fit() {
    let name = |number: usize| format!("riscv64-unknown-linux-gnu-g++-{number}");
    let languages = |number: usize| {
        let whole = |of: usize| format!("{:064x}", 4 * number + of);
        let names = ["c", "c++", "objc", "objc++"].iter().enumerate();
        names.map(|(of, name)| language(name, Some(&whole(of)), None)).collect()
    };
    let compilers: Vec<_> = (0..100).map(|number| compiler(&name(number), languages(number))).collect();
    let fed = feed_telling(&Telling { compilers, ..Telling::default() }.encode(), 5000);
    assert_eq!(fed.outcome.unwrap().compilers.len(), 100);
}

#[test]
fn a_long_telling_is_cut_between_lines() {
    let missing = vec![("gcc".into(), "x".repeat(999)); 100];
    let fed = feed_telling(&Telling { missing, ..Telling::default() }.encode(), 5000);
    assert_eq!(fed.outcome.unwrap().missing.len(), 64);
}

#[test]
fn requests_with_a_proof() {
    let args = ["gcc", "-c", "t.i"].map(OsString::from);
    let text = encode_request(Version::Two, &args, b"int x;\n").unwrap();
    let files = [sources_head("/d".as_ref(), &args), files_header(0).to_vec()].concat();
    for request in [text, files] {
        let alone = feed_server(&request, 7).outcome.unwrap();
        for processor in [vec![], words("-march=znver3 --param=l1-cache-size=32")] {
            let proof_of_it = proof(FINGERPRINT, &processor);
            let proven = Some(Proof { fingerprint: FINGERPRINT.to_owned(), processor });
            check_pieces(&[&proof_of_it[..], &request].concat(), &(proven, alone.1.clone()), feed_server);
        }
    }
    let check = |processor: &[String], expected: &str| {
        assert_eq!(String::from_utf8(proof(FINGERPRINT, processor)).unwrap(), expected);
    };
    check(&[], &format!("DIST0000da01PROV0000004dfingerprint {FINGERPRINT}\n"));
    check(&words("-ma -mb"), &format!("DIST0000da01PROV00000053processor {FINGERPRINT} -ma -mb\n"));
}

#[test]
fn refusals() {
    let bytes = refusal("compiler", "gcc here is 11, not 12");
    assert_eq!(bytes, b"DONE0000da01TELL00000028refused compiler gcc here is 11, not 12\n");
    let expected =
        ProtocolError::Refused { code: "compiler".to_owned(), sentence: "gcc here is 11, not 12".to_owned() };
    for chunk in [1, 7, bytes.len()] {
        let feed = |bytes| feed_response(Version::Two, bytes, chunk, &Limits::default()).outcome;
        assert_eq!(feed(&bytes), Err(expected.clone()));
        for end in 1..bytes.len() {
            let cut = feed(&bytes[..end]);
            assert!(matches!(cut, Err(ProtocolError::Truncated { .. })), "{cut:?} from {end} bytes");
        }
    }
}

#[test]
fn what_is_none_of_it() {
    let request = |bytes: &str, error: &str| {
        assert_eq!(feed_server(bytes.as_bytes(), 99).outcome.unwrap_err().to_string(), error, "{bytes:?}");
    };
    request("DIST0000da02", "protocol version 55810 is not spoken here");
    request("DIST0000da01ARGC00000001", "expected token \"ASKT or PROV\", got \"ARGC00000001\"");
    request("DIST0000da01ASKT00010001", "ASKT of 65537 is over the limit of 65536");
    request("DIST0000da01ASKT00000003a\x1b\n", "bad text \"a\\x1b\" in ASKT");
    request("DIST0000da01ASKT0000000bcompiler %g", "bad text \"%g\" in ASKT");
    request("DIST0000da01PROV00000000", "bad text \"\" in PROV");
    request("DIST0000da01PROV0000000efingerprint 12", "bad text \"fingerprint 12\" in PROV");
    request("DIST0000da01PROV0000000fprocessor 12 -m", "bad text \"processor 12 -m\" in PROV");
    let proof = String::from_utf8(proof(FINGERPRINT, &[])).unwrap();
    request(&format!("{proof}{proof}"), "protocol version 55809 is not spoken here");
    request(&proof, "connection closed, expected DIST");

    let telling = |text: &str, error: &str| {
        let bytes = format!("DONE0000da01TELL{:08x}{text}", text.len());
        assert_eq!(feed_telling(bytes.as_bytes(), 99).outcome.unwrap_err().to_string(), error, "{text:?}");
    };
    telling("server \u{9b}31m\n", "bad text \"server \\xc2\\x9b31m\" in TELL");
    let other = feed_telling(b"DONE00000001STAT00000000", 99).outcome.unwrap_err();
    assert_eq!(other.to_string(), "answered in version 1, asked in version 55809");
}
