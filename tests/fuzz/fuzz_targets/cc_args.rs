//! Any words, one a line, as a command: what the analyser would send, a server takes, and reads alike. Any words reach
//! the server too. Every response file holds the lines after an empty one, so that it may name itself.
#![no_main]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use cc_args::{Place, ServerCommand, SourcesCommand, analyze};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (command, file) = bytes.split_at(end);
    // No program can be given a zero byte.
    if command.contains(&0) {
        return;
    }
    let command: Vec<OsString> =
        command.split(|byte| *byte == b'\n').map(|word| OsString::from_vec(word.to_vec())).collect();

    if let Ok(received) = SourcesCommand::parse(command.clone()) {
        for place in [Place::Same, Place::Below("/root".as_ref())] {
            let words = received.args_for(place, "OUT".as_ref(), "RULES".as_ref());
            assert!(
                !words.iter().any(|word| word.len() > 1 && word.as_encoded_bytes().starts_with(b"@")),
                "{words:?}"
            );
        }
    }
    if let Ok(received) = ServerCommand::parse(command.clone()) {
        let words = received.args_for(OsStr::new("input"), OsStr::new("output"));
        assert!(words.contains(&"input".into()) && words.contains(&"output".into()), "{words:?}");
    }
    let Ok(compilation) = analyze(&command, |_| Some(file.to_vec())) else { return };
    let _ = (compilation.preprocess_args(), compilation.dependency_file(), compilation.debug_info());
    let mut sent = vec![compilation.compiler().to_owned()];
    sent.extend(compilation.server_args_in(Path::new("/somewhere")));
    let received = ServerCommand::parse(sent.clone()).unwrap_or_else(|refusal| panic!("{refusal}: {sent:?}"));
    assert_eq!(received.output(), compilation.output());
    // A name that C distcc would not take for a source is sent with an extension.
    assert!(received.input().as_bytes().starts_with(compilation.input().as_os_str().as_bytes()), "{sent:?}");
});
