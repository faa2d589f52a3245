//! The two halves of a distributed compile: the words that preprocess here and the words that compile there.

use cc_args::{Compilation, analyze};
use std::ffi::OsString;
use std::path::Path;

#[track_caller]
fn understood(command: &str) -> Compilation {
    let words: Vec<OsString> = command.split_whitespace().map(OsString::from).collect();
    analyze(&words, |_| None).unwrap_or_else(|why| panic!("{command}: {why}"))
}

fn joined(words: Vec<OsString>) -> String {
    words.join(" ".as_ref()).into_string().expect("the commands here are text")
}

#[track_caller]
fn check_server(command: &str, expected: &str) {
    assert_eq!(joined(understood(command).server_args()), expected, "{command}");
}

#[track_caller]
fn check_preprocess(command: &str, expected: &str) {
    assert_eq!(joined(understood(command).preprocess_args()), expected, "{command}");
}

#[test]
fn the_server_gets_what_compiles_preprocessed_text() {
    check_server("cc -c hello.c", "-c hello.c -o hello.o");
    check_server("cc -Dhello hello.c -c", "hello.c -c -o hello.o");
    check_server("cc -c hello.c -D -D", "-c hello.c -o hello.o");
    check_server("cc -c -I. -I.. -I/x -c -o foo.o foo.c", "-c -c -o foo.o foo.c");
    check_server("cc -c -DX -D Y -I a -Ib -include f.h -Wp,-DZ -o x.o x.c", "-c -o x.o x.c");
    check_server(
        "cc -g -O2 -W -Wall -fPIC -pthread -pipe -c x.c -ox.o",
        "-g -O2 -W -Wall -fPIC -pthread -pipe -c x.c -ox.o",
    );
    check_server("cc -S x.c", "-S x.c -o x.s");
    check_server("cc -S -c x.c -o y", "-S -c x.c -o y");
    check_server("cc -c x.c -o a.o -o b.o", "-c x.c -o b.o");
    check_server("cc -c -o a.b.c -O2 x.c", "-c -O2 x.c -o a.b.c");
}

#[test]
fn nothing_of_the_preprocessor_or_the_linker_is_sent() {
    let stripped = [
        "-MD -MF f -MT t -MQ q -MP -MG -MFf -MTt -MQq",
        "-iquote d -iquoted -idirafter d -idirafterd -isystem d -isystemd -imacros f -includef -iprefix p",
        "-isysroot d --sysroot d --sysroot=d -F d -Fd -iframework d -imultilib m -iwithprefix d -iwithprefixbefore d",
        "-A q=a -trigraphs -undef -nostdinc -nostdinc++ -remap -H -finput-charset=x -stdlib=libc++ -traditional-cpp",
        "-Xpreprocessor -DX -Wp,-UY,-I,d",
        "-L d -Ld -l m -lm -Wl,x -Xlinker x -z now -T s -u s -e s -shared -static -pie -rdynamic -s -r -fuse-ld=lld",
    ];
    for options in stripped {
        check_server(&format!("gcc {options} -c x.c -o x.o"), "-c x.c -o x.o");
    }
    check_server("gcc -Wp,-MD,f.d -Xpreprocessor -fopenmp -c x.c -o x.o", "-c x.c -o x.o -fopenmp");
}

#[test]
fn a_language_that_the_name_does_not_tell_is_said() {
    check_server("g++ -c x.c", "-c x.c -o x.o");
    check_server("clang++ -c x.c", "-c -x c++-cpp-output x.c -o x.o");
    check_server("gcc -x c++ -c x.c -x none", "-c -x c++-cpp-output x.c -o x.o");
    check_server("gcc -xc -c x", "-c -x cpp-output x.i -o x.o");
    check_server("gcc -c x.CPP", "-c -x c++-cpp-output x.CPP.ii -o x.o");
    check_server("gcc -x objective-c -c x.m -o o", "-c -x objective-c-cpp-output x.m -o o");
}

#[test]
fn clang_is_told_the_directory_of_its_debug_information() {
    let check = |command: &str, expected: &str| {
        assert_eq!(joined(understood(command).server_args_in(Path::new("/w d"))), expected, "{command}");
    };
    check("clang -g -c x.c", "-g -c x.c -o x.o -fdebug-compilation-dir=/w d");
    check("clang -g -c x.c -fdebug-compilation-dir=.", "-g -c x.c -fdebug-compilation-dir=. -o x.o");
    check("clang -g -c x.c -ffile-compilation-dir=.", "-g -c x.c -ffile-compilation-dir=. -o x.o");
    check("clang -g0 -c x.c", "-g0 -c x.c -o x.o");
    check("gcc -g -c x.c", "-g -c x.c -o x.o");
}

#[test]
fn the_preprocessor_gets_what_changes_its_text() {
    check_preprocess("gcc -O2 -DX -I a -c x.c -o x.o", "-O2 -DX -I a -E x.c");
    check_preprocess("cc -S -c x.c -P", "-E x.c");
    check_preprocess("gcc -Wa,-W -Xassembler -W -c x.c", "-E x.c");
    check_preprocess("gcc -x c++ -c x", "-x c++ -E x");
    check_preprocess("gcc -Wp,-DX=1 -UX -c x.c", "-UX -E x.c -DX=1");
    check_preprocess("gcc -g -fno-working-directory -c x.c", "-g -E x.c -fworking-directory");
    check_preprocess("gcc -flto=auto -c x.c", "-flto=auto -E x.c -fworking-directory");
    check_preprocess("cc -flto -c x.c", "-flto -E x.c");
    check_preprocess("cc -frewrite-includes -fdirectives-only -c x.c", "-E x.c");
}

#[test]
fn gcc_hears_once_of_what_its_preprocessor_can_do_without() {
    check_preprocess(
        "g++ -Wall -Wundef -Wstrict-prototypes -Werror -c x.cc",
        "-Wall -Wundef -Werror -E x.cc",
    );
    check_preprocess("gcc -std=c++17 -fno-rtti -fvisibility=hidden -c x.c", "-fvisibility=hidden -E x.c");
    check_preprocess("g++ -std=c++17 -fno-rtti -c x.c", "-std=c++17 -fno-rtti -E x.c");
    check_preprocess("c++ -Wstrict-prototypes -c x.cc", "-Wstrict-prototypes -E x.cc");
}

#[test]
fn clang_says_once_what_it_thinks_of_the_command() {
    let quiet = "-Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-option-ignored";
    let unused = "-Wno-unused-command-line-argument";
    check_preprocess("clang -Wnew -c x.c", &format!("-Wnew -E x.c {quiet} {unused}"));
    check_preprocess("clang -lm -c x.c", &format!("-lm -E x.c {quiet}"));
    check_preprocess("clang -c -- x.c", &format!("-E x.c {quiet} {unused}"));
}

#[test]
fn the_dependency_file_and_its_target_are_spelled_out() {
    check_preprocess("gcc -MD -c x.c", "-MD -E x.c -MF x.d");
    check_preprocess("gcc -MMD -c x.c -o out/y.o", "-MMD -E x.c -MF out/y.d -MQ out/y.o");
    check_preprocess("gcc -MD -MF f -c x.c -o out/y.o", "-MD -MF f -E x.c -MQ out/y.o");
    check_preprocess("gcc -MD -MT t -c x.c -o out/y.o", "-MD -MT t -E x.c -MF out/y.d");
    check_preprocess("gcc -MD -MQt -c x.c -o out/y.o", "-MD -MQt -E x.c -MF out/y.d");
    check_preprocess("gcc -Wp,-MD,f -c x.c -o out/y.o", "-E x.c -MD -MF f");
    check_preprocess("gcc -c x.c -o out/y.o", "-E x.c");
}
