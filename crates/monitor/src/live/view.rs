//! A board as lines on a screen of any size. Knows no terminal and no clock.

use std::time::Duration;

use job_state::Phase;
use ratatui::Frame;
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};

use super::board::{Board, FailureRow, HostRow, JobRow};

/// Title, empty line, heading and footer.
const FRAME: usize = 4;
/// From this width on there is room for process numbers and long names.
const WIDE: usize = 70;
const LONGEST_BAR: u32 = 20;

/// Draws the whole screen.
pub(crate) fn paint(frame: &mut Frame, board: &Board, colours: bool) {
    let area = frame.area();
    let ink = Ink { colours };
    for (line, row) in lines(board, area.width.into(), area.height.into(), ink).into_iter().zip(area.rows()) {
        frame.render_widget(line, row);
    }
}

/// Whether anything has a colour (NO_COLOR).
#[derive(Clone, Copy)]
struct Ink {
    colours: bool,
}

impl Ink {
    fn of(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    fn of_phase(self, phase: Phase) -> Style {
        self.of(match phase {
            Phase::Compile => Color::Green,
            Phase::Preprocess => Color::Yellow,
            Phase::Send | Phase::Receive => Color::Cyan,
            Phase::Startup | Phase::Blocked | Phase::Connect | Phase::Done => Color::Magenta,
        })
    }
}

fn lines(board: &Board, width: usize, height: usize, ink: Ink) -> Vec<Line<'static>> {
    let room = height.saturating_sub(FRAME + usize::from(board.totals.is_some()));
    // What is over matters least.
    let failures = board.failures.len().min(room / 4);
    let room = room - failures;
    // Jobs matter more: hosts leave them half of the room, or all that they do not need.
    let for_hosts = board.hosts.len().min((room / 2).max(room.saturating_sub(board.jobs.len())));
    let mut lines = vec![title(board, ink)];
    lines.extend(board.totals.iter().map(|totals| Line::from(format!("since the last summary: {totals}"))));
    let name_width = if width < WIDE { 12 } else { 24 };
    lines.extend(cut(&board.hosts, for_hosts, "hosts", |host| host_line(host, name_width, ink)));
    lines.extend(board.failures[..failures].iter().map(|failure| failure_line(failure, ink)));
    lines.push(Line::default());
    lines.push(Line::from(heading(width)).bold());
    lines.extend(cut(&board.jobs, room - for_hosts, "jobs", |job| job_line(job, width, ink)));
    lines.resize(height.saturating_sub(1).max(1), Line::default());
    if height > 1 {
        lines.push(Line::from(format!("q quits   hosts: {}", board.list)).dim());
    }
    lines
}

/// As many rows as there is room for; the last one tells of the others.
fn cut<T>(rows: &[T], room: usize, what: &str, line: impl Fn(&T) -> Line<'static>) -> Vec<Line<'static>> {
    if rows.len() <= room {
        return rows.iter().map(line).collect();
    }
    let shown = room.saturating_sub(1);
    let rest = (room > 0).then(|| Line::from(format!("... and {} more {what}", rows.len() - shown)));
    rows[..shown].iter().map(line).chain(rest).collect()
}

fn title(board: &Board, ink: Ink) -> Line<'static> {
    let (used, total) = board.slots();
    let mut spans = vec![
        Span::from("distcc").bold(),
        Span::from(format!(": {}, {used} of {total} slots", counted(board.jobs.len()))),
    ];
    for (index, (phase, count)) in board.phases.iter().enumerate() {
        spans.push(Span::from(if index == 0 { "; " } else { ", " }));
        spans.push(Span::styled(format!("{count} {phase}"), ink.of_phase(*phase)));
    }
    Line::from(spans)
}

fn counted(jobs: usize) -> String {
    if jobs == 1 { "1 job".to_owned() } else { format!("{jobs} jobs") }
}

fn host_line(host: &HostRow, name_width: usize, ink: Ink) -> Line<'static> {
    let name = Span::from(format!("{:<name_width$.name_width$} ", host.name));
    let Some(total) = host.total else {
        return Line::from(vec![
            name,
            Span::from(format!("{:>7}", host.used)),
            Span::from("  not in the list"),
        ]);
    };
    let figures = Span::from(format!("{:>7} ", format!("{}/{total}", host.used)));
    if host.down {
        return Line::from(vec![name, figures, Span::styled("down", ink.of(Color::Red))]);
    }
    let length = total.min(LONGEST_BAR);
    let full = u64::from(host.used) * u64::from(length) / u64::from(total.max(1));
    let full = full.min(length.into()) as usize;
    let bar = Span::styled("#".repeat(full), ink.of(Color::Green));
    let rest = Span::from(".".repeat(length as usize - full)).dim();
    Line::from(vec![name, figures, bar, rest])
}

fn failure_line(failure: &FailureRow, ink: Ink) -> Line<'static> {
    let FailureRow { host, file, reason, .. } = failure;
    let text = format!(" {host}, {} ago, {file}: {reason}", age(failure.age));
    Line::from(vec![Span::styled("failed", ink.of(Color::Red)), Span::from(text)])
}

fn heading(width: usize) -> String {
    if width < WIDE {
        format!("{:<10} {:>6} {:<14} FILE", "PHASE", "TIME", "HOST")
    } else {
        format!("{:>7} {:<10} {:>8} {:<24} FILE", "PID", "PHASE", "TIME", "HOST")
    }
}

fn job_line(job: &JobRow, width: usize, ink: Ink) -> Line<'static> {
    let phase = Span::styled(format!("{:<10}", job.phase.to_string()), ink.of_phase(job.phase));
    let (age, place, file) = (age(job.age), &job.place, &job.file);
    if width < WIDE {
        return Line::from(vec![phase, Span::from(format!(" {age:>6} {place:<14.14} {file}"))]);
    }
    let pid = Span::from(format!("{:>7} ", job.pid));
    Line::from(vec![pid, phase, Span::from(format!(" {age:>8} {place:<24.24} {file}"))])
}

fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 { format!("{minutes}:{seconds:02}") } else { format!("{hours}:{minutes:02}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn host(name: &str, used: u32, total: Option<u32>, down: bool) -> HostRow {
        HostRow { name: name.to_owned(), used, total, down }
    }

    fn job(pid: u32, phase: Phase, age: u64, place: &str) -> JobRow {
        let age = Duration::from_secs(age);
        JobRow { pid, phase, age, place: place.to_owned(), file: format!("file{pid}.c") }
    }

    fn board() -> Board {
        Board {
            hosts: vec![
                host("red", 2, Some(4), false),
                host("blue", 0, Some(2), true),
                host("localhost", 10, Some(40), false),
                host("green", 1, None, false),
            ],
            jobs: vec![
                job(7, Phase::Send, 0, "green[0]"),
                job(8, Phase::Compile, 75, "red[0]"),
                job(9, Phase::Compile, 3725, "red[1]"),
            ],
            phases: vec![(Phase::Send, 1), (Phase::Compile, 2)],
            totals: None,
            failures: Vec::new(),
            list: "/etc/distcc/hosts".to_owned(),
        }
    }

    /// The same after two failures.
    fn board_with_a_past() -> Board {
        let failure = |minutes: u64, host: &str| FailureRow {
            age: Duration::from_secs(minutes * 60),
            host: host.to_owned(),
            file: "a.c".to_owned(),
            reason: "Connection refused".to_owned(),
        };
        let totals = Some("812 remote, 31 here (22 conftest, 9 link)".to_owned());
        Board { totals, failures: vec![failure(1, "blue/2"), failure(75, "green")], ..board() }
    }

    #[track_caller]
    fn check(width: u16, height: u16, expected: &[&str]) {
        check_board(&board(), width, height, expected);
    }

    #[track_caller]
    fn check_board(board: &Board, width: u16, height: u16, expected: &[&str]) {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| paint(frame, board, true)).unwrap();
        let buffer = terminal.backend().buffer();
        let rows: Vec<String> = buffer
            .content()
            .chunks(width.into())
            .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>())
            .collect();
        let rows: Vec<&str> = rows.iter().map(|row| row.trim_end()).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_wide_screen() {
        check(
            80,
            12,
            &[
                "distcc: 3 jobs, 12 of 46 slots; 1 Send, 2 Compile",
                "red                          2/4 ##..",
                "blue                         0/2 down",
                "localhost                  10/40 #####...............",
                "green                          1  not in the list",
                "",
                "    PID PHASE          TIME HOST                     FILE",
                "      7 Send           0:00 green[0]                 file7.c",
                "      8 Compile        1:15 red[0]                   file8.c",
                "      9 Compile     1:02:05 red[1]                   file9.c",
                "",
                "q quits   hosts: /etc/distcc/hosts",
            ],
        );
    }

    #[test]
    fn what_is_over() {
        let title = "distcc: 3 jobs, 12 of 46 slots; 1 Send, 2 Compile";
        let totals = "since the last summary: 812 remote, 31 here (22 conftest, 9 link)";
        let board = board_with_a_past();
        check_board(
            &board,
            80,
            15,
            &[
                title,
                totals,
                "red                          2/4 ##..",
                "blue                         0/2 down",
                "localhost                  10/40 #####...............",
                "green                          1  not in the list",
                "failed blue/2, 1:00 ago, a.c: Connection refused",
                "failed green, 1:15:00 ago, a.c: Connection refused",
                "",
                "    PID PHASE          TIME HOST                     FILE",
                "      7 Send           0:00 green[0]                 file7.c",
                "      8 Compile        1:15 red[0]                   file8.c",
                "      9 Compile     1:02:05 red[1]                   file9.c",
                "",
                "q quits   hosts: /etc/distcc/hosts",
            ],
        );
        let small = ["distcc: 3 jobs, 12 of", "since the last summar", "... and 4 more hosts"];
        let rest = ["", "PHASE        TIME HOS", "... and 3 more jobs", "q quits   hosts: /etc"];
        check_board(&board, 21, 7, &[small.as_slice(), &rest].concat());
    }

    #[test]
    fn a_small_screen() {
        check(
            40,
            8,
            &[
                "distcc: 3 jobs, 12 of 46 slots; 1 Send,",
                "red              2/4 ##..",
                "... and 3 more hosts",
                "",
                "PHASE        TIME HOST           FILE",
                "Send         0:00 green[0]       file7.c",
                "... and 2 more jobs",
                "q quits   hosts: /etc/distcc/hosts",
            ],
        );
        check(10, 1, &["distcc: 3"]);
    }

    #[test]
    fn no_size_is_too_small() {
        for (width, height) in [(1, 1), (1, 2), (3, 3), (500, 1), (1, 100), (40, 4), (40, 5)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| paint(frame, &board_with_a_past(), false)).unwrap();
        }
    }
}
