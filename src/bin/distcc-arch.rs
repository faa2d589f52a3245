//! What distcc-arch adds to distcc's own programs. Knows where the documentation of each program is written.

use std::io::Write;

use arch::{Documented, Parsed, Written};

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
    let written = [
        ("man/man1/distcc.1", include_str!("../../crates/client/man/distcc.1")),
        ("bash-completion/completions/distcc", include_str!("../../crates/client/completions/distcc.bash")),
        ("zsh/site-functions/_distcc", include_str!("../../crates/client/completions/_distcc")),
        (
            "fish/vendor_completions.d/distcc.fish",
            include_str!("../../crates/client/completions/distcc.fish"),
        ),
    ];
    let written = written.into_iter().map(|(path, text)| Written { path, text }).collect();
    Documented { parsed: vec![distccd], written }
}
