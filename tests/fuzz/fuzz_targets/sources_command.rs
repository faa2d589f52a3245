//! Any words, one a line, as a command that comes with its sources: what is taken compiles one input to one object,
//! and is taken again as it is run.
#![no_main]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use cc_args::{Place, SourcesCommand};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let words: Vec<OsString> =
        bytes.split(|byte| *byte == b'\n').map(|word| OsString::from_vec(word.to_vec())).collect();
    let Ok(command) = SourcesCommand::parse(words) else { return };
    let (object, rule) = (OsStr::new("/job/object"), OsStr::new("/job/rule"));
    let compiler = command.compiler().to_owned();
    for place in [Place::Same, Place::Below(Path::new("/job/root"))] {
        let args = command.args_for(place, object, rule);
        assert!(args.windows(2).any(|pair| pair[0] == "-o" && pair[1] == object), "{args:?}");
        assert!(args.iter().any(|word| word.as_bytes().ends_with(command.input().as_bytes())), "{args:?}");
        if place == Place::Same {
            let again = [compiler.clone()].into_iter().chain(args.iter().cloned()).collect();
            assert!(SourcesCommand::parse(again).is_ok(), "{args:?}");
        }
    }
});
