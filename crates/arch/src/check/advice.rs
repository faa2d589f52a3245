//! Whether what we advise to type is what we understand: each call of this program in a line for a shell. Knows nothing of
//! what the calls do.

use crate::cli::Cli;
use clap::Parser;

const OURS: &str = "distcc-arch";

/// The first call of ours in `line` that our own command line refuses, with what it says.
pub(crate) fn misunderstood(line: &str) -> Option<String> {
    let line = line.split("   #").next().unwrap_or(line);
    let said_where = line.strip_prefix("on ").and_then(|rest| rest.split_once(": "));
    let line = said_where.map_or(line, |(_, command)| command);
    let words = match shell_words::split(line) {
        Ok(words) => words,
        Err(error) => return line.contains(OURS).then(|| format!("{line}: {error}")),
    };
    words.split(|word| ["&&", "||", "|"].contains(&word.as_str())).find_map(refused)
}

fn refused(words: &[String]) -> Option<String> {
    let call: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| *word == "sudo").collect();
    if call.first() != Some(&OURS) {
        return None;
    }
    Cli::try_parse_from(&call).err().map(|error| format!("{}: {error}", call.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_understand() {
        for (line, understood) in [
            ("sudo pacman -S --needed distcc-arch", true),
            ("chmod o+x '/a b'", true),
            ("sudo distcc-arch setup --hosts \"red/5,lzo @blue\"", true),
            ("sudo distcc-arch setup --hosts red   # it's \"odd\"", true),
            ("on red: sudo distcc-arch masquerade", true),
            ("pacman -S gcc && sudo distcc-arch masquerade", true),
            ("sudo distcc-arch toolchain add gcc-13.2 /opt/gcc-13.2/bin", true),
            ("sudo distcc-arch toolchain add 'a b' /opt/a", false),
            ("pacman -S gcc && sudo distcc-arch masquerades", false),
            ("on red: sudo distcc-arch setup --server --hoss x", false),
            ("distcc-arch hosts remove it's", false),
        ] {
            assert_eq!(misunderstood(line).is_none(), understood, "{line}");
        }
    }
}
