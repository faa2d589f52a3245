//! Man pages and completions as files below /usr/share. Writes none of them.

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use std::io;
use std::path::PathBuf;

/// What is documented besides this program itself.
#[derive(Debug, Default)]
pub struct Documented {
    /// Programs whose command line clap parses.
    pub parsed: Vec<Parsed>,
    /// Files that are written by hand.
    pub written: Vec<Written>,
}

/// A program with a command line that clap parses.
#[derive(Debug)]
pub struct Parsed {
    /// Its definition; the name is the program's.
    pub command: Command,
    /// More sections for its man page, in the language of man(7).
    pub sections: &'static str,
}

/// A file that is installed as it is.
#[derive(Debug)]
pub struct Written {
    /// Where, below /usr/share.
    pub path: &'static str,
    /// What is in it.
    pub text: &'static str,
}

/// One file: its place below /usr/share, and its text.
pub(crate) type Page = (PathBuf, Vec<u8>);

/// Where each shell looks for the completions of a PROGRAM.
const COMPLETIONS: &[(Shell, &str)] = &[
    (Shell::Bash, "bash-completion/completions/PROGRAM"),
    (Shell::Zsh, "zsh/site-functions/_PROGRAM"),
    (Shell::Fish, "fish/vendor_completions.d/PROGRAM.fish"),
];

/// All files for one program: a man page for it, one for each subcommand that is shown, also of subcommands, and its
/// completions.
///
/// # Errors
/// None that writing to memory can cause.
pub(crate) fn pages(program: &Parsed) -> io::Result<Vec<Page>> {
    let mut command = program.command.clone().disable_help_subcommand(true);
    command.build();
    let mut pages = vec![man_page(&command, program.sections)?];
    pages.extend(
        subcommands(&command).into_iter().map(|below| man_page(below, "")).collect::<io::Result<Vec<_>>>()?,
    );
    let name = command.get_name().to_owned();
    for (shell, place) in COMPLETIONS {
        let mut text = Vec::new();
        clap_complete::generate(*shell, &mut program.command.clone(), &name, &mut text);
        pages.push((place.replace("PROGRAM", &name).into(), agreeing(&text, &name)));
    }
    Ok(pages)
}

/// All that are shown, at every depth, each before its own.
fn subcommands(command: &Command) -> Vec<&Command> {
    let shown = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    shown.flat_map(|subcommand| std::iter::once(subcommand).chain(subcommands(subcommand))).collect()
}

/// clap_complete 4.6 writes two different names for a subcommand of a program with a hyphen, and bash then offers
/// nothing for it.
fn agreeing(completions: &[u8], program: &str) -> Vec<u8> {
    let [one, other] = ["__subcmd__", "__"].map(|between| program.replace('-', between) + "__subcmd__");
    String::from_utf8_lossy(completions).replace(&one, &other).into_bytes()
}

fn man_page(command: &Command, sections: &str) -> io::Result<Page> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let source = format!("distcc-arch {}", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).title(name.to_uppercase()).source(source).manual("distcc-arch");
    let mut text = Vec::new();
    page.render(&mut text)?;
    text.extend(sections.as_bytes());
    Ok((PathBuf::from(format!("man/man1/{name}.1")), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    #[test]
    fn files_of_a_program_with_subcommands() {
        let command = Command::new("tool")
            .about("Does it")
            .arg(Arg::new("fast").long("fast"))
            .subcommand(Command::new("one").about("First").subcommand(Command::new("deep").about("Below")))
            .subcommand(Command::new("two").about("Secret").hide(true));
        let pages = pages(&Parsed { command, sections: ".SH FILES\nnone\n" }).unwrap();
        let places: Vec<_> = pages.iter().map(|(place, _)| place.to_str().unwrap()).collect();
        let expected = [
            "man/man1/tool.1",
            "man/man1/tool-one.1",
            "man/man1/tool-one-deep.1",
            "bash-completion/completions/tool",
            "zsh/site-functions/_tool",
            "fish/vendor_completions.d/tool.fish",
        ];
        assert_eq!(places, expected);
        let page = String::from_utf8_lossy(&pages[0].1);
        assert!(
            page.contains("Does it") && page.contains("fast") && page.ends_with(".SH FILES\nnone\n"),
            "{page}"
        );
    }
}
