//! What distcc-arch adds to distcc's own programs. Knows where the documentation of each program is written.

use std::io::Write;

use arch::{Documented, Parsed, Written};

/// What is written by hand for a program: places below /usr/share, and the texts in a crate.
macro_rules! written {
    ($program:literal, $room:literal) => {
        [
            (concat!("man/man1/", $program, ".1"), text!($room, "man/", $program, ".1")),
            (
                concat!("bash-completion/completions/", $program),
                text!($room, "completions/", $program, ".bash"),
            ),
            (concat!("zsh/site-functions/_", $program), text!($room, "completions/_", $program)),
            (
                concat!("fish/vendor_completions.d/", $program, ".fish"),
                text!($room, "completions/", $program, ".fish"),
            ),
        ]
    };
}

macro_rules! text {
    ($room:literal, $($path:literal),+) => {
        include_str!(concat!("../../crates/", $room, "/", $($path),+))
    };
}

fn main() {
    let answer = arch::run(std::env::args_os(), documented(), &mut std::io::stderr());
    // A closed pipe is not worth a message.
    let _ = std::io::stdout().write_all(answer.text.as_bytes());
    eprint!("{}", answer.complaint);
    answer.exit.leave()
}

fn documented() -> Documented {
    let distccd = Parsed {
        command: daemon::command(),
        sections: include_str!("../../crates/daemon/man/distccd.sections.1"),
    };
    let monitor = Parsed {
        command: monitor::command(),
        sections: include_str!("../../crates/monitor/man/distccmon-text.sections.1"),
    };
    let programs = [
        written!("distcc", "client"),
        written!("lsdistcc", "survey"),
        written!("pump", "pump"),
        written!("update-distcc-symlinks", "toolchain"),
    ];
    let formats = [("man/man5/distcc-hosts.5", text!("hosts", "man/distcc-hosts.5"))];
    let written =
        programs.into_iter().flatten().chain(formats).map(|(path, text)| Written { path, text }).collect();
    Documented { parsed: vec![distccd, monitor], written }
}
