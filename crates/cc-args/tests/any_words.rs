//! Whatever the words are, analysis ends, says the same twice, and sends nothing that our own server refuses.

use cc_args::{Compilation, ServerCommand, WhyLocal, analyze};
use proptest::prelude::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// Words that mean something at either end, and values that look like something.
const KNOWN: &str = "-c -S -E -o -ofoo.o x.c x.cc x.i x.CPP x.o x.s x - -- @args @ -x c++ -xc none -D -DX -I -Idir -include \
    -isystem -Wp,-MD,f.d -Wp,-DX,-UY -Wp, -Xpreprocessor -Xclang -Xassembler -Xlinker -Wa,-W,--defsym,A=1 -Wa,-a=f \
    -Wl,-z,now -mllvm -load -target-feature -MD -MF -MFf -MT -MQ -MP -g -g0 -O2 -Wall -fPIC -f -march=native -march=x86-64 \
    -fplugin=x.so -ffile-prefix-map=/a=/b -fnew=/x -l -L/d -arch x86_64 arm64 -target --sysroot=/ --sysroot --param -P -C \
    -v -bogus -finput-charset=x -fdebug-compilation-dir -emit-llvm -std=c99 -pthread /dev/stdout conftest.c -flto";

fn word() -> impl Strategy<Value = OsString> {
    let known = prop::sample::select(KNOWN.split_whitespace().chain([""]).collect::<Vec<_>>());
    let noise = prop::collection::vec(1..=255_u8, 0..8);
    prop_oneof![
        8 => known.prop_map(OsString::from),
        1 => noise.prop_map(OsString::from_vec),
        1 => ("-[a-zA-Z]{1,3}[=,/a-z.]{0,6}").prop_map(OsString::from),
    ]
}

fn command() -> impl Strategy<Value = Vec<OsString>> {
    let compiler = prop::sample::select(vec!["gcc", "g++", "clang", "clang++-14", "cc", "ccache", "-c", ""]);
    (compiler, prop::collection::vec(word(), 0..12), any::<bool>()).prop_map(|(compiler, words, is_a_job)| {
        let job = if is_a_job { vec!["-c", "hello.c"] } else { vec![] };
        [compiler].into_iter().chain(job).map(OsString::from).chain(words).collect()
    })
}

fn read_file(path: &Path) -> Option<Vec<u8>> {
    (path == Path::new("args")).then(|| b"-O2 '-DX=1 2' @args2".to_vec())
}

fn everything(sent: &Compilation) -> Vec<Vec<OsString>> {
    let names =
        vec![sent.input().into(), sent.output().into(), sent.dependency_file().unwrap_or_default().into()];
    let words = vec![sent.preprocess_args(), sent.server_args(), sent.server_args_in(Path::new("/w"))];
    [words, vec![sent.sources_words(), names]].concat()
}

fn summary(command: &[OsString]) -> Result<Vec<Vec<OsString>>, WhyLocal> {
    analyze(command, read_file).map(|sent| everything(&sent))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn analysis_is_bounded_repeatable_and_accepted_by_our_server(command in command()) {
        let summary_once = summary(&command);
        prop_assert_eq!(&summary_once, &summary(&command));
        if let Ok(words) = summary_once {
            let most = command.iter().map(|word| word.len() + 1).sum::<usize>() + 16;
            prop_assert!(words.iter().all(|list| list.len() <= most));
        }
        if let Ok(sent) = analyze(&command, read_file) {
            for words in [sent.server_args(), sent.server_args_in(Path::new("/w"))] {
                let request = [sent.compiler().to_owned()].into_iter().chain(words).collect();
                let accepted = ServerCommand::parse(request);
                prop_assert!(accepted.is_ok(), "{:?}", accepted.err());
                if let Ok(accepted) = accepted {
                    prop_assert_eq!(accepted.language(), sent.language().preprocessed());
                    prop_assert_eq!(accepted.output(), sent.output().as_os_str());
                }
            }
        }
    }

    #[test]
    fn a_server_survives_any_words(words in prop::collection::vec(word(), 0..12)) {
        if let Ok(accepted) = ServerCommand::parse(words) {
            let run = accepted.args_for("IN".as_ref(), "OUT".as_ref());
            prop_assert!(run.iter().any(|word| word == "IN") && run.iter().any(|word| word == "OUT"));
            prop_assert!(!run.iter().any(|word| word.len() > 1 && word.as_encoded_bytes().starts_with(b"@")));
        }
    }
}
