//! What a command's words mean for a scan: which change the predefined macros, which the search for headers, which both;
//! asks no compiler and looks at no disk.

use crate::not_covered::NotCovered;
use crate::task::MacroWord;
use cc_args::{Language, TypedOption};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A command with its words sorted by what they do to the preprocessor.
#[derive(Debug)]
pub(crate) struct Words {
    /// The real compiler.
    pub(crate) compiler: PathBuf,
    /// As typed.
    pub(crate) source: PathBuf,
    pub(crate) language: Language,
    /// -D and -U, in order.
    pub(crate) macros: Vec<MacroWord>,
    /// Operands of -imacros, in order.
    pub(crate) imacros: Vec<Vec<u8>>,
    /// Operands of -include, in order.
    pub(crate) include: Vec<Vec<u8>>,
    /// Words that can change the predefined macros and the compiler's own directories.
    pub(crate) manner: Vec<OsString>,
    /// Words that add directories to the search, or leave some out.
    pub(crate) places: Vec<OsString>,
    /// True when the answers to `manner` or `places` depend on the working directory.
    pub(crate) depends_on_directory: bool,
}

/// What becomes of an option.
#[derive(Clone, Copy)]
enum Use {
    /// Changes nothing that a scan looks at.
    Nothing,
    Manner,
    /// Like `Manner`, with a directory in its value.
    Root,
    Place,
    /// Like `Place`, with nothing in its value.
    Omission,
    Define,
    Undefine,
    Include,
    Imacros,
    Unsafe(&'static str),
}

/// Options that do not simply belong to [`Use::Manner`]; sorted. A name stands for what the option table calls so.
const USES: &[(&str, Use)] = &[
    ("--", Use::Nothing),
    ("--define-macro", Use::Define),
    ("--embed-dir", Use::Nothing),
    ("--gcc-install-dir=", Use::Root),
    ("--gcc-toolchain=", Use::Root),
    ("--imacros", Use::Imacros),
    ("--include", Use::Include),
    ("--include-directory", Use::Place),
    ("--ld-path=", Use::Nothing),
    ("--no-standard-includes", Use::Omission),
    ("--pipe", Use::Nothing),
    ("--rtlib=", Use::Nothing),
    ("--shared", Use::Nothing),
    ("--static", Use::Nothing),
    ("--sysroot", Use::Root),
    ("--traditional-cpp", Use::Unsafe("traditional-preprocessor")),
    ("--undefine-macro", Use::Undefine),
    ("--unwindlib=", Use::Nothing),
    ("--verbose", Use::Nothing),
    ("-A", Use::Nothing),
    ("-B", Use::Root),
    ("-C", Use::Nothing),
    ("-CC", Use::Nothing),
    ("-D", Use::Define),
    ("-F", Use::Unsafe("framework")),
    ("-H", Use::Nothing),
    ("-I", Use::Place),
    ("-L", Use::Nothing),
    ("-M", Use::Nothing),
    ("-MD", Use::Nothing),
    ("-MF", Use::Nothing),
    ("-MG", Use::Nothing),
    ("-MMD", Use::Nothing),
    ("-MP", Use::Nothing),
    ("-MQ", Use::Nothing),
    ("-MT", Use::Nothing),
    ("-N", Use::Nothing),
    ("-P", Use::Nothing),
    ("-Q", Use::Nothing),
    ("-R", Use::Nothing),
    ("-S", Use::Nothing),
    ("-T", Use::Nothing),
    ("-Tbss", Use::Nothing),
    ("-Tdata", Use::Nothing),
    ("-Ttext", Use::Nothing),
    ("-U", Use::Undefine),
    ("-W", Use::Nothing),
    ("-Wa,", Use::Nothing),
    ("-Wl,", Use::Nothing),
    ("-Wunused-macros", Use::Nothing),
    ("-Xassembler", Use::Nothing),
    ("-Xlinker", Use::Nothing),
    ("-c", Use::Nothing),
    ("-cxx-isystem", Use::Place),
    ("-d", Use::Nothing),
    ("-dynamic", Use::Nothing),
    ("-e", Use::Nothing),
    ("-emit-llvm", Use::Nothing),
    ("-export-dynamic", Use::Nothing),
    ("-fcolor-diagnostics", Use::Nothing),
    ("-fcoverage-compilation-dir=", Use::Nothing),
    ("-fcoverage-prefix-map=", Use::Nothing),
    ("-fcrash-diagnostics-dir=", Use::Nothing),
    ("-fdebug-compilation-dir", Use::Nothing),
    ("-fdebug-prefix-map=", Use::Nothing),
    ("-fdiagnostics-color", Use::Nothing),
    ("-fdiagnostics-format=", Use::Nothing),
    ("-fdirectives-only", Use::Unsafe("directives-only")),
    ("-ffile-compilation-dir=", Use::Nothing),
    ("-ffile-prefix-map=", Use::Nothing),
    ("-finstrument-functions-exclude-file-list=", Use::Nothing),
    ("-fkeep-system-includes", Use::Nothing),
    ("-fmacro-prefix-map=", Use::Nothing),
    ("-fminimize-whitespace", Use::Nothing),
    ("-fno-color-diagnostics", Use::Nothing),
    ("-fno-diagnostics-color", Use::Nothing),
    ("-fno-directives-only", Use::Nothing),
    ("-fno-working-directory", Use::Nothing),
    ("-fprofile-prefix-map=", Use::Nothing),
    ("-fprofile-prefix-path=", Use::Nothing),
    ("-framework", Use::Nothing),
    ("-frandom-seed=", Use::Nothing),
    ("-frewrite-imports", Use::Nothing),
    ("-frewrite-includes", Use::Nothing),
    ("-fuse-ld=", Use::Nothing),
    ("-fuse-line-directives", Use::Nothing),
    ("-g", Use::Nothing),
    ("-gcc-toolchain", Use::Root),
    ("-h", Use::Nothing),
    ("-ibuiltininc", Use::Omission),
    ("-idirafter", Use::Place),
    ("-iframework", Use::Unsafe("framework")),
    ("-iframeworkwithsysroot", Use::Unsafe("framework")),
    ("-imacros", Use::Imacros),
    ("-imultiarch", Use::Unsafe("search-option")),
    ("-imultilib", Use::Unsafe("search-option")),
    ("-include", Use::Include),
    ("-index-header-map", Use::Unsafe("header-map")),
    ("-iprefix", Use::Place),
    ("-iquote", Use::Place),
    ("-isysroot", Use::Root),
    ("-isystem", Use::Place),
    ("-isystem-after", Use::Place),
    ("-iwithprefix", Use::Place),
    ("-iwithprefixbefore", Use::Place),
    ("-iwithsysroot", Use::Place),
    ("-l", Use::Nothing),
    ("-n", Use::Nothing),
    ("-no-pie", Use::Nothing),
    ("-nobuiltininc", Use::Omission),
    ("-nodefaultlibs", Use::Nothing),
    ("-nolibc", Use::Nothing),
    ("-nopie", Use::Nothing),
    ("-nostartfiles", Use::Nothing),
    ("-nostdinc", Use::Omission),
    ("-nostdinc++", Use::Omission),
    ("-nostdlib", Use::Nothing),
    ("-nostdlib++", Use::Nothing),
    ("-nostdlibinc", Use::Omission),
    ("-o", Use::Nothing),
    ("-pipe", Use::Nothing),
    ("-r", Use::Nothing),
    ("-rdynamic", Use::Nothing),
    ("-remap", Use::Unsafe("remap")),
    ("-rpath", Use::Nothing),
    ("-rtlib=", Use::Nothing),
    ("-s", Use::Nothing),
    ("-shared", Use::Nothing),
    ("-static", Use::Nothing),
    ("-stdlib++-isystem", Use::Place),
    ("-symbolic", Use::Nothing),
    ("-t", Use::Nothing),
    ("-time", Use::Nothing),
    ("-traditional", Use::Unsafe("traditional-preprocessor")),
    ("-traditional-cpp", Use::Unsafe("traditional-preprocessor")),
    ("-u", Use::Nothing),
    ("-undefined", Use::Nothing),
    ("-unwindlib=", Use::Nothing),
    ("-v", Use::Nothing),
    ("-w", Use::Nothing),
    ("-x", Use::Nothing),
    ("-z", Use::Nothing),
];

impl Words {
    /// Sorts a command's words (the compiler's absolute path first). What no other machine may do, or no scan can promise,
    /// is not covered; the codes of the former are those of [`cc_args::WhyLocal`].
    pub(crate) fn of(command: &[OsString]) -> Result<Words, NotCovered> {
        let compilation = cc_args::analyze(command, |_| None)
            .map_err(|why| NotCovered::new(why.code(), why.to_string()))?;
        if compilation.is_preprocessed() {
            return Err(NotCovered::new("preprocessed", "the source needs no preprocessor"));
        }
        let mut sorted = Words {
            compiler: PathBuf::from(compilation.compiler()),
            source: compilation.input().to_owned(),
            language: compilation.language(),
            macros: Vec::new(),
            imacros: Vec::new(),
            include: Vec::new(),
            manner: Vec::new(),
            places: Vec::new(),
            depends_on_directory: false,
        };
        for option in compilation.typed_options() {
            sorted.add(&option)?;
        }
        Ok(sorted)
    }

    fn add(&mut self, option: &TypedOption) -> Result<(), NotCovered> {
        let value = || option.value.as_bytes().to_vec();
        match use_of(option) {
            Use::Nothing => {}
            Use::Manner => self.manner.extend_from_slice(option.words),
            Use::Root => {
                self.depends_on_directory |= !is_absolute(option.value);
                self.manner.extend_from_slice(option.words);
            }
            Use::Place => {
                check_place(option)?;
                self.depends_on_directory |= !is_absolute(option.value);
                self.places.extend_from_slice(option.words);
            }
            Use::Omission => self.places.extend_from_slice(option.words),
            Use::Define => self.macros.push(MacroWord::Define(value())),
            Use::Undefine => self.macros.push(MacroWord::Undefine(value())),
            Use::Include => self.include.push(value()),
            Use::Imacros => self.imacros.push(value()),
            Use::Unsafe(code) => return Err(says_no(code, option)),
        }
        Ok(())
    }

    /// What the compiler calls the source's language after -x.
    pub(crate) fn language_name(&self) -> &'static str {
        match self.language {
            Language::C | Language::PreprocessedC => "c",
            Language::Cxx | Language::PreprocessedCxx => "c++",
            Language::ObjC | Language::PreprocessedObjC => "objective-c",
            Language::ObjCxx | Language::PreprocessedObjCxx => "objective-c++",
        }
    }

    /// True when the command leaves out the system's directories, and with them the header that gcc includes by itself.
    pub(crate) fn leaves_out_the_system(&self) -> bool {
        self.places.iter().any(|word| word == "-nostdinc" || word == "--no-standard-includes")
            || self.manner.iter().any(|word| word == "-ffreestanding" || word == "-fno-hosted")
    }

    /// True when a word says of directories that they are the system's.
    pub(crate) fn adds_to_the_system(&self) -> bool {
        let kinds: [&[u8]; 4] = [b"isystem", b"dirafter", b"directory-after", b"with-prefix"];
        let is_one = |word: &[u8]| kinds.iter().any(|kind| memchr::memmem::find(word, kind).is_some());
        self.places.iter().any(|word| is_one(word.as_bytes()) || word.as_bytes().starts_with(b"-iwithprefix"))
    }
}

fn use_of(option: &TypedOption) -> Use {
    let value = option.value.as_bytes();
    match USES.binary_search_by(|(name, _)| (*name).cmp(option.name)) {
        Ok(at) => USES[at].1,
        // The assembly of inline functions and the registers of a processor are no matter of directives.
        Err(_) if option.name == "-finput-charset=" && !is_utf8(value) => Use::Unsafe("input-charset"),
        Err(_) if option.name == "-f" && value == b"preprocessed" => Use::Unsafe("preprocessed"),
        Err(_) => Use::Manner,
    }
}

fn is_utf8(charset: &[u8]) -> bool {
    charset.eq_ignore_ascii_case(b"utf-8") || charset.eq_ignore_ascii_case(b"utf8")
}

fn check_place(option: &TypedOption) -> Result<(), NotCovered> {
    let value = option.value.as_bytes();
    if value == b"-" {
        return Err(says_no("split-search", option));
    }
    if value.ends_with(b".hmap") {
        return Err(says_no("header-map", option));
    }
    // The compiler prints its search list a directory a line.
    if value.contains(&b'\n') { Err(says_no("search-option", option)) } else { Ok(()) }
}

fn says_no(code: &'static str, option: &TypedOption) -> NotCovered {
    NotCovered::new(
        code,
        format!("{} says what no scan can promise", option.words.join(OsStr::new(" ")).display()),
    )
}

/// Joined values that begin with `=` are below the sysroot.
fn is_absolute(value: &OsStr) -> bool {
    Path::new(value).is_absolute() || value.as_bytes().starts_with(b"=/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uses_are_sorted() {
        for pair in USES.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} before {}", pair[0].0, pair[1].0);
        }
    }

    /// What `/usr/bin/gcc -c x.c WORDS` amounts to.
    #[track_caller]
    fn check(words: &str, expected: &str) {
        let command: Vec<OsString> = ["/usr/bin/gcc", "-c", "x.c"]
            .into_iter()
            .chain(words.split_whitespace())
            .map(Into::into)
            .collect();
        let shown = match Words::of(&command) {
            Err(reason) => reason.code.to_owned(),
            Ok(words) => {
                let join = |list: &[OsString]| list.join(OsStr::new(" ")).display().to_string();
                let here = if words.depends_on_directory { " | here" } else { "" };
                format!("{} | {} | {}{here}", join(&words.manner), join(&words.places), given(&words))
            }
        };
        assert_eq!(shown, expected, "{words}");
    }

    fn given(words: &Words) -> String {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let macros = words.macros.iter().map(|word| match word {
            MacroWord::Define(value) => format!("+{}", text(value)),
            MacroWord::Undefine(value) => format!("-{}", text(value)),
        });
        let imacros = words.imacros.iter().map(|name| format!("imacros {}", text(name)));
        let include = words.include.iter().map(|name| format!("include {}", text(name)));
        macros.chain(imacros).chain(include).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn words_are_sorted_by_what_they_change() {
        check("-O2 -Wall -g -o y.o -std=c99 -fPIC -m32", "-O2 -std=c99 -fPIC -m32 |  | ");
        check("-MD -MF x.d -MT y -MP -MMD", " |  | ");
        check("-I a -I/b -iquote c", " | -I a -I/b -iquote c |  | here");
        check("-I/b -isystem=/c -idirafter /d", " | -I/b -isystem=/c -idirafter /d | ");
        check("-nostdinc -nostdinc++", " | -nostdinc -nostdinc++ | ");
        check("--sysroot=/r -isysroot s", "--sysroot=/r -isysroot s |  |  | here");
        check(
            "-DA -D B=1 -UA -include x.h -imacros m.h -Wp,-DC",
            " |  | +A, +B=1, -A, +C, imacros m.h, include x.h",
        );
        check("-fmacro-prefix-map=a=b -frandom-seed=x -Wl,-z,now -lm -L/x", " |  | ");
    }

    #[test]
    fn what_no_scan_can_promise_is_said() {
        check("-I-", "split-search");
        check("-I x.hmap", "header-map");
        check("-F dir", "framework");
        check("-traditional-cpp", "traditional-preprocessor");
        check("-finput-charset=latin1", "input-charset");
        check("-remap", "remap");
        check("-fdirectives-only", "directives-only");
        for (word, code) in [
            ("-fplugin=x.so", "loads-code"),
            ("-specs=x", "loads-code"),
            ("-fmodules-ts", "modules"),
            ("-fmodule-mapper=x", "loads-code"),
            ("-ivfsoverlay x", "reads-extra-file"),
            ("-include-pch x", "reads-extra-file"),
            ("-fprofile-use", "profile"),
            ("-fsanitize-ignorelist=x", "reads-extra-file"),
            ("-save-temps", "writes-side-file"),
            ("-fpreprocessed", "unknown-option"),
            ("@words", "response-file"),
            ("--unheard-of", "unknown-option"),
            ("-E", "preprocess-only"),
        ] {
            check(word, code);
        }
    }
}
