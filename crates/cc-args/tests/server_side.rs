//! What a server takes from the network: every ordinary job of a C client, and nothing that reaches beyond its job.

use cc_args::{Language, ServerCommand};
use std::ffi::OsString;

fn parse(command: &str) -> Result<ServerCommand, String> {
    let words: Vec<OsString> = command.split_whitespace().map(OsString::from).collect();
    ServerCommand::parse(words).map_err(|refusal| refusal.to_string())
}

/// The words that would run, with IN and OUT for the files. gcc is told besides that the text is preprocessed.
#[track_caller]
fn check(command: &str, expected: &str) {
    let accepted = parse(command).unwrap_or_else(|refusal| panic!("{command}: {refusal}"));
    let mut words = accepted.args_for("IN".as_ref(), "OUT".as_ref());
    if !command.starts_with("clang") {
        assert_eq!(words.pop(), Some("-fpreprocessed".into()), "{command}");
    }
    assert_eq!(words.join(" ".as_ref()), OsString::from(expected), "{command}");
}

#[track_caller]
fn check_refused(command: &str, expected: &str) {
    let refusal = parse(command).err().unwrap_or_else(|| panic!("accepted: {command}"));
    assert_eq!(refusal, expected, "{command}");
}

/// Each of the options (parted by ` | `), added to a good command, is refused with a sentence that names it.
#[track_caller]
fn check_refused_options(fragment: &str, options: &str) {
    for option in options.split(" | ") {
        let command = format!("gcc -c x.c -o x.o {option}");
        let refusal = parse(&command).err().unwrap_or_else(|| panic!("accepted: {command}"));
        let names_the_option = option.split(' ').any(|word| refusal.starts_with(word));
        assert!(names_the_option && refusal.contains(fragment), "{command}: {refusal}");
    }
}

#[test]
fn input_and_output_are_replaced() {
    check("gcc -c t.i -o t.o", "-c IN -o OUT");
    check("gcc -O2 -c ../src/hello.c -o/tmp/hello.o", "-O2 -c IN -o OUT");
    check("g++ -S hello.cc -o hello.s", "-S IN -o OUT");
    check("gcc -x c++ -c hello.c -o hello.o", "-c -x c++-cpp-output IN -o OUT");
    check("gcc -xcpp-output -c hello.c -o hello.o -x none", "-c -x cpp-output IN -o OUT");
}

#[test]
fn compiler_names_and_hints_come_as_they_were_sent() {
    let accepted = parse("x86_64-linux-gnu-gcc -c ../a.cc -o out/a.o").expect("an ordinary job");
    let names = (accepted.compiler(), accepted.input(), accepted.output());
    assert_eq!(names, ("x86_64-linux-gnu-gcc".as_ref(), "../a.cc".as_ref(), "out/a.o".as_ref()));
    let check_language = |command: &str, expected: Language| {
        assert_eq!(parse(command).map(|accepted| accepted.language()), Ok(expected), "{command}");
    };
    check_language("gcc -c a.c -o a.o", Language::PreprocessedC);
    check_language("gcc -c a.i -o a.o", Language::PreprocessedC);
    check_language("g++ -c a.c -o a.o", Language::PreprocessedCxx);
    check_language("clang -x objective-c -c a.c -o a.o", Language::PreprocessedObjC);
    check_language("gcc -c a.CPP -o a.o", Language::PreprocessedCxx);
}

#[test]
fn ordinary_jobs_of_c_clients_are_accepted_and_hold_their_options() {
    let arch = "-march=x86-64 -mtune=generic -O2 -pipe -fno-plt -fexceptions -Wformat -Werror=format-security \
                -fstack-clash-protection -fcf-protection -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -g \
                -ffile-prefix-map=/build/x/src=/usr/src/debug/x -flto=auto";
    let arch = arch.split_whitespace().collect::<Vec<_>>().join(" ");
    check(&format!("gcc {arch} -c lapi.c -o lapi.o"), &format!("{arch} -c IN -o OUT"));
    let kernel = "-Wall -Wundef -Werror=strict-prototypes -Wno-trigraphs -fno-strict-aliasing -fno-common -fshort-wchar \
                  -fno-PIE -Werror=implicit-function-declaration -std=gnu11 -mno-sse -mno-mmx -m64 -falign-jumps=1 \
                  -mpreferred-stack-boundary=3 -mskip-rax-setup -mcmodel=kernel -mindirect-branch=thunk-extern \
                  -mindirect-branch-register -fno-jump-tables --param=allow-store-data-races=0 -fno-allow-store-data-races \
                  -mrecord-mcount -mfentry -Wframe-larger-than=2048 -fconserve-stack -Wa,-gdwarf-5";
    let kernel = kernel.split_whitespace().collect::<Vec<_>>().join(" ");
    check(&format!("gcc {kernel} -c -o init/main.o init/main.c"), &format!("{kernel} -c -o OUT IN"));
    for options in [
        "-ansi -pedantic -w -pthread -pg --param ssp-buffer-size=4 -p",
        "-target x86_64-pc-linux-gnu -Qunused-arguments -Xclang -fno-pch-timestamp -mllvm -polly",
        "-fvisibility=hidden -fno-rtti -std=c++20 -fcolor-diagnostics",
        "-fdiagnostics-color=always -fmessage-length=0 -frandom-seed=a/b.o -fdebug-compilation-dir=/x",
        "-Wa,--noexecstack -Xassembler --defsym -Xassembler A=1 -integrated-as",
        "-P -v -ftime-report -emit-llvm",
        "-m32 -mfpmath=sse -mfloat-abi=hard -mfpu=neon -G 8 -EL -arch x86_64",
    ] {
        check(&format!("gcc {options} -c a.c -o a.o"), &format!("{options} -c IN -o OUT"));
    }
}

#[test]
fn what_cannot_matter_to_preprocessed_text_is_dropped() {
    for options in [
        "-iquote /d -idirafter/d -isysroot /d --sysroot=/d -F /d -iframework /d -A q=a -C -CC -trigraphs -H",
        "-DX -UY -isystem /d -nostdinc -undef -MP -MT t -finput-charset=latin1 -imultilib m -stdlib=libc++",
        "-shared -static -L/d -lm -Wl,-z,now -Xlinker x -z now -T /s.ld -rdynamic -fuse-ld=lld -rtlib=compiler-rt",
        "-fdirectives-only -fno-directives-only -fpreprocessed -frewrite-includes -fmacro-prefix-map=./= --gcc-toolchain=/d -fcrash-diagnostics-dir=/d",
    ] {
        check(&format!("gcc {options} -c a.c -o a.o"), "-c IN -o OUT");
    }
}

#[test]
fn code_from_elsewhere_is_refused() {
    check_refused_options(
        "loads code",
        "-wrapper sh | -B /tmp | -B/tmp | -specs=/s | -specs /s | --specs=/s | --specs /s | -fplugin=/x.so",
    );
    check_refused_options(
        "loads code",
        "-fplugin-arg-x-y=z | -fpass-plugin=x.so | -iplugindir=/x | -fmodule-mapper=|touch",
    );
    check_refused_options("loads code", "-fuse-ld=/tmp/ld | --ld-path=/tmp/ld");
    check_refused(
        "gcc -c x.c -o x.o -Xclang -load -Xclang x.so",
        "-load loads code into the compiler or runs another program",
    );
    check_refused(
        "gcc -c x.c -o x.o -Xclang -unheard-of",
        "-unheard-of is an inner option of clang that is not known to be harmless",
    );
    check_refused("gcc -c x.c -o x.o @file", "@file names a file of words, which cannot be used");
    check_refused("gcc -c x.c -o @file", "@file names a file of words, which cannot be used");
}

#[test]
fn other_files_are_refused() {
    check_refused_options(
        "reads a file",
        "-I/d | -I /d | -include /etc/passwd | -include/etc/passwd | -imacros /f | --include=/f",
    );
    check_refused_options(
        "reads a file",
        "-include-pch f | --config f | -fsanitize-ignorelist=f | -fsanitize-blacklist=f | -ffuture=/f | -mfuture=/f",
    );
    check_refused_options(
        "file beside",
        "-MD | -MMD | -MF f | -MFf | -MJ f | -aux-info f | -save-temps | -save-temps=obj",
    );
    check_refused_options(
        "file beside",
        "-dumpdir d | -dumpbase b | -fdump-tree-all | -fstack-usage | -fcallgraph-info | -gsplit-dwarf",
    );
    check_refused_options(
        "file beside",
        "-fopt-info-vec=f | -ftime-trace | -fsave-optimization-record | -fdiagnostics-format=sarif-file",
    );
    check_refused_options(
        "profile",
        "-fprofile-use=f | -fprofile-generate | --coverage | -ftest-coverage | -fauto-profile=f",
    );
    check_refused_options(
        "the assembler",
        "-Wa,-a=f | -Wa,-ahl,-o,f | -Wa,--MD,f | -Wa,-I/d | -Xassembler f.s | -Wa,@f",
    );
    check_refused_options("modules", "-fmodules | -fmodule-file=f");
    check_refused("gcc -c x.c -o x.o -Wp,-MD,f", "-MD is for a preprocessor, and none runs here");
    check_refused("gcc -c x.c -o x.o -Xpreprocessor -DX", "-DX is for a preprocessor, and none runs here");
}

/// Words that hide words: each of these has run a program, or written or read a file, on a server that let it pass.
#[test]
fn what_hides_in_other_words_is_refused() {
    for hidden in [
        "-Wp,--param,@x.i",
        "-Wp,-target,@x.i",
        "-Wp,-Xassembler,--defsym,-Xassembler,@x.i",
        "-Wp,--param,@/etc/hostname",
        "-Wp,-fno-preprocessed",
        "-Wa,-nal=/tmp/f",
        "-Wa,-kaln=/tmp/f",
        "-Wa,-nI/etc",
        "-Wa,-no/tmp/f",
        "-Wa,--defsym,@x.i",
        "-Xassembler --defsym -Xassembler @x.i",
        "-Wa,-m/tmp/f",
        "-fno-preprocessed",
        "-mllvm -print-changed=dot-cfg",
        "-mllvm -print-changed-dot-path=touch",
        "-mllvm -enable-dot-cfg",
        "-mllvm -info-output-file=f",
        "-Xclang -mlink-bitcode-file -Xclang -O1",
        "-Xclang -fcuda-include-gpubinary",
        "-target ../../tmp/x",
        "--target=../../tmp/x",
    ] {
        for compiler in ["gcc", "clang"] {
            let command = format!("{compiler} -c x.c -o x.o {hidden}");
            assert!(parse(&command).is_err(), "accepted: {command}");
        }
    }
}

#[test]
fn what_is_no_job_is_refused() {
    check_refused("gcc -c x.c -o x.o -o y.o", "y.o is a second output");
    check_refused("gcc -c x.c", "no output is named");
    check_refused("gcc -c x.c y.c -o x.o", "y.c is a second source file");
    check_refused("gcc -c x.c y.o -o x.o", "y.o is a second source file");
    check_refused("gcc -c -o x.o", "no source file is named");
    check_refused("gcc -c x.o -o x.o", "x.o is in a language that is not distributed");
    check_refused("gcc -c x.s -o x.o", "x.s is in a language that is not distributed");
    check_refused("gcc -x go -c x.c -o x.o", "x.c is in a language that is not distributed");
    check_refused("gcc x.c -o x", "neither -c nor -S is given, so the command links");
    check_refused("gcc -c -E x.c -o x.o", "-E asks for preprocessing only");
    check_refused("gcc -c x.c -o", "-o lacks its value");
    check_refused("gcc -c x.c -o x.o --bogus", "--bogus is not a known option");
    check_refused(
        "gcc -c x.c -o x.o -march=native",
        "-march=native means the processor of the machine that compiles",
    );
    check_refused("gcc -c -o x.o -- x.c", "-- is not a known option");
    check_refused("gcc -c x.c -o x.o --version", "--version asks the compiler about itself");
    check_refused("", "no compiler is named");
    let refusal = ServerCommand::parse(vec!["".into(), "-c".into()]).err().map(|refusal| refusal.to_string());
    assert_eq!(refusal.as_deref(), Some("the compiler's name is empty"));
}
