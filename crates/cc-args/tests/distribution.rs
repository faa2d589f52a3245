//! Which commands are sent to another machine, with which input and output, and why the others are not.

use cc_args::{Family, Language, analyze};
use std::ffi::OsString;
use std::path::Path;

fn words(command: &str) -> Vec<OsString> {
    command.split_whitespace().map(OsString::from).collect()
}

/// `INPUT -> OUTPUT` of a command that is sent, or the code of the reason why it is not.
fn verdict(command: &str) -> String {
    match analyze(&words(command), |_| None) {
        Ok(sent) => format!("{} -> {}", sent.input().display(), sent.output().display()),
        Err(why) => why.code().to_owned(),
    }
}

#[track_caller]
fn check(command: &str, expected: &str) {
    assert_eq!(verdict(command), expected, "{command}");
}

/// Each of the options (parted by ` | `) added to `gcc -c hello.c`.
#[track_caller]
fn check_options(expected: &str, options: &str) {
    for option in options.split(" | ") {
        check(&format!("gcc {option} -c hello.c"), expected);
    }
}

const SENT: &str = "hello.c -> hello.o";

#[test]
fn a_compile_of_one_source_is_sent() {
    check("gcc -c hello.c", SENT);
    check("cc hello.c -c", SENT);
    check("gcc -ohello.o -c hello.c", SENT);
    check("ccache gcc -c hello.c", SENT);
    check("gcc -o /tmp/hello.o -c ../src/hello.c", "../src/hello.c -> /tmp/hello.o");
    check("gcc -c ../src/hello.c", "../src/hello.c -> hello.o");
    check("gcc -DMYNAME=quasibar.c bar.c -c -o bar.o", "bar.c -> bar.o");
    check("gcc -D MYNAME=quasibar.c bar.c -c -o bar.o", "bar.c -> bar.o");
    check("gcc -S hello.c", "hello.c -> hello.s");
    check("gcc -c -S hello.c", "hello.c -> hello.s");
    check("gcc -S -c hello.c", "hello.c -> hello.s");
    check("gcc -MD -c hello.c", SENT);
    check("gcc -MMD -c hello.c", SENT);
    check("gcc -ofoo.o foo.c -c", "foo.c -> foo.o");
    check("gcc -Wa,-xarch=v8 -c foo.c", "foo.c -> foo.o");
    check("cc -c hello.c -o out/hello.obj", "hello.c -> out/hello.obj");
    check("gcc -c hello.c -o /dev/null", "hello.c -> /dev/null");
    check("gcc -c hello.c -o a.o -o b.o", "hello.c -> b.o");
    check("gcc -c hello.i", "hello.i -> hello.o");
    check("gcc -c hello.CPP", "hello.CPP -> hello.o");
    check("clang -c hello.CC", "hello.CC -> hello.o");
    check("clang -c -- hello.c", SENT);
    check("clang -c -emit-llvm hello.c", "hello.c -> hello.bc");
    check("clang -S -emit-llvm hello.c", "hello.c -> hello.ll");
}

#[test]
fn what_is_no_compile_of_one_source_stays() {
    check("gcc hello.c", "link");
    check("gcc hello.o", "link");
    check("gcc -o hello.o hello.c", "link");
    check("gcc -ofoo foo.o", "link");
    check("gcc -march=native -fplugin=x.so a.o b.o -lm -o prog", "link");
    check("gcc -E hello.c", "preprocess-only");
    check("gcc -c -march=native -E hello.c", "preprocess-only");
    check("gcc -M hello.c", "dependencies-only");
    check("gcc -ME hello.c", "dependencies-only");
    check("gcc -MM -c hello.c", "dependencies-only");
    check("gcc -fsyntax-only hello.c", "syntax-only");
    check("gcc", "no-input");
    check("gcc -c", "no-input");
    check("gcc -o x", "no-input");
}

#[test]
fn what_has_other_inputs_or_outputs_stays() {
    check("gcc -c a.c b.c", "two-inputs");
    check("gcc -c a.c b.S", "two-inputs");
    check("gcc -c a.c b.o", "object-input");
    check("gcc -c a.o", "object-input");
    check("gcc -c hello.CC", "object-input");
    check("gcc -c a.c -MD -o a.o -o b.o", "two-outputs");
    check("gcc -o hello.o -c hello.s", "assembler-source");
    check("gcc -o hello.o -c hello.S", "assembler-source");
    check("gcc -c hello.h", "header");
    check("gcc -c hello.cppm", "unknown-language");
    check("gcc -c hello.go", "unknown-language");
    check("gcc -c -x c -", "stdin");
    check("gcc -c -xc /dev/stdin", "stdin");
    check("gcc -S foo.c -o -", "stdout");
    check("gcc -S -o - foo.c", "stdout");
    check("gcc -c -S -o - foo.c", "stdout");
    check("gcc -c foo.c -o /dev/stdout", "stdout");
    check("gcc -c foo.c -MD -MF -", "stdout");
    check("gcc -c -- hello.c", "unknown-option");
    check("clang -c -- -hello.c", "unknown-option");
    check("gcc -c hello.c -o", "missing-value");
    check("gcc -c hello.c -D", "missing-value");
    check("-c hello.c", "no-compiler");
    check("./gcc -c hello.c", "relative-compiler");
    check("ccache ../bin/gcc -c hello.c", "relative-compiler");
    check("./gcc hello.c", "link");
    check("/opt/bin/gcc -c hello.c", SENT);
    check("", "no-compiler");
}

#[test]
fn the_language_comes_from_the_last_x_before_the_input() {
    let check_language = |command: &str, expected: Language| {
        let sent = analyze(&words(command), |_| None).unwrap_or_else(|why| panic!("{command}: {why}"));
        assert_eq!(sent.language(), expected, "{command}");
    };
    check_language("gcc -c x.c", Language::C);
    check_language("g++ -c x.c", Language::Cxx);
    check_language("g++ -c x.i", Language::PreprocessedCxx);
    check_language("gcc -c -x c++ x", Language::Cxx);
    check_language("gcc -c -xc++ x.c", Language::Cxx);
    check_language("g++ -x c -c x.cc", Language::C);
    check_language("gcc -x c++ -x none -c x.c", Language::C);
    check_language("gcc -c x.c -x c++", Language::C);
    check_language("gcc -x cpp-output -c x", Language::PreprocessedC);
    check_language("gcc -x objective-c++ -c x", Language::ObjCxx);
    check_language("gcc -c x.m", Language::ObjC);
    check("gcc -xassembler-with-cpp -c foo.c", "assembler-source");
    check("gcc -x assembler-with-cpp -c foo.c", "assembler-source");
    check("gcc -xassembler cfoo.c -c", "assembler-source");
    check("g++ -x c++-header -c x.hpp", "header");
    check("clang -x cuda -c x.cu", "unknown-language");
    check("gcc -xgo -c x.c", "unknown-language");
    check("gcc -xc -c hello.c", SENT);
    check("gcc -x", "missing-value");
}

/// The rules of the C client, option by option, where they are kept.
#[test]
fn options_of_dependencies_and_stages_are_sent() {
    check_options(
        SENT,
        "-MD | -MMD | -MG | -MP | -MD -MF a.c | -MD -MT b.c | -MD -MQ c.c | -MD -MFx -MTy -MQz",
    );
    check_options("dependencies-only", "-M | -MM | -MV");
    check_options("writes-side-file", "-MJ x.json | -MJx.json");
    check_options("march-native", "-march=native | -mtune=native");
    check_options("assembler-option", "-Wa,-alh,-a=foo.lst | -Wa,--MD");
    check_options(
        "profile",
        "-fprofile-arcs | -ftest-coverage | --coverage | -coverage | -fprofile-generate | -fprofile-generate=d",
    );
    check_options(
        "profile",
        "-fprofile-use | -fprofile-use=f | -fauto-profile | -fauto-profile=f | -fprofile-correction",
    );
    check_options(
        SENT,
        "-flto | -flto=auto | -fno-profile-arcs | -D_FORTIFY_SOURCE=2 | -Wp,-D_FORTIFY_SOURCE=3",
    );
    check_options("repo", "-frepo");
    check_options("writes-side-file", "-dr | -dA");
}

#[test]
fn options_with_side_effects_stay() {
    check_options(
        "loads-code",
        "-specs=foo.specs | --specs=foo | -B dir | -Bdir | -wrapper x | -fplugin=x.so | -fpass-plugin=x",
    );
    check_options("loads-code", "-fmodule-mapper=|x | -iplugindir=x | -fplugin-arg-x-y=z");
    check_options(
        "writes-side-file",
        "-save-temps | -save-temps=obj | --save-temps | -gsplit-dwarf | -fstack-usage | -fdump-tree-all | -aux-info x.o",
    );
    check_options(
        "writes-side-file",
        "-dumpdir x | -fcallgraph-info=su | -ftime-trace | -fsave-optimization-record | -fopt-info=f",
    );
    check_options("writes-side-file", "-Wp,-MJ,x | -serialize-diagnostics f | -fdeps-file=x");
    check_options(
        "reads-extra-file",
        "-include-pch x.pch | -fsanitize-blacklist=f | -fsanitize-ignorelist=f | --config x",
    );
    check_options("modules", "-fmodules | -fmodules-ts | -fmodule-file=x | -gmodules");
    check_options("header", "-emit-pch | -relocatable-pch");
    check_options("other-output", "-emit-ast | --precompile | --analyze | -rewrite-objc");
    check_options(
        "asks-compiler",
        "-v | -### | --version | -dumpmachine | -print-search-dirs | --help | -Q | -time",
    );
    check_options("asks-compiler", "-ftime-report | -fmem-report | -dumpversion | --print-targets");
    check_options(
        "several-archs",
        "-arch x -arch y | -Xarch_host -O2 | -fopenmp-targets=x | --offload-arch=x",
    );
    check_options("records-command-line", "-frecord-gcc-switches | -fembed-bitcode");
    check_options("unknown-option", "-bogus | --bogus | -Zx");
    check("gcc -c x.i -finput-charset=latin1", "input-charset");
    check("clang++ -c x.i", "whole-run");
    check("gcc -c x.c -Wa,-g", "assembler-option");
    check("clang -c x.m", "names-its-source");
    check("clang++ -x objective-c++ -c x.cc", "names-its-source");
}

#[test]
fn what_only_a_whole_run_tells_goes_with_its_headers() {
    let check = |command: &str, expected: Option<&str>| {
        let sent = analyze(&words(command), |_| None).unwrap_or_else(|why| panic!("{command}: {why}"));
        assert_eq!(sent.text_hazard().map(cc_args::WhyLocal::code), expected, "{command}");
    };
    check("gcc -c x.c -O2 -g", None);
    check("gcc -c x.c -C", Some("keeps-comments"));
    check("gcc -c x.c -CC", Some("keeps-comments"));
    check("gcc -c x.c -g3", Some("records-macros"));
    check("clang -c x.c -fsanitize=address", Some("records-columns"));
    check("gcc -c x.c -Wunused-macros", Some("whole-run"));
    check("gcc -c x.c -fdiagnostics-format=json", Some("whole-run"));
}

#[test]
fn operands_are_not_taken_for_files() {
    check_options(
        SENT,
        "-include foo.c | -imacros a.c | -isysroot d.c | -target e.c | -arch f.c | -z g.o | -T h.o",
    );
    check_options(
        SENT,
        "-u a.o | -e b.o | -Xlinker c.o | -Xpreprocessor -Dd.c | -framework e.c | --param f.c | -iquote g.c",
    );
}

#[test]
fn response_files_are_expanded_first() {
    let files = |path: &Path| match path.to_str()? {
        "args" => Some(b"-c 'my hello.c' @more".to_vec()),
        "more" => Some(b"-o\nhello.o".to_vec()),
        _ => None,
    };
    let check = |command: &str, expected: &str| {
        let verdict = analyze(&words(command), files)
            .map(|sent| format!("{} -> {}", sent.input().display(), sent.output().display()));
        assert_eq!(verdict.unwrap_or_else(|why| why.code().to_owned()), expected, "{command}");
    };
    check("gcc @args", "my hello.c -> hello.o");
    check("gcc @args -E", "preprocess-only");
    check("gcc -c hello.c @missing", "response-file");
    check("gcc -c hello.c -Wa,@args", "assembler-option");
}

#[test]
fn the_compiler_is_the_first_word_or_the_one_after_ccache() {
    let check_compiler = |command: &str, name: &str, family: Family| {
        let sent = analyze(&words(command), |_| None).unwrap_or_else(|why| panic!("{command}: {why}"));
        assert_eq!((sent.compiler(), sent.family()), (name.as_ref(), family), "{command}");
    };
    check_compiler("/usr/bin/gcc-12 -c x.c", "/usr/bin/gcc-12", Family::Gcc);
    check_compiler("ccache clang -c x.c", "clang", Family::Clang);
    check_compiler("cc -c x.c", "cc", Family::Unknown);
    let nameless = ["ccache", "", "-c", "x.c"].map(OsString::from);
    assert_eq!(analyze(&nameless, |_| None).unwrap_err().code(), "no-compiler");
}
