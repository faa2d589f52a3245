//! The command line of `distcc-arch` as it may be typed. Knows nothing of what the subcommands do.

use crate::commands::cidr::Cidr;
use crate::commands::hosts::Hosts;
use crate::commands::masquerade::Masquerade;
use crate::commands::setup::Setup;
use crate::commands::toolchains::{Chroot, Toolchain};
use crate::commands::undo::Undoing;
use crate::commands::watch_zeroconf::WatchZeroconf;
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
    /// Find out why a build is not distributed, or prove that it is
    ///
    /// Asks makepkg for the configuration that the building user gets, and looks at everything between it and an
    /// object that comes back from every host. Each thing that is wrong is named with the command that mends it.
    /// Beside a PKGBUILD its own options count, too. Nothing is changed.
    #[command(after_help = CHECK_ENDS)]
    Check(Check),
    /// Make makepkg distribute, or this machine compile for others
    ///
    /// Shows every change as a diff and asks before it makes any; makes all of them or none; and records them, so that
    /// `distcc-arch undo` takes them back. What is set up already is left as it is.
    #[command(
        after_help = "Exit status: 0 when it is done or there is nothing to do, 1 when you said no, 2 when it \
                            cannot be done, and then nothing is changed."
    )]
    Setup(Setup),
    /// Take back everything that setup and hosts have changed
    ///
    /// A file that nobody has changed since gets its old contents, byte for byte; of one that was changed only our own
    /// words are taken out.
    Undo(Undoing),
    /// Show the hosts that makepkg uses, ask them, or change the list where it is written
    Hosts {
        #[command(subcommand)]
        command: Hosts,
    },
    /// Name toolchains that the daemon here may run, such as cross compilers outside of its search path
    Toolchain {
        #[command(subcommand)]
        command: Toolchain,
    },
    /// Name chroots whose compilers the daemon here may run, each inside its chroot
    Chroot {
        #[command(subcommand)]
        command: Chroot,
    },
    /// Make the links that lead compilers' names to distcc follow the compilers that are installed
    ///
    /// /usr/lib/distcc says which compilers a daemon may run for others; /usr/lib/distcc/bin is where makepkg finds
    /// distcc in a compiler's place. Links of other programs' names, and files that are no links, stay.
    Masquerade(Masquerade),
    /// Turn a range or a list of addresses into CIDR blocks, and blocks into ranges
    Cidr(Cidr),
    /// Keep the hosts that announce themselves in a file; clients with +zeroconf start this
    #[command(hide = true)]
    WatchZeroconf(WatchZeroconf),
    /// Write man pages and completions of all our programs below DIRECTORY, laid out like /usr/share
    #[command(hide = true)]
    Docs {
        /// Where to; made if need be
        directory: PathBuf,
    },
}

const CHECK_ENDS: &str = "Exit status: 0 when all is well, 1 when there are warnings, 2 when something keeps builds from \
    being distributed, or nothing could be found out.\n\n\
    --json prints one object: {\"verdict\": V, \"findings\": [{\"check\": NAME, \"verdict\": V, \"subject\": TEXT, \"what\": \
    TEXT, \"remedy\": COMMAND or null}]}. V is \"well\", \"warning\", \"failure\" or \"skipped\"; the first V is the worst, \
    and never \"skipped\". NAME stays the same from version to version; the other texts are for people.";

/// What `check` is to look at.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Print the findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave out all that needs the network
    #[arg(long)]
    pub(crate) offline: bool,
    /// Take FILE for makepkg.conf, as makepkg does when it is told --config FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Look at another root directory, such as that of a chroot
    #[arg(long, value_name = "DIR", default_value = "/", hide_default_value = true)]
    pub(crate) root: PathBuf,
    /// The user who builds [default: whoever called sudo, else you, else the owner of the PKGBUILD]
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Ask only this host of the list
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
}

/// Which hosts `hosts probe` is to ask.
#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// Hosts as in the list, or by their machines' names [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Print JSON; times are in milliseconds
    #[arg(long)]
    pub(crate) json: bool,
    /// Take FILE for makepkg.conf, as makepkg does when it is told --config FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The user who builds [default: whoever called sudo, else you, else the owner of the PKGBUILD]
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
}

impl Probe {
    /// The same question to `check`.
    pub(crate) fn as_check(&self) -> Check {
        let Probe { json, config, user, .. } = self;
        Check {
            json: *json,
            offline: false,
            config: config.clone(),
            root: "/".into(),
            user: user.clone(),
            host: None,
        }
    }
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
