//! The real gcc and clang: a compile split into two runs leaves the files and says the words of the undivided one.

mod compile;

use compile::{Compare, check, check_dependencies, check_preprocessed};

const EITHER: [&str; 2] = ["gcc", "clang"];

#[track_caller]
fn check_all(compilers: &[&str], commands: &[&str]) {
    for compiler in compilers {
        for command in commands {
            check(compiler, &command.split(' ').collect::<Vec<_>>(), Compare::Lines);
        }
    }
}

#[test]
fn objects_are_those_of_the_undivided_compile() {
    check_all(
        &EITHER,
        &[
            "-c hello.c",
            "-O2 -fPIC -c hello.c -o dir/x.o",
            "-S hello.c",
            "-c -S hello.c -o hello.asm",
            "-c hello.c -o a.o -o b.o",
            "-std=c99 -pedantic -Wall -c hello.c",
            "-pthread -pipe -fno-common -fstack-protector-strong -c hello.c",
            "-c odd.CPP",
            "-x c++ -c noext -o noext.o",
            "-xc -c noext",
            "-x c -x none -c hello.cpp",
            "-c ../client/./dir/../hello.c",
            "@args",
        ],
    );
    check_all(
        &["g++", "clang++"],
        &["-c hello.cpp", "-O2 -std=c++17 -c hello.cpp -o x.o", "-c hello.c", "-c noext.cc -fno-exceptions"],
    );
}

#[test]
fn the_preprocessor_keeps_all_its_options() {
    check_all(
        &EITHER,
        &[
            "-DSECRET=7 -c hello.c",
            "-D SECRET=7 -USECRET -c hello.c",
            "-Wp,-DSECRET=7 -USECRET -c hello.c",
            "-Xpreprocessor -DSECRET=7 -USECRET -c hello.c",
            "-Wp,-DSECRET=1,-USECRET -DSECRET=3 -c hello.c",
            "-include dir/inc.h -c hello.c",
            "-imacros dir/inc.h -c hello.c",
            "-Idir -iquote dir -isystem dir -idirafter dir -c uses.c",
            "-nostdinc -undef -trigraphs -c uses.c -Idir",
            "-H -c uses.c -Idir",
            "--sysroot=/ -isysroot / -c hello.c",
            "-fmacro-prefix-map=hello=bye -c hello.c",
            "-O2 -D_FORTIFY_SOURCE=2 -c hello.c",
        ],
    );
    check_all(
        &["gcc"],
        &[
            "-finput-charset=latin1 -c latin1.c",
            "-fdirectives-only -c hello.c",
            "-P -c hello.c",
            "-traditional-cpp -c uses.c -Idir",
        ],
    );
}

#[test]
fn the_assembler_and_the_linker_get_what_they_would_have_got() {
    check_all(
        &EITHER,
        &[
            "-Wa,--noexecstack -c hello.c",
            "-Xassembler --noexecstack -c hello.c",
            "-shared -static -lm -L/x -Wl,-z,now -Xlinker -x -z now -T x -u a -e b -rdynamic -pie -s -c hello.c",
        ],
    );
    check_all(
        &["gcc"],
        &[
            "-Wa,--defsym,A=1 -c hello.c",
            "-flto -frandom-seed=1 -c plain.c",
            "-flto=auto -frandom-seed=1 -c plain.c",
        ],
    );
    check_all(
        &["clang"],
        &[
            "-flto -c hello.c",
            "-emit-llvm -c hello.c",
            "-S -emit-llvm hello.c",
            "-c -- hello.c",
            "-via-file-asm -c hello.c",
        ],
    );
}

#[test]
fn complaints_about_the_command_come_once() {
    let check_once = |compiler: &str, command: &str| {
        check(compiler, &command.split(' ').collect::<Vec<_>>(), Compare::Count);
    };
    for options in [
        "-Wformat-security",
        "-Weffc++",
        "-Wno-effc++ -Wundef",
        "-Wall -Werror=format-security",
        "-std=c++11 -fno-rtti",
    ] {
        check_once("gcc", &format!("{options} -c hello.c"));
    }
    check_once("g++", "-Wstrict-prototypes -std=c99 -c hello.cpp");
    for options in [
        "-Wnew-in-gcc",
        "-Wno-maybe-uninitialized",
        "-fno-tree-vectorize",
        "-finline-limit=300",
        "-Wl,-z,now",
        "-lm",
        "-L/x -Lx",
        "-z now",
        "-shared -rdynamic -pie",
        "-Xlinker x",
        "-stdlib=libc++",
        "-mthumb",
        "-fobjc-arc-exceptions",
        "-frecursive -Wnew-in-gcc -moutline-atomics",
        "-S -Wa,--noexecstack",
        "-P",
        "-Wa,--noexecstack",
        "-MF f.d",
        "-Qunused-arguments -lm",
    ] {
        check_once("clang", &format!("{options} -c hello.c"));
    }
    check_once("clang++", "-c hello.c");
    check_once("clang++", "-stdlib=libstdc++ -mthumb -c hello.cpp");
}

#[test]
fn dependency_files_are_byte_for_byte_those_of_the_compile() {
    let outputs = [
        "",
        "hello.o",
        "hello.",
        "hello..",
        "hello.bar.foo",
        "dir/x.o",
        "dir/.x.o",
        "./x.o",
        ".o",
        "a b.o",
        "a$b.o",
        "a#b.o",
        "x",
    ];
    let targets: [&[&str]; 3] = [&[], &["-MT", "a b$(x)"], &["-MQ", "c d$(x)"]];
    for compiler in EITHER {
        for output in outputs {
            for target in targets {
                for file in [&[] as &[&str], &["-MF", "dir/own name.d"]] {
                    if !(target.is_empty() || file.is_empty() || output == "dir/x.o") {
                        continue;
                    }
                    let mut words = vec!["-MD", "-MP", "-Idir", "-c", "uses.c"];
                    words.extend_from_slice(target);
                    words.extend_from_slice(file);
                    if !output.is_empty() {
                        words.extend(["-o", output]);
                    }
                    check_dependencies(compiler, &words, None);
                }
            }
        }
    }
}

#[test]
fn dependency_files_follow_every_spelling() {
    for compiler in EITHER {
        for command in [
            "-MMD -Idir -c uses.c -o dir/x.o",
            "-MD -MMD -Idir -c uses.c",
            "-MMD -S -Idir uses.c",
            "-MMD -S -Idir uses.c -o dir/x.s",
            "-MD -MFx.d -MTa -MTb -Idir -c uses.c",
            "-MD -MF a.d -MF b.d -Idir -c uses.c",
            "-Wp,-MD,x.d -Idir -c uses.c -o dir/x.o",
            "-Wp,-MMD,x.d -Idir -c uses.c",
            "-Wp,-MD,x.d -MT t -Idir -c uses.c -o dir/x.o",
            "-MD -x c++ -c noext -o noext.o",
            "-MD -c dir/../uses.c -Idir",
            "-MD -c hello.c -odir/joined.o",
            "-c uses.c -Idir",
        ] {
            check_dependencies(compiler, &command.split(' ').collect::<Vec<_>>(), None);
        }
        for variable in ["env.d", "env.d the target"] {
            check_dependencies(compiler, &["-Idir", "-c", "uses.c", "-o", "dir/x.o"], Some(variable));
        }
    }
}

#[test]
fn gcc_takes_more_words_for_its_preprocessor_than_clang() {
    check_dependencies("gcc", &["-Wp,-MMD,x.d,-MP", "-Idir", "-c", "uses.c"], None);
    check_dependencies(
        "gcc",
        &["-Xpreprocessor", "-MD", "-Xpreprocessor", "x.d", "-Idir", "-c", "uses.c"],
        None,
    );
}

#[test]
fn debug_information_names_the_directory_of_the_client() {
    for compiler in EITHER {
        for options in ["-g", "-g2 -O2", "-gdwarf-4", "-g1", "-fno-working-directory -g"] {
            if compiler == "gcc" || !options.contains("working") {
                let command = format!("{options} -c hello.c -o dir/x.o");
                check(compiler, &command.split(' ').collect::<Vec<_>>(), Compare::Directory);
            }
        }
    }
}

#[test]
fn text_preprocessed_elsewhere_keeps_its_names() {
    let bare = "int f(int a)\n{\n  return a + 1;\n}\n";
    let marked = format!("# 1 \"made.c\"\n# 1 \"<built-in>\" 1\n# 1 \"made.c\" 2\n{bare}");
    for text in [bare, &marked] {
        check_preprocessed("gcc", "-c ready.i", text);
        check_preprocessed("gcc", "-g -O2 -c ready.i", text);
        check_preprocessed("gcc", "-g -c dir/ready.i -o x.o", text);
        check_preprocessed("clang", "-c ready.i", text);
    }
    check_preprocessed("gcc", "-flto -frandom-seed=1 -c ready.i", bare);
    check_preprocessed("clang", "-g -c ready.i", bare);
}
