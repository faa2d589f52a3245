//! The words of a written list of hosts: some added, exchanged or taken out; blanks, comments and order stay. Knows
//! nothing of where the list is written.

use hosts::{Host, HostList, Place};

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Words in a variable.
    Variable,
    /// Lines in a file.
    Lines,
}

/// The list with `hosts`: each in the place of the one that is the same machine and port, else at the end.
pub(crate) fn with(text: &str, hosts: &[Host], form: Form) -> String {
    let mut text = text.to_owned();
    for host in hosts {
        let mut found = false;
        text = map_words(&text, |word| match host_of(word) {
            Some(there) if there.place == host.place => {
                let first = !std::mem::replace(&mut found, true);
                first.then(|| host.spec.clone())
            }
            _ => Some(word.to_owned()),
        });
        if !found {
            append(&mut text, &host.spec, form);
        }
    }
    text
}

/// The list without the hosts of these names; a name may be a whole entry, too.
///
/// # Errors
/// The first name that no host has.
pub(crate) fn without<'n>(text: &str, names: &'n [String]) -> Result<String, &'n str> {
    let mut text = text.to_owned();
    for name in names {
        let mut found = false;
        text = map_words(&text, |word| {
            let goes = host_of(word).is_some_and(|host| is_called(&host, name));
            found |= goes;
            (!goes).then(|| word.to_owned())
        });
        if !found {
            return Err(name);
        }
    }
    Ok(text)
}

/// The way to a host, without slots and options.
pub(crate) fn address(host: &Host) -> String {
    match &host.place {
        Place::Local => "localhost".to_owned(),
        Place::Tcp { name, port } if name.contains(':') => format!("[{name}]:{port}"),
        Place::Tcp { name, port } => format!("{name}:{port}"),
        Place::Ssh { user, name, .. } => format!("{}@{name}", user.as_deref().unwrap_or_default()),
    }
}

fn is_called(host: &Host, name: &str) -> bool {
    host.spec == name || host.name() == name || address(host) == name
}

fn host_of(word: &str) -> Option<Host> {
    let mut hosts = HostList::parse(word.as_bytes(), "").hosts;
    if hosts.len() == 1 { hosts.pop() } else { None }
}

fn append(text: &mut String, word: &str, form: Form) {
    let separator = if form == Form::Lines { "\n" } else { " " };
    if !text.is_empty() && !text.ends_with(char::is_whitespace) {
        text.push_str(separator);
    }
    text.push_str(word);
    if form == Form::Lines {
        text.push('\n');
    }
}

/// The text with each word before a `#` exchanged or left out. A line that loses its last word goes, and the comment
/// behind it.
fn map_words(text: &str, mut change: impl FnMut(&str) -> Option<String>) -> String {
    let mut changed = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (code, rest) = line.split_at(line.find(['#', '\n']).unwrap_or(line.len()));
        let mut left = String::new();
        let mut words = (0, 0);
        for piece in code.split_inclusive(char::is_whitespace) {
            let word = piece.trim_end();
            if word.is_empty() {
                left.push_str(piece);
                continue;
            }
            words.0 += 1;
            if let Some(other) = change(word) {
                words.1 += 1;
                left.push_str(&other);
                left.push_str(&piece[word.len()..]);
            }
        }
        if words.0 > 0 && words.1 == 0 {
            continue;
        }
        changed.push_str(if words.1 < words.0 && rest.is_empty() { left.trim_end() } else { &left });
        changed.push_str(rest);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_with(text: &str, added: &str, form: Form, expected: &str) {
        let hosts = HostList::parse(added.as_bytes(), "").hosts;
        assert_eq!(with(text, &hosts, form), expected, "{text} + {added}");
        assert_eq!(with(expected, &hosts, form), expected, "again");
    }

    #[test]
    fn adding() {
        check_with("", "red", Form::Variable, "red");
        check_with("red/2 blue", "green/5,lzo @x", Form::Variable, "red/2 blue green/5,lzo @x");
        check_with("red/2 blue", "red/7,lzo", Form::Variable, "red/7,lzo blue");
        check_with("red/2 red:99", "red:99/3", Form::Variable, "red/2 red:99/3");
        check_with("", "red", Form::Lines, "red\n");
        check_with("# all\nred # old\nblue", "red/9 green", Form::Lines, "# all\nred/9 # old\nblue\ngreen\n");
        check_with("# red", "red", Form::Lines, "# red\nred\n");
    }

    #[track_caller]
    fn check_without(text: &str, names: &str, expected: Result<&str, &str>) {
        let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        assert_eq!(without(text, &names).as_deref(), expected.as_ref().copied(), "{text} - {names:?}");
    }

    #[test]
    fn removing() {
        check_without("red/2 blue green", "blue", Ok("red/2 green"));
        check_without("red/2 blue", "blue", Ok("red/2"));
        check_without("red/2,lzo blue", "red/2,lzo", Ok("blue"));
        check_without("red:99 red", "red:99", Ok("red"));
        check_without("red:99 red", "red:3632", Ok("red:99"));
        check_without("--randomize red me@blue [::1]/2", "me@blue ::1", Ok("--randomize red"));
        check_without(
            "# all\n\nred # first\n  blue  green # two\n",
            "red",
            Ok("# all\n\n  blue  green # two\n"),
        );
        check_without("red\nblue\n", "green", Err("green"));
        check_without("# green\nred", "green", Err("green"));
        check_without("red", "red", Ok(""));
    }
}
