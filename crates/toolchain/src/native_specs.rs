//! A client's processor as gcc takes it in the place of `native`: the words, and the file for `-specs=` that puts them where
//! gcc would have put its own. Runs nothing.

use crate::native_words::{Commands, is_of_machine, is_parameter};

/// More than gcc has for any processor.
const MOST_WORDS: usize = 300;
const MOST_BYTES: usize = 8 * 1024;

/// The words by which gcc proper knows a processor; nothing in them means anything but itself in a file of specs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processor {
    words: Vec<String>,
}

impl Processor {
    /// Takes only what gcc may say of a processor: `-mavx2`, `-march=znver3`, `--param=l1-cache-size=32`.
    ///
    /// # Errors
    /// What is wrong with the words, as a fragment.
    pub fn new(words: Vec<String>) -> Result<Processor, String> {
        let bytes: usize = words.iter().map(|word| word.len() + 1).sum();
        if words.is_empty() || words.len() > MOST_WORDS || bytes > MOST_BYTES {
            return Err(format!("{} words of {bytes} bytes for a processor", words.len()));
        }
        match words.iter().find(|word| !is_plain_switch(word) && !is_plain_parameter(word)) {
            Some(odd) => Err(format!("\"{}\" says nothing of a processor", odd.escape_default())),
            None => Ok(Processor { words }),
        }
    }

    /// The words, in gcc's order.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Another processor, or none.
    #[must_use]
    pub fn without_last(&self) -> Processor {
        Processor { words: self.words[..self.words.len().saturating_sub(1)].to_vec() }
    }

    /// What has gcc for x86 give them to the compiler proper wherever it would look at its own machine.
    pub fn specs(&self) -> String {
        let mut specs = "*cc1_cpu:\n%{march=native:%>march=native} %{mtune=native:%>mtune=native}".to_owned();
        for word in &self.words {
            specs.push(' ');
            specs.push_str(word);
        }
        specs + "\n\n"
    }
}

impl Commands {
    /// What gcc has found out of this machine, with what `native` alone brings besides; the words typed for a processor, and
    /// their like, it gives to the compiler proper later. None where that says more than of a processor.
    #[must_use]
    pub fn found_out(&self) -> Option<Processor> {
        let words = with_joined_parameters(&self.words[0]);
        let is_of_processor = |word: &String| is_parameter(word) || is_of_machine(word);
        let found_out = words.into_iter().skip_while(|word| !is_of_processor(word));
        Processor::new(found_out.take_while(is_of_processor).collect()).ok()
    }

    /// Whether this runs what `other` runs, word by word.
    #[must_use]
    pub fn is_whole(&self, other: &Commands) -> bool {
        let joined = |commands: &Commands| -> Vec<_> {
            commands.words.iter().map(|words| with_joined_parameters(words)).collect()
        };
        joined(self) == joined(other) && self.warnings == other.warnings
    }
}

/// Both spellings of a parameter as the one that is a single word.
fn with_joined_parameters(words: &[String]) -> Vec<String> {
    let mut words = words.iter();
    let mut joined = Vec::new();
    while let Some(word) = words.next() {
        match (word.as_str(), words.as_slice().first()) {
            ("--param", Some(value)) => {
                joined.push(format!("--param={value}"));
                words.next();
            }
            _ => joined.push(word.clone()),
        }
    }
    joined
}

/// `-m` and what names, versions and lists are made of.
fn is_plain_switch(word: &str) -> bool {
    let is_plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'=' | b'_' | b'-')
    };
    word.strip_prefix("-m").is_some_and(|rest| rest.bytes().all(is_plain))
}

fn is_plain_parameter(word: &str) -> bool {
    let pair = word.strip_prefix("--param=").and_then(|pair| pair.split_once('='));
    pair.is_some_and(|(name, number)| {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !name.is_empty() && name.bytes().all(is_name) && number.parse::<u64>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(line: &str) -> Vec<String> {
        line.split('|').map(str::to_owned).collect()
    }

    #[test]
    fn what_gcc_says_of_processors() {
        let check = |line: &str, expected: Option<&str>| match (Processor::new(words(line)), expected) {
            (Ok(processor), None) => assert_eq!(processor.words(), words(line)),
            (Err(why), Some(expected)) => assert!(why.contains(expected), "{line}: {why}"),
            (taken, _) => panic!("{line}: {taken:?}"),
        };
        check("-march=znver3|-mno-avx512er|-msse4.2|--param=l1-cache-size=32|-mtune=znver3", None);
        check("-mcpu=neoverse-n1+crypto+nossbs", None);
        check("-march=x|-O2", Some("\"-O2\" says"));
        for odd in [
            "-m%{x}",
            "-ma b",
            "-ma\n*cc1",
            "-mA",
            "-m|@x",
            "-fplugin=x.so",
            "",
            "-",
            "--param",
            "--param=x",
            "--param==1",
            "--param=x=-1",
            "--param=x=1 -mavx",
            "-m\u{e4}",
            "-ma{",
            "-ma;",
            "-ma|-mb,c",
            "-ma/b",
        ] {
            check(odd, Some("says nothing"));
        }
        assert!(Processor::new(vec![]).is_err());
        assert!(Processor::new(vec!["-ma".to_owned(); MOST_WORDS]).is_ok());
        assert!(Processor::new(vec!["-ma".to_owned(); MOST_WORDS + 1]).is_err());
        assert!(Processor::new(vec![format!("-m{}", "a".repeat(MOST_BYTES))]).is_err());
    }

    #[test]
    fn specs_of_a_processor() {
        let specs = Processor::new(words("-march=z|--param=l=1")).unwrap().specs();
        let other = Processor::new(words("-march=z|--param=l=1|-mb")).unwrap().without_last();
        assert_eq!(other.specs(), specs);
        let expected = "*cc1_cpu:\n%{march=native:%>march=native} %{mtune=native:%>mtune=native} -march=z --param=l=1\n\n";
        assert_eq!(specs, expected);
    }

    #[test]
    fn what_gcc_has_found_out() {
        let check = |said: &str, expected: Option<&str>| {
            let commands = Commands::parse(said.as_bytes()).unwrap();
            assert_eq!(commands.found_out().map(|processor| processor.words), expected.map(words), "{said}");
        };
        let gcc = " /usr/lib/gcc/cc1 -quiet -imultiarch x /dev/null \"-march=z\" -mavx --param \"l=1\" \"-mtune=z\" \
                   -quiet -dumpbase null -mno-fma -O2 --param=a=1\n as -o null.o\n";
        check(gcc, Some("-march=z|-mavx|--param=l=1|-mtune=z"));
        check(
            " cc1 -quiet /dev/null --param l=1 -mtune=z -quiet -march=x86-64",
            Some("--param=l=1|-mtune=z"),
        );
        check(" cc1 -quiet /dev/null -O2", None);
        check(" cc1 /dev/null -march=z,x -quiet", None);
        check(" cc1 -mavx --param", Some("-mavx"));
    }

    #[test]
    fn what_is_whole() {
        let check = |one: &str, other: &str, expected: bool| {
            let commands = |said: &str| Commands::parse(said.as_bytes()).unwrap();
            assert_eq!(commands(one).is_whole(&commands(other)), expected, "{one}: {other}");
        };
        check(" cc1 -ma --param \"l=1\" -O2\n as x", " cc1 -ma --param=l=1 -O2\n as x", true);
        check(" cc1 -ma -mb", " cc1 -mb -ma", false);
        check(" cc1 -ma -quiet", " cc1 -quiet -ma", false);
        check(" cc1 -ma\n as x", " cc1 -ma\n as y", false);
        check(" cc1 -ma\n as x", " cc1 -ma", false);
        check(" cc1 -ma\ngcc: warning: x", " cc1 -ma", false);
    }

    proptest! {
        #[test]
        fn specs_say_the_words_and_no_more(words in prop::collection::vec("(-m|--param=)?\\PC{0,12}", 1..6)) {
            if let Ok(processor) = Processor::new(words.clone()) {
                let specs = processor.specs();
                let said = specs.strip_suffix("\n\n").and_then(|specs| specs.split("native} ").last());
                prop_assert_eq!(said, Some(&*words.join(" ")));
                let is_quiet = words.iter().all(|word| !word.contains(['%', '{', '}', '|', ';', ' ', '\n', '@']));
                prop_assert!(is_quiet);
            }
        }
    }
}
