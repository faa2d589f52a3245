//! The command line of `distcc-arch` as it may be typed. Knows nothing of what the subcommands do.

use crate::commands::cidr::Cidr;
use crate::commands::masquerade::Masquerade;
use clap::{Args, Parser, Subcommand};
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Parser)]
#[command(
    name = "distcc-arch",
    version,
    about = "distcc for people who build packages on Arch Linux",
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show distcc at work, on this machine alone
    ///
    /// Starts two daemons on this machine, compiles a sample through them, or the C and C++ sources below DIR,
    /// compares every object with one that was compiled here, and says what to type next. Nothing is installed, and
    /// nothing is left behind.
    #[command(
        after_help = "Exit status: 0 when every object came from a daemon and equals the one compiled here, \
                            1 when not, 2 for a command line that makes no sense."
    )]
    Demo(Demo),
    /// Make the links that lead compilers' names to distcc follow the compilers that are installed
    ///
    /// /usr/lib/distcc says which compilers a daemon may run for others; /usr/lib/distcc/bin is where makepkg finds
    /// distcc in a compiler's place. Links of other programs' names, and files that are no links, stay.
    Masquerade(Masquerade),
    /// Turn a range or a list of addresses into CIDR blocks, and blocks into ranges
    Cidr(Cidr),
    /// Write man pages and completions of all our programs below DIRECTORY, laid out like /usr/share
    #[command(hide = true)]
    Docs {
        /// Where to; made if need be
        directory: PathBuf,
    },
}

/// What `demo` is asked to show.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Compile the C and C++ sources below this directory, each alone, instead of the sample
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// How many sources to compile at once [default: processors, but at least 2]
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// The C compiler; its C++ sibling is found by its name [default: gcc, else clang]
    #[arg(long, value_name = "COMMAND")]
    pub(crate) compiler: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
