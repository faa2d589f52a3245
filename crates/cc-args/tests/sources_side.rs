//! What a server takes from the network together with sources and headers: every ordinary job, and nothing that reaches
//! beyond the files that came and the system's own.

use cc_args::{Place, SourcesCommand};
use proptest::prelude::*;
use std::ffi::OsString;
use std::path::Path;

fn parse(command: &str) -> Result<SourcesCommand, String> {
    let words: Vec<OsString> = command.split_whitespace().map(OsString::from).collect();
    SourcesCommand::parse(words).map_err(|refusal| refusal.to_string())
}

fn words_in(place: Place<'_>, command: &str) -> String {
    let accepted = parse(command).unwrap_or_else(|refusal| panic!("{command}: {refusal}"));
    let words = accepted.args_for(place, "OUT".as_ref(), "RULES".as_ref());
    words.join(" ".as_ref()).into_string().expect("text")
}

/// The words that would run at the client's own paths.
#[track_caller]
fn check(command: &str, expected: &str) {
    assert_eq!(words_in(Place::Same, command), expected, "{command}");
}

/// The words that would run below /R, without the maps that hide it.
#[track_caller]
fn check_below(command: &str, expected: &str) {
    let words = words_in(Place::Below(Path::new("/R")), command);
    let words = words.strip_prefix("-fdebug-prefix-map=/R= -fmacro-prefix-map=/R= ").expect("the maps");
    assert_eq!(words, expected, "{command}");
}

#[track_caller]
fn check_refused(options: &str, fragment: &str) {
    for option in options.split(" | ") {
        let command = format!("gcc -c x.c -o x.o {option}");
        let refusal = parse(&command).err().unwrap_or_else(|| panic!("accepted: {command}"));
        assert!(refusal.contains(fragment), "{command}: {refusal}");
    }
}

#[test]
fn files_of_words_are_refused_in_values_too() {
    check_refused(
        "-I@f | -D@f | -U@f | -A@f | -MT@f | -MQ@f | -MF@f | -include@f | -imacros@f | -iquote@f",
        "@f",
    );
    check_refused("-isystem@f | -idirafter@f | -iprefix@f | -isysroot@f | -imultilib@f | -Wa,@f", "@f");
    assert!(parse("gcc -c x.c -o@f").err().is_some_and(|refusal| refusal.contains("@f")));
}

#[test]
fn the_output_is_replaced_and_all_else_stays() {
    check("gcc -c x.c -o x.o", "-c x.c -o OUT -MMD -MF RULES -MQ x.o");
    check("gcc -O2 -ox.o -c /a/x.c -MD -MFx.d", "-O2 -o OUT -c /a/x.c -MD -MF RULES -MQ x.o");
    for options in [
        "-I/a/b -I c -iquote d -isystem/usr/include/x -idirafter e -F f -iprefix /p -iwithprefix q",
        "-D A=1 -UB -include a.h -imacros b.h -nostdinc -undef -H -P -C -CC -trigraphs -finput-charset=latin1",
        "-g3 -ffile-prefix-map=/a=/b -fdebug-prefix-map=/a=b -fmacro-prefix-map=/a/= -fsanitize=address",
        "--sysroot=/s -isysroot /s -x c++ -Wunused-macros -fdiagnostics-format=json -Wa,--noexecstack",
        "-lm -L/d -Wl,-z,now -pthread -shared -fuse-ld=lld -Xclang -fno-pch-timestamp -MP",
    ] {
        let rest = if options.ends_with("-MP") { "" } else { " -MMD -MF RULES -MQ x.o" };
        check(&format!("gcc {options} -c x.c -o x.o"), &format!("{options} -c x.c -o OUT{rest}"));
    }
    check("gcc -fcrash-diagnostics-dir=/d -c x.c -o x.o", "-c x.c -o OUT -MMD -MF RULES -MQ x.o");
}

#[test]
fn rules_have_the_clients_targets() {
    check("gcc -c x.c -o x.o -MD -MT a", "-c x.c -o OUT -MD -MT a -MF RULES");
    check("gcc -c x.c -o x.o -MD -MTa -MQb", "-c x.c -o OUT -MD -MTa -MQb -MF RULES");
    // As C clients add it.
    check("gcc -c x.c -o x.o -MD -MT x.o", "-c x.c -o OUT -MD -MT x.o -MF RULES");
    check("gcc -c x.c -o x.o -MMD -MTa -MT x.o", "-c x.c -o OUT -MMD -MTa -MF RULES");
    check("gcc -c x.c -o x.o -MMD -MT a -MT x.o", "-c x.c -o OUT -MMD -MT a -MT x.o -MF RULES");
    // Half of what it takes: the compiler complains, here as there.
    check("gcc -c x.c -o x.o -MF f.d", "-c x.c -o OUT -MF RULES");
}

#[test]
fn paths_are_moved_below_a_directory() {
    let rest = "-MMD -MF RULES -MQ x.o";
    check_below(
        "gcc -I/a -I b -include /c.h -c x.c -o x.o",
        &format!("-I/R/a -I b -include /R/c.h -c x.c -o OUT {rest}"),
    );
    check_below(
        "gcc --sysroot=/s -isystem /t -c /x.c -o x.o",
        &format!("--sysroot=/R/s -isystem /R/t -c /R/x.c -o OUT {rest}"),
    );
    check_below(
        "gcc -ffile-prefix-map=/a=/b -c x.c -o x.o",
        &format!("-ffile-prefix-map=/R/a=/b -c x.c -o OUT {rest}"),
    );
    check_below(
        "gcc -fmacro-prefix-map=a=/b -c x.c -o x.o",
        &format!("-fmacro-prefix-map=a=/b -c x.c -o OUT {rest}"),
    );
    check_below("gcc -include /dev/null -c x.c -o x.o", &format!("-include /dev/null -c x.c -o OUT {rest}"));
}

#[test]
fn what_is_only_the_same_at_the_clients_own_paths() {
    let differs = |command: &str| parse(command).expect("accepted").check_below().is_err();
    for (options, expected) in [
        ("gcc -g -ffile-prefix-map=/a=/b", false),
        ("clang -g -ffile-prefix-map=/a=/b", true),
        ("gcc -flto", true),
        ("gcc -frecord-gcc-switches", true),
        ("gcc -I=/x", true),
        ("clang -g -I/x", false),
        ("gcc -g -ffile-prefix-map=/=/r", true),
        ("gcc -g -fdebug-prefix-map==/r", true),
        ("gcc -g -fdebug-prefix-map=/u=/r", true),
        ("gcc -g -fmacro-prefix-map=/usr/include=/r", true),
        ("gcc -g -fdebug-prefix-map=x=/r", false),
        ("gcc -fsanitize=undefined", false),
        ("gcc -fsanitize=undefined -I/x", true),
        ("clang -fsanitize=address -I/x", true),
        ("gcc -fverbose-asm -I x", false),
        ("gcc -fverbose-asm -I /x", true),
        ("gcc -fmessage-length=80 -I/x", true),
        ("clang -emit-llvm -I/x", true),
        ("gcc -gno-as-loc-support -I/x", true),
        ("gcc -gdwarf-4 -Ix", false),
        ("gcc -gdwarf-4 -I/x", true),
        ("gcc -gdwarf-5 -I/x", false),
        ("clang -gdwarf-4 -I/x", false),
    ] {
        assert_eq!(differs(&format!("{options} -c x.c -o x.o")), expected, "{options}");
    }
}

#[test]
fn what_reaches_beyond_is_refused() {
    check_refused(
        "-wrapper sh | -B /tmp | -specs=/s | -fplugin=/x.so | -fmodule-mapper=|touch | --ld-path=/x",
        "loads code",
    );
    check_refused("-fuse-ld=/x | -Xclang -load -Xclang x.so", "loads code");
    check_refused(
        "-include-pch f | -ivfsoverlay f | --config f | -fsanitize-ignorelist=f | -ffuture=/f",
        "reads a file",
    );
    check_refused(
        "--gcc-toolchain=/t | -remap | -imultilib x | -iwithsysroot x | -index-header-map",
        "reads a file",
    );
    check_refused(
        "-fpreprocessed | -frecord-command-line | -fembed-bitcode=all | -resource-dir d",
        "reads a file",
    );
    check_refused(
        "-MJ f | -save-temps | -fdump-tree-all | -gsplit-dwarf | -aux-info f | -dumpdir d | -dM",
        "file beside",
    );
    check_refused("--coverage | -fprofile-use=f", "profile");
    check_refused("-Wa,-a=f | -Wa,-I/d | -Xassembler f.s", "the assembler");
    check_refused("-Wp,-DX | -Xpreprocessor -DX", "hides in another word");
    check_refused("@f", "names a file of words");
    check_refused("-M | -MM", "asks for dependencies");
    check_refused("-E", "preprocessing only");
    check_refused("--bogus | -fno-preprocessed", "is not a known option");
    check_refused("-march=native", "means the processor");
    check_refused("-o y.o", "second output");
}

proptest! {
    #[test]
    fn any_words_are_survived(words in prop::collection::vec(prop_oneof!["-[a-zA-Z]{1,3}[=,/a-z.]{0,6}", "-M[TQFDP]x?", "[a-z/@.-]{0,6}",
        prop::sample::select(vec!["-c", "-o", "x.c", "x.o", "-I", "-MD", "gcc", "-include", "-Xclang"]).prop_map(str::to_owned)], 0..12)) {
        if let Ok(accepted) = SourcesCommand::parse(words.iter().map(OsString::from).collect()) {
            for place in [Place::Same, Place::Below(Path::new("/R"))] {
                let run = accepted.args_for(place, "OUT".as_ref(), "RULES".as_ref());
                prop_assert_eq!(run.iter().filter(|word| *word == "OUT").count(), 1);
                prop_assert!(!run.iter().any(|word| word.len() > 1 && word.as_encoded_bytes().starts_with(b"@")));
            }
        }
    }
}
