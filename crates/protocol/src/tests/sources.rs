//! Version 3 as C distcc and distccd 3.4 spoke it (read off a proxy between them), both ways, and what is none of it.

use std::path::Path;

use super::captured::{check_pieces, check_response};
use super::{feed_any_request, feed_request, words};
use crate::{
    ArrivedFiles, Content, FileEntry, Limits, MARKER, Progress, ProtocolError, RequestDecoder, Response,
    Version, WaitStatus, file_head, files_header, link, pack_file, sources_head,
};

/// All of it in one buffer.
pub(super) fn encode(sources: &ArrivedFiles) -> Vec<u8> {
    let mut bytes = sources_head(&sources.directory, &sources.args);
    bytes.extend(files_header(sources.entries.len() as u32));
    for FileEntry { name, content } in &sources.entries {
        match content {
            Content::File(body) => {
                bytes.extend(file_head(name, body.len() as u32));
                bytes.extend(body);
            }
            Content::Link(target) => bytes.extend(link(name, target)),
        }
    }
    bytes
}

fn file(name: &str, text: &str) -> FileEntry {
    FileEntry { name: name.into(), content: Content::File(pack_file(text.as_bytes())) }
}

fn system_directory(name: &str, up: usize) -> FileEntry {
    let target = format!("{}{}", "../".repeat(up), &name[1..]);
    FileEntry { name: name.into(), content: Content::Link(target.into()) }
}

fn check(bytes: &[u8], expected: ArrivedFiles) {
    assert_eq!(encode(&expected).escape_ascii().to_string(), bytes.escape_ascii().to_string());
    check_pieces(bytes, &Err(expected), |bytes, chunk| feed_any_request(bytes, chunk, &Limits::default()));
}

#[test]
fn a_request_as_documented() {
    let up = |count: usize| "../".repeat(count);
    let bytes = [
        "DIST00000003CDIR00000007/tmp/pdARGC00000008ARGV00000003gccARGV00000003-MDARGV00000002-cARGV00000003p.c\
         ARGV00000002-oARGV00000003p.oARGV00000003-MTARGV00000003p.oNFIL00000006\
         NAME0000000b/tmp/pd/p.cFILE0000001c)#include \"h.h\"\nint x=H;\n\x11\0\0\
         NAME0000000b/tmp/pd/h.hFILE00000010\x1d#define H 1\n\x11\0\0\
         NAME00000028/usr/lib/gcc/x86_64-linux-gnu/12/includeLINK00000075",
        &up(26),
        "usr/lib/gcc/x86_64-linux-gnu/12/includeNAME00000012/usr/local/includeLINK00000056",
        &up(23),
        "usr/local/includeNAME0000000c/usr/includeLINK0000004d",
        &up(22),
        "usr/includeNAME00000020/tmp/pd/forcing_technique_271828FILE00000000",
    ]
    .concat();
    let marker = FileEntry { name: Path::new("/tmp/pd").join(MARKER), content: Content::File(Vec::new()) };
    let expected = ArrivedFiles {
        args: words("gcc -MD -c p.c -o p.o -MT p.o"),
        directory: "/tmp/pd".into(),
        entries: vec![
            file("/tmp/pd/p.c", "#include \"h.h\"\nint x=H;\n"),
            file("/tmp/pd/h.h", "#define H 1\n"),
            system_directory("/usr/lib/gcc/x86_64-linux-gnu/12/include", 26),
            system_directory("/usr/local/include", 23),
            system_directory("/usr/include", 22),
            marker,
        ],
    };
    check(bytes.as_bytes(), expected);
}

#[test]
fn requests_of_other_shapes() {
    let sources = |entries| ArrivedFiles { args: words("cc -c a.c"), directory: "/d".into(), entries };
    let head = b"DIST00000003CDIR00000002/dARGC00000003ARGV00000002ccARGV00000002-cARGV00000003a.c";
    let check = |body: &[u8], entries| check(&[&head[..], body].concat(), sources(entries));
    check(b"NFIL00000000", vec![]);
    check(b"NFIL00000001NAME00000004/d/eFILE00000003\x11\0\0", vec![file("/d/e", "")]);
    check(
        b"NFIL00000002NAME00000004/d/lLINK00000002/rNAME00000000LINK00000000",
        vec![
            FileEntry { name: "/d/l".into(), content: Content::Link("/r".into()) },
            FileEntry { name: "".into(), content: Content::Link("".into()) },
        ],
    );
}

#[test]
fn a_response_as_documented() {
    let silent = |object: &[u8], rule: &str| Response {
        version: Version::Three,
        status: WaitStatus::exited(0),
        stderr: Vec::new(),
        stdout: Vec::new(),
        object: object.to_vec(),
        dependencies: Some(rule.into()),
    };
    check_response(
        b"DONE00000003STAT00000000SERR00000000SOUT00000000DOTO0000000b\x18int x;\n\x11\0\0DOTD0000002c\
          9p.o: p.c /usr/include/stdc-predef.h h.h\n\x11\0\0",
        &silent(b"int x;\n", "p.o: p.c /usr/include/stdc-predef.h h.h\n"),
    );
    check_response(
        b"DONE00000003STAT00000000SERR00000000SOUT00000000DOTO00000000DOTD00000000",
        &silent(b"", ""),
    );
    let failed = Response { status: WaitStatus::exited(1), dependencies: None, ..silent(b"", "") };
    check_response(b"DONE00000003STAT00000100SERR00000000SOUT00000000DOTO00000000", &failed);
}

#[test]
fn requests_that_are_none() {
    let check = |body: &str, message: &str| {
        let bytes = format!("DIST00000003{body}");
        let fed = feed_request(bytes.as_bytes(), bytes.len(), &Limits::default());
        assert_eq!(fed.outcome.unwrap_err().to_string(), message, "{body:?}");
        assert!(fed.surplus <= 1024, "{} bytes held for {body:?}", fed.surplus);
    };
    let head = "CDIR00000001/ARGC00000001ARGV00000002cc";
    check("ARGC00000001", "expected token \"CDIR\", got \"ARGC00000001\"");
    check("CDIR00001000", "CDIR of 4096 is over the limit of 4095");
    check("CDIR00000003/\0/", "NUL byte in a name");
    check("CDIR00000001/ARGC00000000", "no arguments, not even a compiler name");
    check(&format!("{head}DOTI00000000"), "expected token \"NFIL\", got \"DOTI00000000\"");
    check(&format!("{head}NFIL000f4240"), "NFIL of 1000000 is over the limit of 100000");
    check(&format!("{head}NFILffffffff"), "NFIL of 4294967295 is over the limit of 100000");
    check(&format!("{head}NFIL00000001FILE"), "expected token \"NAME\", got \"FILE\"");
    check(&format!("{head}NFIL00000001NAME00001000"), "NAME of 4096 is over the limit of 4095");
    let name = format!("{head}NFIL00000001NAME00000002/a");
    check(&format!("{name}DOTI"), "expected token \"FILE or LINK\", got \"DOTI\"");
    check(&format!("{name}FIXE"), "expected token \"FILE or LINK\", got \"FIXE\"");
    check(&format!("{name}FILE0000000g"), "bad number \"0000000g\" in FILE");
    check(&format!("{name}FILE40000001"), "FILE of 1073741825 is over the limit of 1073741824");
    check(&format!("{name}LINK00001000"), "LINK of 4096 is over the limit of 4095");
    check(&format!("{name}LINK00000001\0"), "NUL byte in a name");
    check(&name, "connection closed, expected FILE or LINK");
    check(&format!("{name}LI"), "connection closed, expected FILE or LINK");
    check(&format!("{name}LINK00000002/"), "connection closed, expected the rest of LINK");
    check(&format!("{head}NFIL00000002NAME00000002/aFILE00000000"), "connection closed, expected NAME");
}

#[test]
fn limits_count_what_is_claimed() {
    let limits = Limits { names: 3, name_bytes: 5, names_bytes: 8, bulk_bytes: 4, ..Limits::default() };
    let check = |body: &str, error: Option<(&'static str, u64, u64)>| {
        let bytes = format!("DIST00000003CDIR00000001/ARGC00000001ARGV00000002cc{body}");
        let outcome = feed_any_request(bytes.as_bytes(), 5, &limits).outcome;
        let error = error.map(|(what, claimed, limit)| ProtocolError::TooLong { what, claimed, limit });
        assert_eq!(outcome.err(), error, "{body}");
    };
    check("NFIL00000004", Some(("NFIL", 4, 3)));
    check("NFIL00000001NAME00000006", Some(("NAME", 6, 5)));
    check("NFIL00000001NAME00000005/1234LINK00000004", Some(("LINK", 4, 3)));
    check("NFIL00000002NAME00000002/1FILE00000003123NAME00000002/2FILE00000002", Some(("FILE", 2, 1)));
    check("NFIL00000002NAME00000002/1FILE00000003123NAME00000006", Some(("NAME", 6, 5)));
    check("NFIL00000002NAME00000002/1FILE00000003123NAME00000004/123FILE000000011", None);
}

#[test]
fn what_is_known_before_the_files() {
    let sources = ArrivedFiles {
        args: words("gcc -c t.c"),
        directory: "/d".into(),
        entries: vec![file("/d/t.c", "int x;\n")],
    };
    let (bytes, head) = (encode(&sources), sources_head(&sources.directory, &sources.args).len());
    let mut decoder = RequestDecoder::new(Limits::default());
    for (at, byte) in bytes.iter().enumerate() {
        assert_eq!(decoder.args().is_some(), at >= head, "at byte {at}");
        assert_eq!(decoder.version().is_some(), at >= 12);
        decoder.space()[0] = *byte;
        let progress = decoder.advance(1).unwrap();
        assert_eq!(progress == Progress::More, at + 1 < bytes.len());
        if at >= head && at + 1 < bytes.len() {
            assert_eq!(decoder.directory(), Some(Path::new("/d")));
            assert_eq!(decoder.args(), Some(&sources.args[..]));
        }
    }
}

#[test]
fn what_a_request_holds_is_counted() {
    let entries: Vec<FileEntry> = (0..5000).map(|at| file(&format!("/d/{at}"), &"x".repeat(at))).collect();
    let least: usize =
        entries.iter().map(|entry| entry.name.as_os_str().len() + size_of::<FileEntry>()).sum();
    let sources = ArrivedFiles { args: words("cc"), directory: "/d".into(), entries };
    let bytes = encode(&sources);
    // The feeding itself checks that no more is held than was announced.
    assert_eq!(feed_any_request(&bytes, 50_000, &Limits::default()).outcome, Ok(Err(sources.clone())));
    assert!(sources.holds() > least && sources.holds() < bytes.len() + 5000 * 200);
}
