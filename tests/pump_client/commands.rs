//! Objects, rules of dependencies and messages of many commands, with our daemon and with that of distcc 3.4.

use crate::Scene;
use crate::Way::{Both, Here, Sources, Text};

/// What every server makes alike.
#[track_caller]
fn check_everywhere(scene: &Scene) {
    let check = |line: &str| scene.check(line, Sources);
    check("$CC -Iinc -c x.c");
    check("$CC -Iinc -O2 -c x.c -o o/x.o");
    check("$CC -Iinc -S x.c");
    check("$CC @words -c x.c");
    check("$CC -Iinc -Wp,-DNDEBUG -c x.c");
    check("$CC -include h.h -imacros inc/k.h -c warns.c");
    check("cd o; $CC -I../inc -MD -c ../x.c");
    check("$CC -Iinc -C -c x.c");
    check("$CC -Iinc -H -c x.c");
    check("$CC -Iinc -c -x c++ x.c");
    check("$CXX -O2 -c y.cc");
    check("$CXX -O2 -MMD -c y.cc -o o/y.o");
}

#[track_caller]
fn check_rules(scene: &Scene) {
    let check = |line: &str| scene.check(line, Sources);
    check("$CC -Iinc -MD -c x.c -o o/x.o");
    check("$CC -Iinc -MMD -MP -MF o/rule -c x.c -o o/x.o");
    check("$CC -Iinc -MD -MT a -MT b -MQ 'c$' -c x.c");
    check("$CC -Iinc -Wp,-MD,o/rule -c x.c -o o/x.o");
    check("$CC -Iinc -MD -c x.c -o 'o/x y$.o'");
    check("$CC -Iinc -MMD -S x.c -o o/x.s");
    check("CPATH=inc $CC -MMD -c x.c");
    check("C_INCLUDE_PATH=:inc $CC -MMD -c x.c");
}

#[track_caller]
fn check_messages(scene: &Scene) {
    let check = |line: &str| scene.check(line, Sources);
    check("$CC -Wall -Wextra -c warns.c");
    check("$CC -Wextra -c falls.c");
    check("$CC -Wunused-macros -c warns.c");
    check("$CC -Wall -fdiagnostics-format=json -c warns.c");
    check("$CC -c bad.c");
    check("$CC -Werror -Wall -c warns.c");
    check("GCC_COLORS= $CC -Wall -fdiagnostics-color=always -c warns.c");
    check("CPATH=inc:nowhere $CC -Wmissing-include-dirs -c x.c");
    check("$CXX -c y.cc -x c");
}

#[track_caller]
fn check_what_goes_as_text(scene: &Scene) {
    scene.check("$CC -c date.c", Text);
    scene.check("DEPENDENCIES_OUTPUT='o/rule x' $CC -Iinc -c x.c", Text);
    scene.check("cpp -Iinc x.c > x.i; $CC -c x.i", Text);
    scene.check("$CC -c missing.c", Here);
    scene.check("$CC -Iinc -c x.c -MF rule", Here);
}

#[test]
fn with_our_daemon() {
    let scene = Scene::ours();
    check_everywhere(&scene);
    check_rules(&scene);
    check_messages(&scene);
    check_what_goes_as_text(&scene);
    let check = |line: &str| scene.check(line, Sources);
    check("$CC -I$PWD/inc -MD -c $PWD/x.c -o o/x.o");
    check("$CC -Iinc -g -c x.c");
    check("$CC -Iinc -O2 -g3 -c x.c");
    check("$CC -Iinc -g -ffile-prefix-map=$PWD=/usr/src/debug/x -c $PWD/x.c");
    check("$CC -Iinc -fsanitize=address,undefined -c x.c");
    check("CPATH=inc $CC -g -c x.c");
    check("$CXX -g -O2 -c y.cc");
    check("ln -s . link; cd link; export PWD; $CC -Iinc -g -c x.c");
}

#[test]
fn with_the_daemon_of_distcc_3_4() {
    let Some(scene) = Scene::theirs() else { return };
    check_everywhere(&scene);
    check_rules(&scene);
    check_messages(&scene);
    check_what_goes_as_text(&scene);
    scene.check("$CC -Iinc -fsanitize=address -c x.c", Sources);
    // Names of that server's own directories are no part of an object.
    scene.check("$CC -I$PWD/inc -MD -c $PWD/x.c -o o/x.o", Both);
    scene.check("$CC -I$PWD/inc -O2 -c x.c", Both);
    scene.check("$CC -Iinc -g3 -c x.c", Both);
}

#[test]
fn with_our_daemon_and_its_mirror() {
    let scene = Scene::mirrored();
    check_rules(&scene);
    check_messages(&scene);
    let check = |line: &str| scene.check(line, Sources);
    check("$CC -I$PWD/inc -MD -c $PWD/x.c -o o/x.o");
    check("$CC -Iinc -g -c x.c");
    check("$CC -Iinc -g -ffile-prefix-map=$PWD=/usr/src/debug/x -c $PWD/x.c");
}

#[test]
fn with_clang() {
    let Some(_) = test_hosts::need::program("clang", "install clang") else { return };
    let scene = Scene::ours();
    let check = |line: &str| scene.check(line, Sources);
    check("$CLANG -Iinc -MD -c x.c -o o/x.o");
    check("$CLANG -Iinc -g -c x.c");
    check("$CLANG -Wall -c warns.c");
    check("$CLANG -MMD -MP -x c++ -c y.cc -o o/y.o");
}
