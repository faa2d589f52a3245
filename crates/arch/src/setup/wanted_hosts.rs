//! The hosts that a user names on our command line, where a wrong one is an error. Knows no file.

use hosts::HostList;

/// Reads what follows each `--hosts`, one string with several or several strings, and keeps their order.
///
/// # Errors
/// One line about the first token that the grammar of distcc(1) refuses, or that names nobody.
pub(crate) fn wanted(typed: &[String], source: &str) -> Result<HostList, String> {
    let text = typed.join(" ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.contains('#') {
        return Err(format!("{source}: a # would begin a comment: name hosts only"));
    }
    let list = HostList::parse(text.as_bytes(), source);
    if let Some(wrong) = list.warnings.first() {
        return Err(wrong.replace(": ignoring ", ": cannot use "));
    }
    if list.hosts.is_empty() && list.zeroconf.is_none() {
        return Err(format!(
            "{source}: names no host: write such as {source} \"192.168.0.2/5,lzo 192.168.0.3\""
        ));
    }
    Ok(list)
}

/// How many jobs make is to start: `asked`, or the sum of all slots.
///
/// # Errors
/// One line: the sum is more than make can count, or nobody can know it.
pub(crate) fn jobs(list: &HostList, asked: Option<u32>, source: &str) -> Result<u32, String> {
    if let Some(jobs) = asked {
        return Ok(jobs);
    }
    if list.zeroconf.is_some() {
        return Err(format!(
            "{source}: nobody knows how many machines +zeroconf will find: add --jobs N, so many as make is to start \
             at once (who is there now: distcc-arch hosts discover)"
        ));
    }
    let slots = list.total_slots();
    u32::try_from(slots)
        .map_err(|_| format!("{source}: {slots} slots are more than make can count: name fewer"))
}

/// The list as DISTCC_HOSTS takes it: what was typed, separated by single blanks.
pub(crate) fn spelled(typed: &[String]) -> String {
    typed.iter().flat_map(|part| part.split_whitespace()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &[&str], expected: Result<(&str, u64), &str>) {
        let typed: Vec<String> = typed.iter().map(|part| (*part).to_owned()).collect();
        let got = wanted(&typed, "--hosts").map(|list| (spelled(&typed), list.total_slots()));
        match (got, expected) {
            (Err(why), Err(part)) => assert!(why.contains(part) && !why.contains('\n'), "{why}"),
            (got, expected) => {
                let expected = expected.map(|(text, slots)| (text.to_owned(), slots)).map_err(str::to_owned);
                assert_eq!(got, expected);
            }
        }
    }

    #[test]
    fn order_slots_and_refusals() {
        let page = "192.168.0.2/5,lzo 192.168.0.3/3 192.168.0.4/3";
        check(&[page], Ok((page, 11)));
        check(&["192.168.0.2/5,lzo", " 192.168.0.3/3\t192.168.0.4/3 "], Ok((page, 11)));
        check(&["red", "localhost", "@blue/7"], Ok(("red localhost @blue/7", 13)));
        check(&["--randomize red"], Ok(("--randomize red", 4)));
        check(&["red/0"], Err("--hosts: cannot use \"red/0\": bad multiplier"));
        check(&["red", "blue,zip"], Err("cannot use \"blue,zip\""));
        check(&["red #blue"], Err("a # would begin a comment"));
        check(&[""], Err("names no host"));
        check(&["--localslots=3"], Err("names no host"));
        check(&["red +zeroconf"], Ok(("red +zeroconf", 4)));
        check(&["+zeroconf"], Ok(("+zeroconf", 0)));
    }

    #[test]
    fn jobs_for_make() {
        let check = |text: &str, asked, expected: Result<u32, &str>| {
            let got = jobs(&HostList::parse(text.as_bytes(), ""), asked, "--hosts");
            match expected {
                Ok(number) => assert_eq!(got, Ok(number), "{text}"),
                Err(part) => assert!(got.unwrap_err().contains(part), "{text}"),
            }
        };
        check("red/3 blue", None, Ok(7));
        check("red/3 blue", Some(2), Ok(2));
        check("red +zeroconf", Some(9), Ok(9));
        check("red +zeroconf", None, Err("add --jobs N"));
        check("red/4294967295 blue", None, Err("more than make can count"));
    }
}
