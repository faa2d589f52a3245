//! Jobs as lines of text, each byte as distcc 3.4's distccmon-text prints it. Knows no directory and no clock.

use std::os::unix::ffi::OsStrExt;

use job_state::{Sighting, Task};

/// One line for each job, and an empty one.
pub(crate) fn page(jobs: &[Sighting]) -> Vec<u8> {
    let mut page = Vec::new();
    for job in jobs {
        add_line(&mut page, &job.task);
    }
    page.push(b'\n');
    page
}

/// `%6ld  %-10.10s  %-30.30s %24.24s[%d]` of printf(3): process, phase, file, host and slot.
fn add_line(page: &mut Vec<u8>, task: &Task) {
    page.extend(format!("{:6}  {:<10}  ", task.pid, task.phase.to_string()).bytes());
    let file = cut(task.file.as_bytes(), 30);
    page.extend(file);
    page.extend(spaces(30 - file.len() + 1));
    let host = cut(task.host.as_bytes(), 24);
    page.extend(spaces(24 - host.len()));
    page.extend(host);
    page.extend(format!("[{}]\n", task.slot.cast_signed()).bytes());
}

/// printf counts bytes, whatever they mean.
fn cut(text: &[u8], width: usize) -> &[u8] {
    &text[..text.len().min(width)]
}

fn spaces(count: usize) -> impl Iterator<Item = u8> {
    std::iter::repeat_n(b' ', count)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::time::SystemTime;

    use job_state::Phase;

    use super::*;

    #[track_caller]
    fn check(pid: u32, phase: Phase, file: &[u8], host: &str, slot: u32, expected: &[u8]) {
        let task = Task { pid, phase, file: OsStr::from_bytes(file).to_owned(), host: host.to_owned(), slot };
        let page = page(&[Sighting { task, since: SystemTime::now() }]);
        assert_eq!(String::from_utf8_lossy(&page), String::from_utf8_lossy(expected));
        assert_eq!(page, expected);
    }

    #[test]
    fn lines() {
        let local = b" 28877  Compile     hello.c                                       localhost[0]\n\n";
        check(28877, Phase::Compile, b"hello.c", "localhost", 0, local);
        let long = b"1234567  Preprocess  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa hhhhhhhhhhhhhhhhhhhhhhhh[12]\n\n";
        check(1_234_567, Phase::Preprocess, &[b'a'; 40], &"h".repeat(40), 12, long);
        let odd =
            b"     1  Send        \xc3\xa9\xff                                                 red[-1]\n\n";
        check(1, Phase::Send, b"\xc3\xa9\xff", "red", u32::MAX, odd);
        assert_eq!(page(&[]), b"\n");
    }
}
