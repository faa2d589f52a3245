//! What `-march=native` and the like are on this machine, out of what a compiler driver says it would run (`-###`), and
//! whether other words have it run the same. Runs nothing.

use crate::maker::Family;

/// The commands that a driver would run, word by word, and of what it has warned besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// The compiler's first; there is one.
    pub(crate) words: Vec<Vec<String>>,
    pub(crate) warnings: Vec<String>,
}

/// How well explicit words stand for `native`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Likeness {
    /// Every program would get the same words in the same order.
    Whole,
    /// The compiler would make the same code, but gets its words in another order, which some outputs tell.
    Code,
}

/// The options that name a processor.
const PROCESSORS: [&str; 3] = ["-march=", "-mtune=", "-mcpu="];

impl Commands {
    /// Reads what `-###` has written to standard error in the C locale.
    ///
    /// None if it complains of an error, or names no compiler: nobody can say then what another machine would have to say.
    /// Text that is not UTF-8 is none of ours either.
    #[must_use]
    pub fn parse(said: &[u8]) -> Option<Commands> {
        let said = std::str::from_utf8(said).ok()?;
        let (commands, remarks): (Vec<&str>, Vec<&str>) =
            said.lines().partition(|line| line.starts_with(' '));
        if remarks.iter().any(|line| line.contains("error: ")) {
            return None;
        }
        let warnings = remarks.into_iter().filter(|line| line.contains("warning: "));
        let warnings = warnings.map(str::to_owned).collect();
        let words_in = |line| words_in(line).into_iter().map(without_chance).collect::<Vec<_>>();
        let words: Vec<_> = commands.into_iter().map(words_in).filter(|words| words.len() > 1).collect();
        (!words.is_empty()).then_some(Commands { words, warnings })
    }

    /// The program that compiles, as the driver names it.
    #[must_use]
    pub fn compiler(&self) -> &str {
        &self.words[0][0]
    }

    /// The words that stand for this processor: for gcc in the place of all `-m` and `--param` words and before all others, for
    /// clang in the place of its `-march=`, `-mtune=` and `-mcpu=` and behind all others. None where `native` is left.
    #[must_use]
    pub fn explicit(&self, family: Family) -> Option<Vec<String>> {
        let compiler = &self.words[0];
        let words = match family {
            Family::Gcc => of_gcc(compiler),
            Family::Clang => of_clang(compiler)?,
        };
        let is_native = |word: &String| {
            PROCESSORS
                .iter()
                .any(|option| word.strip_prefix(option).is_some_and(|value| value.starts_with("native")))
        };
        (!words.is_empty() && !words.iter().any(is_native)).then_some(words)
    }

    /// How much of what this runs, asked with `native`, is what `other` runs, asked with the explicit words; None if they would
    /// make something else, or warn of something else.
    #[must_use]
    pub fn likeness(&self, other: &Commands, family: Family) -> Option<Likeness> {
        let (compiler, others) = self.words.split_first()?;
        let (compiler_of_other, others_of_other) = other.words.split_first()?;
        if others != others_of_other || self.warnings != other.warnings {
            return None;
        }
        match family {
            Family::Gcc => likeness_of_gcc(compiler, compiler_of_other),
            Family::Clang => are_alike_for_clang(compiler, compiler_of_other).then_some(Likeness::Code),
        }
    }
}

/// clang makes up a new name for what goes to the assembler each time: `/tmp/null-19c681.s`, of /dev/null.
fn without_chance(word: String) -> String {
    let is_made_up = word.starts_with('/') && word.contains("/null-") && word.ends_with(".s");
    if is_made_up { "/null.s".to_owned() } else { word }
}

/// Words are parted by spaces, may stand in double quotes, and a backslash makes the next character ordinary.
fn words_in(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let (mut quoted, mut letters) = (false, line.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' => word.get_or_insert_default().extend(letters.next()),
            ' ' if !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

/// All that concerns the processor is in `-m` words and parameters.
fn of_gcc(compiler: &[String]) -> Vec<String> {
    let words = joined(compiler);
    words.into_iter().filter(|word| is_parameter(word) || is_of_machine(word)).collect()
}

/// Both spellings of a parameter as the one that is a single word, and without what says nothing but how the input and the
/// temporary files are called.
fn joined(compiler: &[String]) -> Vec<String> {
    let mut words = compiler.iter();
    let mut joined = Vec::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--param" => joined.extend(words.next().map(|value| format!("--param={value}"))),
            "-quiet" => {}
            "-dumpbase" | "-dumpbase-ext" | "-dumpdir" => drop(words.next()),
            _ => joined.push(word.clone()),
        }
    }
    joined
}

/// The driver leaves out what a later word takes back or repeats (`-mavx … -mno-avx`), and the compiler proper would as well.
fn without_cancelled(words: Vec<String>) -> Vec<String> {
    let switch = |word: &str| {
        let name = word.strip_prefix("-m").filter(|name| !name.contains('='))?;
        Some(name.strip_prefix("no-").unwrap_or(name).to_owned())
    };
    let is_last = |at: usize| {
        let same = |later: &String| switch(later) == switch(&words[at]);
        switch(&words[at]).is_none() || !words[at + 1..].iter().any(same)
    };
    (0..words.len()).filter(|at| is_last(*at)).map(|at| words[at].clone()).collect()
}

pub(crate) fn is_parameter(word: &str) -> bool {
    word.starts_with("--param=")
}

pub(crate) fn is_of_machine(word: &str) -> bool {
    word.starts_with("-m")
}

fn likeness_of_gcc(native: &[String], explicit: &[String]) -> Option<Likeness> {
    let (native, explicit) = (without_cancelled(joined(native)), without_cancelled(joined(explicit)));
    if native == explicit {
        return Some(Likeness::Whole);
    }
    let kinds: [fn(&str) -> bool; 3] =
        [is_of_machine, is_parameter, |word| !is_of_machine(word) && !is_parameter(word)];
    let of_kind = |words: &[String], kind: fn(&str) -> bool| -> Vec<String> {
        words.iter().filter(|word| kind(word)).cloned().collect()
    };
    let alike = |kind: fn(&str) -> bool| of_kind(&native, kind) == of_kind(&explicit, kind);
    kinds.into_iter().all(alike).then_some(Likeness::Code)
}

/// What distcc 3.4's daemon takes for `-x LANGUAGE` where it is a word. Nothing that a processor has implies these, but for the
/// first what begins like it.
const LIKE_X: [&str; 5] = ["-xsave", "-xop", "-xsavec", "-xsaveopt", "-xsaves"];

/// clang's driver has no words for some features, and others it knows by other names: its inside knows them all.
fn of_clang(compiler: &[String]) -> Option<Vec<String>> {
    let value = |option: &str| {
        let at = compiler.iter().rposition(|word| word == option)?;
        compiler.get(at + 1)
    };
    let triple = value("-triple")?;
    let is_x86 = triple.starts_with("x86_64") || triple.starts_with('i');
    let option = if is_x86 { "-march=" } else { "-mcpu=" };
    let mut words = vec![format!("{option}{}", value("-target-cpu")?)];
    words.extend(value("-tune-cpu").map(|cpu| format!("-mtune={cpu}")));
    let (like_x, others): (Vec<&str>, Vec<&str>) =
        features(compiler).into_iter().partition(|feature| feature.starts_with("-x"));
    words.extend(like_x.iter().map(|feature| format!("-mno-{}", &feature[1..])));
    for feature in others {
        words.extend(["-Xclang", "-target-feature", "-Xclang", feature].map(str::to_owned));
    }
    Some(words)
}

fn features(compiler: &[String]) -> Vec<&str> {
    compiler.windows(2).filter(|pair| pair[0] == "-target-feature").map(|pair| pair[1].as_str()).collect()
}

/// Each feature switches others on or off, whatever was on or off, so the last that has a say decides: what comes before the
/// whole list and is in it, too, changes nothing. Those like `-x` may come before it, since nothing that is on implies them.
fn are_alike_for_clang(native: &[String], explicit: &[String]) -> bool {
    let (all, got) = (features(native), features(explicit));
    let (early, wanted): (Vec<&str>, Vec<&str>) = all.iter().partition(|feature| feature.starts_with("-x"));
    let is_implied = early.contains(&LIKE_X[0]) && all.iter().any(|feature| feature.starts_with("+xsave"));
    let Some(earlier) = got.strip_suffix(wanted.as_slice()) else { return false };
    !is_implied
        && early.iter().all(|feature| LIKE_X.contains(feature) && earlier.contains(feature))
        && earlier.iter().all(|feature| all.contains(feature))
        && without_features(native) == without_features(explicit)
}

fn without_features(words: &[String]) -> Vec<&str> {
    let mut words = words.iter();
    let mut rest = Vec::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-target-feature" => drop(words.next()),
            other => rest.push(other),
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GCC: &str = "\
Using built-in specs.
COLLECT_GCC=gcc
Target: x86_64-linux-gnu
COLLECT_GCC_OPTIONS='-march=native' '-mno-avx2' '-O2' '-c'
 /usr/lib/gcc/cc1 -quiet -imultiarch x86_64-linux-gnu /dev/null \"-march=znver3\" -msse -mno-fma4 --param \"l1-cache-size=32\" \"-mtune=znver3\" -quiet -dumpbase null -mno-avx2 -O2 -o - |
 as --64 -o null.o
COMPILER_PATH=/usr/lib/gcc/
";

    const CLANG: &str = "\
Debian clang version 14.0.6
Target: x86_64-pc-linux-gnu
 (in-process)
 \"/usr/bin/clang\" \"-cc1\" \"-triple\" \"x86_64-pc-linux-gnu\" \"-target-cpu\" \"znver3\" \"-target-feature\" \"+avx2\" \"-target-feature\" \"-fma4\" \"-O2\" \"-x\" \"c\" \"/dev/null\"
";

    fn commands(said: &str) -> Commands {
        Commands::parse(said.as_bytes()).unwrap_or_else(|| panic!("{said}"))
    }

    #[test]
    fn words_are_parted_as_drivers_part_them() {
        let check = |line: &str, expected: &[&str]| assert_eq!(words_in(line), expected, "{line}");
        check("", &[]);
        check(" a  b ", &["a", "b"]);
        check(r#" "a b" c\ d "e\"f\\" """#, &["a b", "c d", "e\"f\\", ""]);
        check(r#"x"y z"w \"#, &["xy zw", ""]);
    }

    #[test]
    fn explicit_words() {
        let check = |said: &str, family: Family, expected: Option<&str>| {
            let expected = expected.map(|words| words.split(' ').map(str::to_owned).collect());
            assert_eq!(commands(said).explicit(family), expected, "{said}");
        };
        let gcc = "-march=znver3 -msse -mno-fma4 --param=l1-cache-size=32 -mtune=znver3 -mno-avx2";
        check(GCC, Family::Gcc, Some(gcc));
        let clang =
            "-march=znver3 -Xclang -target-feature -Xclang +avx2 -Xclang -target-feature -Xclang -fma4";
        check(CLANG, Family::Clang, Some(clang));
        let (with_xop, words_with_xop) = (
            CLANG.replace("+avx2", "-xop"),
            clang.replace("-Xclang -target-feature -Xclang +avx2", "-mno-xop"),
        );
        check(&with_xop, Family::Clang, Some(&words_with_xop));
        let assembled = CLANG.replace("/dev/null\"", "/tmp/null-19c681.s\"");
        assert_eq!(commands(&assembled), commands(&assembled.replace("19c681", "0a")));
        let tuned = CLANG.replace("\"-O2\"", "\"-tune-cpu\" \"znver4\"").replace("x86_64-pc", "aarch64");
        let tuned_clang = clang.replace("-march=znver3", "-mcpu=znver3 -mtune=znver4");
        check(&tuned, Family::Clang, Some(&tuned_clang));
        check(&GCC.replace("\"-march=znver3\"", "-mcpu=native+crc"), Family::Gcc, None);
        check(" /usr/lib/cc1 -O2", Family::Gcc, None);
        check(" /usr/bin/clang -O2", Family::Clang, None);
    }

    #[test]
    fn what_is_said_beside_is_no_answer() {
        let check = |said: &str| assert_eq!(Commands::parse(said.as_bytes()), None, "{said}");
        check("");
        check("gcc: fatal error: no input files\n");
        check(&format!("cc1: error: bad value 'x'\n{GCC}"));
        assert_eq!(Commands::parse(b" /a b\xff"), None);
    }

    #[test]
    fn likeness_of_commands_of_gcc() {
        let native = commands(GCC);
        let check = |said: &str, expected: Option<Likeness>| {
            assert_eq!(native.likeness(&commands(said), Family::Gcc), expected, "{said}");
        };
        let processor = "\"-march=znver3\" -msse -mno-fma4 --param \"l1-cache-size=32\" \"-mtune=znver3\" ";
        let plain = GCC.replace(processor, "");
        let m_words = "-march=znver3 -msse -mno-fma4 -mtune=znver3 -mno-avx2 -O2 -o -";
        let code = plain.replace("-mno-avx2 -O2 -o -", &format!("{m_words} --param=l1-cache-size=32"));
        check(GCC, Some(Likeness::Whole));
        check(&code, Some(Likeness::Code));
        check(&code.replace("-msse", "-msse -mavx2"), Some(Likeness::Code));
        check(&code.replace("-mno-avx2", "-mavx2"), None);
        check(&code.replace("=32", "=33"), None);
        check(&code.replace("-msse -mno-fma4", "-mno-fma4 -msse"), None);
        check(&code.replace("-O2", "-O3"), None);
        check(&code.replace("--64", "--32"), None);
        check(&plain, None);
    }

    /// For ARM it puts all of them into the command, so that other machines get them in the same places; of the tuning it
    /// finds nothing out.
    #[test]
    fn gcc_for_arm() {
        let said = |words: &str| {
            commands(&format!(
                "COLLECT_GCC_OPTIONS= '-c' '-pipe'\n /usr/libexec/gcc/aarch64-linux-gnu/14/cc1 -quiet -imultiarch \
                 aarch64-linux-gnu /dev/null -quiet -dumpbase null {words} -g -O2 -o - |\n as -EL \
                 \"-march=armv8.2-a+dotprod+crc+crypto+fp16+rcpc+ssbs+profile\" \"-mabi=lp64\" -o null.o\n"
            ))
        };
        let check = |native: &str, explicit: &str| {
            let native = said(native);
            let words: Vec<&str> = explicit.split(' ').collect();
            assert_eq!(native.explicit(Family::Gcc).unwrap(), words);
            assert_eq!(native.likeness(&said(explicit), Family::Gcc), Some(Likeness::Whole));
        };
        check(
            "-mlittle-endian \"-mabi=lp64\" \"-mcpu=neoverse-n1+crc+crypto+ssbs\"",
            "-mlittle-endian -mabi=lp64 -mcpu=neoverse-n1+crc+crypto+ssbs",
        );
        check("-mlittle-endian \"-mabi=lp64\"", "-mlittle-endian -mabi=lp64");
    }

    #[test]
    fn likeness_of_commands_of_clang() {
        let native = commands(CLANG);
        let check = |features: &[&str], expected: Option<Likeness>| {
            let features: Vec<_> =
                features.iter().map(|one| format!("\"-target-feature\" \"{one}\"")).collect();
            let plain = CLANG.replace("\"-target-feature\" \"+avx2\" \"-target-feature\" \"-fma4\" ", "");
            let said = plain.replace("\"-x\"", &format!("{} \"-x\"", features.join(" ")));
            assert_eq!(native.likeness(&commands(&said), Family::Clang), expected, "{said}");
        };
        check(&["+avx2", "-fma4"], Some(Likeness::Code));
        check(&["-fma4", "+avx2", "-fma4"], Some(Likeness::Code));
        check(&["-fma4", "+avx2"], None);
        check(&["-sse", "+avx2", "-fma4"], None);
        check(&["+avx2"], None);
        check(&[], None);
        let warns = |what: &str| commands(&format!("{CLANG}clang: warning: {what}\n"));
        let likeness = |other: &str| warns("-O4 is -O3").likeness(&warns(other), Family::Clang);
        assert_eq!((likeness("-O4 is -O3"), likeness("-O4 is -O2")), (Some(Likeness::Code), None));
        assert_eq!(warns("-O4 is -O3").likeness(&native, Family::Clang), None);
        assert_eq!(native.likeness(&commands(&CLANG.replace("znver3", "znver2")), Family::Clang), None);
    }

    #[test]
    fn features_that_come_early_for_clang() {
        let command = |features: &str| -> Vec<String> {
            features.split(' ').flat_map(|one| ["-target-feature".to_owned(), one.to_owned()]).collect()
        };
        let check = |native: &str, explicit: &str, expected: bool| {
            assert_eq!(
                are_alike_for_clang(&command(native), &command(explicit)),
                expected,
                "{native}: {explicit}"
            );
        };
        check("+avx -xop +fma", "-xop +avx +fma", true);
        check("+avx -xop +fma", "+avx +fma", false);
        check("+avx -xsave -xsavec", "-xsave -xsavec +avx", true);
        check("+xsaveopt -xsave", "-xsave +xsaveopt", false);
        check("+avx -xyz", "-xyz +avx", false);
    }

    proptest! {
        #[test]
        fn anything_may_be_said(said in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(commands) = Commands::parse(&said) {
                let _ = (commands.explicit(Family::Gcc), commands.explicit(Family::Clang));
                prop_assert!(commands.likeness(&commands, Family::Gcc).is_some());
            }
        }
    }
}
