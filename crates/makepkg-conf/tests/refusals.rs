//! What is refused, on which line and why; and what is no obstacle. Knows nothing of how it is found out.

use makepkg_conf::Conf;

/// A text that ends with `MAKEFLAGS`' fate: the line that is refused and a part of the reason.
fn refused(text: &str, line: usize, reason: &str) {
    let mut conf = Conf::parse(text.as_bytes());
    let refusal = conf.set("MAKEFLAGS", "-j11").expect_err(text);
    assert_eq!(refusal.line, line, "{text:?}: {refusal}");
    assert!(refusal.reason.contains(reason), "{text:?}: {refusal}");
    assert!(refusal.reason.contains("MAKEFLAGS") && !refusal.reason.ends_with('.'), "{text:?}: {refusal}");
    assert_eq!(conf.bytes(), text.as_bytes(), "a refused edit changes nothing");
}

/// The edit is made, and what stood in the way of other names is no obstacle.
fn edited(text: &str, expected: &str) {
    let mut conf = Conf::parse(text.as_bytes());
    conf.set("MAKEFLAGS", "-j11").unwrap_or_else(|refusal| panic!("{text:?}: {refusal}"));
    assert_eq!(String::from_utf8_lossy(conf.bytes()), expected, "{text:?}");
}

#[test]
fn assignments_that_may_not_be_made() {
    refused("if x; then\nMAKEFLAGS=-j2\nfi\n", 2, "inside an if");
    refused("MAKEFLAGS=-j1\ncase $x in a)\nMAKEFLAGS=-j2;; esac\n", 3, "inside a case");
    refused("for x in 1 2; do MAKEFLAGS=-j$x; done\n", 1, "inside a loop");
    refused("while x; do MAKEFLAGS=-j2; done\n", 1, "inside a loop");
    refused("f() {\n  MAKEFLAGS=-j2\n}\nMAKEFLAGS=-j1\n", 2, "inside a function");
    refused("[ x ] && MAKEFLAGS=-j2\n", 1, "inside a list of && or ||");
    refused("MAKEFLAGS=-j2 || true\n", 1, "inside a list of && or ||");
    refused("{ MAKEFLAGS=-j2; }\n", 1, "inside a group");
    refused("MAKEFLAGS=-j2 &\n", 1, "inside a background command");
    refused("MAKEFLAGS=-j2 | cat\n", 1, "inside a pipeline");
    refused("! MAKEFLAGS=-j2\n", 1, "inside a command after !");
    refused("if x; then export MAKEFLAGS=-j2; fi\n", 1, "inside an if");
}

#[test]
fn values_that_only_bash_knows() {
    refused("\nMAKEFLAGS=\"-j$(nproc)\"\n", 2, "a command's output");
    refused("MAKEFLAGS=\"-O \\\n-j`nproc`\"\n", 2, "a command's output");
    refused("MAKEFLAGS=-j$((1 + 1))\n", 1, "what bash computes");
    refused("MAKEFLAGS=\"-j${N}\"\n", 1, "a variable's value");
    refused("MAKEFLAGS=-j2\nMAKEFLAGS+=\" $X\"\n", 2, "a variable's value");
    refused("MAKEFLAGS=~/x\n", 1, "tilde");
    refused("MAKEFLAGS=$\"x\"\n", 1, "translates");
    refused("MAKEFLAGS=(-j2)\n", 1, "an array");
    refused("MAKEFLAGS[0]=-j2\n", 1, "index");
    refused("declare -i MAKEFLAGS=2\n", 1, "declare changes");
    refused("readonly MAKEFLAGS=-j2\nMAKEFLAGS=-j3\n", 1, "readonly changes");
}

#[test]
fn commands_that_may_change_it() {
    refused("MAKEFLAGS=-j2\nunset MAKEFLAGS\n", 2, "only bash can tell");
    refused("MAKEFLAGS=-j2\nread -r MAKEFLAGS <x\n", 2, "only bash can tell");
    refused("MAKEFLAGS=-j2\n: \"${MAKEFLAGS:=-j3}\"\n", 2, "only bash can tell");
    refused("MAKEFLAGS=-j2\n((MAKEFLAGS = 3))\n", 2, "only bash can tell");
    refused("MAKEFLAGS=-j2\nprintf -v MAKEFLAGS x\n", 2, "only bash can tell");
    refused("MAKEFLAGS=-j2\nfor MAKEFLAGS in a; do :; done\n", 2, "only bash can tell");
    refused("MAKEFLAGS=-j2\ndeclare \"MAKEFLAGS=-j3\"\n", 2, "only bash can tell");
    refused("declare -n R=MAKEFLAGS\nMAKEFLAGS=-j2\nR=-j3\n", 1, "declare");
    refused("MAKEFLAGS=-j2\nsource ./more.conf\n", 2, "a file read here may set it");
    refused("MAKEFLAGS=-j2\n[ -r x ] && . x\n", 2, "a file read here may set it");
    refused("MAKEFLAGS=-j2\neval \"$x\"\n", 2, "may set it");
    refused("MAKEFLAGS=-j2\nread \"$x\"\n", 2, "read may set it");
}

#[test]
fn texts_that_bash_reads_otherwise() {
    refused("if x\nMAKEFLAGS=-j2\n", 1, "syntax");
    refused("cat <<E\nMAKEFLAGS=-j2\nE\n", 1, "here-document");
    refused("[ x ] && return\nMAKEFLAGS=-j2\n", 1, "return may end the file");
    refused("A=1\nMAKEFLAGS=-j2\0\n", 2, "NUL");
    refused("\u{feff}MAKEFLAGS=-j2\n", 1, "byte order mark");
    refused("\u{feff}# don't\nMAKEFLAGS=-j2\n", 1, "share a line");
    refused("(a)MAKEFLAGS=-j2\n", 1, "");
    refused("A=(a)MAKEFLAGS=-j2\n", 1, "a word joins an array");
    refused("if x; then\r\nA=1\r\nfi\r\nMAKEFLAGS=-j2\r\n", 1, "carriage return");
    refused("A=a\\\nMAKEFLAGS=-j2\n", 1, "backslash");
    refused("MAKEFLAGS=a\\\nb\n", 1, "backslash");
    refused("A=1 MAKEFLAGS=-j2 \r\n", 1, "carriage return");
    refused("f() { }\nMAKEFLAGS=-j2\n", 1, "no command follows");
    refused("if x; then # y\nelse z; fi\nMAKEFLAGS=-j2\n", 1, "no command follows");
    refused(")\n#MAKEFLAGS=-j2\n", 1, "syntax");
    refused("A='\n", 1, "syntax");
    refused(&format!("{}MAKEFLAGS=1\n", "{ ".repeat(2000)), 1, "");
}

#[test]
fn what_is_about_other_names_is_no_obstacle() {
    edited("if x; then CFLAGS=1; fi\nMAKEFLAGS=-j2\n", "if x; then CFLAGS=1; fi\nMAKEFLAGS=-j11\n");
    edited("MAKEFLAGS=-j2\nCFLAGS=$(x)\n", "MAKEFLAGS=-j11\nCFLAGS=$(x)\n");
    edited("[ x ] && MAKEFLAGS=1\nMAKEFLAGS=-j2\n", "[ x ] && MAKEFLAGS=1\nMAKEFLAGS=-j11\n");
    edited("source x\nMAKEFLAGS=-j2\n", "source x\nMAKEFLAGS=-j11\n");
    edited("#MAKEFLAGS=\"\"\n. x\n", "#MAKEFLAGS=\"\"\n. x\nMAKEFLAGS=\"-j11\"\n");
    edited("MAKEFLAGS=-j2\nexport MAKEFLAGS\n", "MAKEFLAGS=-j11\nexport MAKEFLAGS\n");
    edited(
        "MAKEFLAGS=-j2\necho \"MAKEFLAGS $MAKEFLAGS\"\n",
        "MAKEFLAGS=-j11\necho \"MAKEFLAGS $MAKEFLAGS\"\n",
    );
    edited("MAKEFLAGS=-j2\nNINJAFLAGS=$MAKEFLAGS\n", "MAKEFLAGS=-j11\nNINJAFLAGS=$MAKEFLAGS\n");
    edited("MAKEFLAGS=-j2 make\n", "MAKEFLAGS=-j2 make\nMAKEFLAGS=\"-j11\"\n");
    edited(
        "X=$(MAKEFLAGS=1; echo)\n(MAKEFLAGS=2)\n",
        "X=$(MAKEFLAGS=1; echo)\n(MAKEFLAGS=2)\nMAKEFLAGS=\"-j11\"\n",
    );
    edited("MAKEFLAGS=-j2\ncat <<E\ntext\nE\n", "MAKEFLAGS=-j11\ncat <<E\ntext\nE\n");
    edited("A= B=\nMAKEFLAGS=-j2\n", "A= B=\nMAKEFLAGS=-j11\n");
    edited("MAKEFLAGS= A=\ntrue x\n", "MAKEFLAGS=\"-j11\" A=\ntrue x\n");
}

#[test]
fn names_and_values_that_cannot_be() {
    for name in ["", "A B", "1A", "A=", "A[0]", "é"] {
        Conf::parse(b"").set(name, "x").expect_err(name);
        Conf::parse(b"").enable(name, "x").expect_err(name);
    }
    Conf::parse(b"").set("A", "a\0b").expect_err("NUL");
}
