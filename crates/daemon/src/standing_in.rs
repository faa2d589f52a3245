//! How a native gcc stands in for a compiler for an x86 of 32 bits: what it is told, by what it is known, and which jobs
//! would show that it is another. Touches no disk.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use toolchain::Fingerprint;

/// What compilers of distributions for 32 bits do when nobody says otherwise, and the options that say so.
const WORDS: &[(&str, &[&str])] =
    &[("-m32", &[]), ("-march=i686", &["-march="]), ("-mtune=generic", &["-march=", "-mtune=", "-mcpu="])];

/// Options with which an object tells what its compiler was told, or with which it is for another machine; and those
/// that begin like them and do neither.
const TELLTALES: &[(&str, &[&str])] = &[
    ("-g", &["-g0"]),
    ("-flto", &[]),
    ("-frecord-gcc-switches", &[]),
    ("-fverbose-asm", &[]),
    ("-m16", &[]),
    ("-m64", &[]),
    ("-mx32", &[]),
    ("-miamcu", &[]),
    // What a processor is called with 32 bits nobody has compared.
    ("-march=native", &[]),
    ("-mtune=native", &[]),
    ("-mcpu=native", &[]),
];

/// What the native gcc is told before the words of a job.
pub(crate) fn words_for(job: &[OsString]) -> Vec<OsString> {
    let says = |options: &[&str]| job.iter().any(|word| options.iter().any(|option| begins(word, option)));
    WORDS.iter().filter(|(_, unless)| !says(unless)).map(|(word, _)| OsString::from(word)).collect()
}

/// The word of a job with which its object would not be that of the compiler that is stood in for.
pub(crate) fn gives_away(job: &[OsString]) -> Option<&OsString> {
    let tells = |word: &&OsString| {
        TELLTALES.iter().any(|(option, but)| begins(word, option) && !but.iter().any(|but| *word == but))
    };
    job.iter().find(tells)
}

/// By what a stand-in is known while the native gcc has this fingerprint: nothing else has it, for where a native gcc is
/// what a client means nothing has to stand in.
pub(crate) fn fingerprint(native: Fingerprint) -> Fingerprint {
    let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
    let hash = blake3::hash(format!("{} {native}", words.join(" ")).as_bytes());
    hash.to_hex().parse().expect("both are 64 hexadecimal digits")
}

fn begins(word: &OsString, with: &str) -> bool {
    word.as_bytes().starts_with(with.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(words: &str) -> Vec<OsString> {
        words.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn words() {
        let check = |words: &str, expected: &str| {
            assert_eq!(words_for(&job(words)), job(expected), "{words}");
        };
        check("-O2 -c x.c", "-m32 -march=i686 -mtune=generic");
        check("-march=pentium4 -c x.c", "-m32");
        check("-mtune=i586 -c x.c", "-m32 -march=i686");
        check("-march=i586 -mtune=i686", "-m32");
    }

    #[test]
    fn telltales() {
        let check = |words: &str, expected: Option<&str>| {
            assert_eq!(gives_away(&job(words)).and_then(|word| word.to_str()), expected, "{words}");
        };
        check("-O2 -g0 -fno-lto -m32 -c x.c", None);
        check("-O2 -g -c x.c", Some("-g"));
        check("-ggdb3", Some("-ggdb3"));
        check("-flto=auto", Some("-flto=auto"));
        check("-frecord-gcc-switches", Some("-frecord-gcc-switches"));
        check("-m64", Some("-m64"));
        check("-march=native", Some("-march=native"));
    }

    #[test]
    fn fingerprints() {
        let native: Fingerprint = "5".repeat(64).parse().unwrap();
        let other: Fingerprint = "6".repeat(64).parse().unwrap();
        assert_ne!(fingerprint(native), native);
        assert_ne!(fingerprint(native), fingerprint(other));
        assert_eq!(fingerprint(native), fingerprint(native));
    }
}
