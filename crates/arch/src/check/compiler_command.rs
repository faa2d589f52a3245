//! What makes out a compiler in a command such as `ccache /usr/bin/gcc -m32`. Looks for no program.

/// The words of `CC` or `CXX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CompilerCommand {
    /// As typed, perhaps with a path.
    pub(crate) typed: String,
    /// Without the path, as the links to distcc are called.
    pub(crate) name: String,
    /// What is always passed to it.
    pub(crate) flags: Vec<String>,
}

/// Programs that take a compiler's command as their own arguments.
const PREFIXES: &[&str] = &["ccache", "distcc", "sccache"];

impl CompilerCommand {
    /// None: it names no compiler.
    pub(crate) fn parse(command: &str) -> Option<CompilerCommand> {
        let name_of = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
        let mut words =
            command.split_whitespace().skip_while(|word| PREFIXES.contains(&name_of(word).as_str()));
        let typed = words.next()?;
        let flags = words.map(str::to_owned).collect();
        Some(CompilerCommand { typed: typed.to_owned(), name: name_of(typed), flags })
    }

    /// Whether no link on `PATH` can stand for it.
    pub(crate) fn has_path(&self) -> bool {
        self.typed.contains('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        for (command, typed, name, flags) in [
            ("gcc", "gcc", "gcc", ""),
            ("gcc -m32  -std=c99", "gcc", "gcc", "-m32 -std=c99"),
            ("/opt/x/bin/gcc-15", "/opt/x/bin/gcc-15", "gcc-15", ""),
            ("/usr/bin/ccache clang", "clang", "clang", ""),
            ("ccache distcc ./gcc -O", "./gcc", "gcc", "-O"),
        ] {
            let parsed = CompilerCommand::parse(command).unwrap();
            let expected = (typed, name, flags.to_owned());
            assert_eq!((parsed.typed.as_str(), parsed.name.as_str(), parsed.flags.join(" ")), expected);
        }
        assert!(CompilerCommand::parse(" ").is_none() && CompilerCommand::parse("ccache").is_none());
    }
}
