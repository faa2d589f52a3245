//! The compiler front end that sends compiles to other machines.

use std::io::Write;

fn main() {
    let answer = client::run(std::env::args_os().collect());
    if !answer.complaint.is_empty() {
        eprintln!("{}", answer.complaint);
    }
    // A closed pipe (`distcc --help | head -1`) is not worth a message.
    let _ = std::io::stdout().write_all(&answer.text);
    answer.exit.leave()
}
