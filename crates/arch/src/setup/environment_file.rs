//! An EnvironmentFile of systemd.exec(5) as text: one variable read and set, every other byte left. Knows no service.

/// The value that systemd would see: the last assignment counts.
///
/// # Errors
/// The line, counted from 1, and why it is not touched.
pub(crate) fn value(text: &str, name: &str) -> Result<Option<String>, String> {
    let Some((at, line)) = lines_of(text, name).last() else { return Ok(None) };
    let written = line.trim_start()[name.len() + 1..].trim();
    let refused = |why: &str| Err(format!("line {}: {name} {why}: write it in plain words first", at + 1));
    if written.ends_with('\\') {
        return refused("goes on in the next line");
    }
    let quote = written.chars().next().filter(|first| ['"', '\''].contains(first));
    let inner = match quote {
        Some(quote) => match written[1..].strip_suffix(quote) {
            Some(inner) => inner,
            None => return refused("has a quote that does not end in its line"),
        },
        None => written,
    };
    if inner.contains(['"', '\'', '\\']) {
        return refused("has quotes within");
    }
    Ok(Some(inner.to_owned()))
}

/// The text in which the variable has this value: in its last assignment's place, else after its commented-out
/// default, else at the end.
pub(crate) fn with_value(text: &str, name: &str, value: &str) -> String {
    let assignment = format!("{name}=\"{value}\"");
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if let Some((at, old)) = lines_of(text, name).last() {
        let kept = &old[old.trim_end().len()..];
        lines[at] = format!("{assignment}{kept}");
        return lines.concat();
    }
    let is_default = |line: &String| {
        let uncommented = line.trim_start().strip_prefix(['#', ';']).map(str::trim_start);
        uncommented.and_then(|line| line.strip_prefix(name)).is_some_and(|rest| rest.starts_with('='))
    };
    let place = lines.iter().rposition(is_default).map_or(lines.len(), |default| default + 1);
    if let Some(before) =
        place.checked_sub(1).map(|before| &mut lines[before]).filter(|line| !line.ends_with('\n'))
    {
        before.push_str(ending);
    }
    lines.insert(place, format!("{assignment}{ending}"));
    lines.concat()
}

fn lines_of<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let assigns =
        move |line: &str| line.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
    text.split_inclusive('\n').enumerate().filter(move |(_, line)| assigns(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<Option<&str>, &str>) {
        let got = value(text, "ARGS");
        match (&got, expected) {
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            _ => assert_eq!(got.as_ref().map(Option::as_deref).map_err(String::as_str), expected),
        }
    }

    #[test]
    fn values() {
        check("", Ok(None));
        check("# ARGS=no\nMYARGS=no\n", Ok(None));
        check("ARGS=\"--a b\"\n", Ok(Some("--a b")));
        check("ARGS=--a b\r\n", Ok(Some("--a b")));
        check("ARGS=1\n  ARGS='2'", Ok(Some("2")));
        check("ARGS=", Ok(Some("")));
        check("\nARGS=\"a \\\nb\"\n", Err("line 2: ARGS goes on in the next line"));
        check("ARGS=\"a\n", Err("line 1: ARGS has a quote"));
        check("ARGS=\"--log-file '/a b'\"\n", Err("has quotes within"));
    }

    #[track_caller]
    fn check_set(text: &str, expected: &str) {
        let set = with_value(text, "ARGS", "x y");
        assert_eq!(set, expected, "{text}");
        assert_eq!(value(&set, "ARGS").unwrap().as_deref(), Some("x y"), "{set}");
        assert_eq!(with_value(&set, "ARGS", "x y"), expected);
    }

    #[test]
    fn one_line_changes() {
        check_set("", "ARGS=\"x y\"\n");
        check_set("A=1", "A=1\nARGS=\"x y\"\n");
        check_set("#ARGS=\"\"\nB=2\n", "#ARGS=\"\"\nARGS=\"x y\"\nB=2\n");
        check_set("ARGS=1\n# say\nARGS=2 \nB=\n", "ARGS=1\n# say\nARGS=\"x y\" \nB=\n");
        check_set("A=1\r\nARGS=2\r\n", "A=1\r\nARGS=\"x y\"\r\n");
    }
}
