//! The words of DISTCC_ARGS: what distccd(1) is started with, one option exchanged and all others left. Knows no file.

/// An option with a value: its long name and, if it has one, its letter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Valued(&'static str, Option<char>);

pub(crate) const ALLOW: Valued = Valued("--allow", Some('a'));
pub(crate) const PORT: Valued = Valued("--port", Some('p'));
pub(crate) const LOG_LEVEL: Valued = Valued("--log-level", None);
pub(crate) const LOG_FILE: Valued = Valued("--log-file", None);

/// The other options of distccd that take a value, so that a value is never mistaken for an option.
const OTHERS: &[Valued] = &[
    Valued("--pid-file", Some('P')),
    Valued("--user", None),
    Valued("--nice", Some('N')),
    Valued("--oom-score-adj", None),
    Valued("--lifetime", None),
    Valued("--jobs", Some('j')),
    Valued("--job-lifetime", None),
    Valued("--listen", None),
    Valued("--sysroot", None),
    Valued("--stats-port", None),
    Valued("--blacklist", None),
    Valued("--whitelist", None),
];

/// Serves every private network; alone it is the package's own default.
const ALLOW_PRIVATE: &str = "--allow-private";

/// A command line's words, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerArgs(Vec<String>);

impl ServerArgs {
    /// Splits at blanks, as systemd does with `$DISTCC_ARGS`.
    pub(crate) fn parse(text: &str) -> ServerArgs {
        ServerArgs(text.split_whitespace().map(str::to_owned).collect())
    }

    /// Serves `ranges` besides those that stand. The package's own default gives way to them, if nothing else was ever
    /// named; without any, it is named where nothing is.
    pub(crate) fn serve(&mut self, ranges: &[String]) {
        if ranges.is_empty() {
            if self.values(ALLOW).is_empty() && !self.serves_private() {
                self.0.insert(0, ALLOW_PRIVATE.to_owned());
            }
            return;
        }
        if self.0 == [ALLOW_PRIVATE] {
            self.0.clear();
        }
        let there = self.values(ALLOW);
        let new = ranges.iter().filter(|range| !there.contains(&range.as_str()));
        let words: Vec<_> = new.flat_map(|range| [ALLOW.0.to_owned(), range.clone()]).collect();
        let spans = self.spans();
        let last = spans.iter().rfind(|span| span.option == ALLOW.0);
        let place = last.map_or(self.0.len(), |span| span.to);
        self.0.splice(place..place, words);
    }

    /// Whether private networks are named.
    pub(crate) fn serves_private(&self) -> bool {
        self.0.iter().any(|word| word == ALLOW_PRIVATE)
    }

    /// Gives an option this value, where it stood before or at the end.
    pub(crate) fn set(&mut self, option: Valued, value: &str) {
        if self.values(option) == [value] {
            return;
        }
        self.put(option, &[value]);
    }

    /// Takes back what made `ours` of `original`, each option that still has our value; what was changed since stays.
    pub(crate) fn take_back(&mut self, original: &ServerArgs, ours: &ServerArgs) {
        for option in [PORT, LOG_LEVEL, LOG_FILE] {
            let (was, made) = (original.values(option), ours.values(option));
            if was != made && self.values(option) == made {
                self.put(option, &was);
            }
        }
        let (was, made) = (original.served(), ours.served());
        if was != made && self.served() == made {
            self.put(ALLOW, &was.0);
            self.0.retain(|word| word != ALLOW_PRIVATE);
            if was.1 {
                self.0.insert(0, ALLOW_PRIVATE.to_owned());
            }
        }
    }

    fn served(&self) -> (Vec<&str>, bool) {
        (self.values(ALLOW), self.serves_private())
    }

    /// The values that an option has, in order.
    pub(crate) fn values(&self, option: Valued) -> Vec<&str> {
        self.spans().into_iter().filter(|span| span.option == option.0).map(|span| span.value).collect()
    }

    /// The words as one line.
    pub(crate) fn text(&self) -> String {
        self.0.join(" ")
    }

    /// Gives an option these values, where it stood first or at the end.
    fn put(&mut self, option: Valued, values: &[impl AsRef<str>]) {
        let place = self.remove(option);
        let words = values.iter().flat_map(|value| [option.0.to_owned(), value.as_ref().to_owned()]);
        self.0.splice(place..place, words);
    }

    /// Takes an option out; returns where it stood first, or the end.
    fn remove(&mut self, option: Valued) -> usize {
        let gone: Vec<_> = self
            .spans()
            .into_iter()
            .filter(|span| span.option == option.0)
            .map(|span| span.from..span.to)
            .collect();
        for span in gone.iter().rev() {
            self.0.drain(span.clone());
        }
        gone.first().map_or(self.0.len(), |span| span.start)
    }

    fn spans(&self) -> Vec<Span<'_>> {
        let mut spans = Vec::new();
        let mut at = 0;
        while at < self.0.len() {
            match self.span(at) {
                Some(span) => {
                    at = span.to;
                    spans.push(span);
                }
                None => at += 1,
            }
        }
        spans
    }

    /// The option with a value that begins at a word.
    fn span(&self, from: usize) -> Option<Span<'_>> {
        let word = &self.0[from];
        let next = || self.0.get(from + 1).map(String::as_str);
        [ALLOW, PORT, LOG_LEVEL, LOG_FILE].iter().chain(OTHERS).find_map(|Valued(name, letter)| {
            let letter = letter.map(|letter| format!("-{letter}"));
            if word == name || Some(word) == letter.as_ref() {
                return Some(Span { option: name, value: next()?, from, to: from + 2 });
            }
            let attached = match word.strip_prefix(name) {
                Some(rest) => rest.strip_prefix('='),
                None => letter
                    .and_then(|letter| word.strip_prefix(&letter))
                    .map(|rest| rest.trim_start_matches('=')),
            };
            Some(Span { option: name, value: attached?, from, to: from + 1 })
        })
    }
}

/// An option and its value, and the words that are theirs.
struct Span<'a> {
    option: &'static str,
    value: &'a str,
    from: usize,
    to: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, change: impl Fn(&mut ServerArgs), after: &str) {
        let mut args = ServerArgs::parse(before);
        change(&mut args);
        assert_eq!(args.text(), after, "{before}");
        change(&mut args);
        assert_eq!(args.text(), after, "a second time: {before}");
    }

    fn serve(ranges: &'static [&'static str]) -> impl Fn(&mut ServerArgs) {
        |args| args.serve(&ranges.iter().map(|range| (*range).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn ranges_are_added_to_ranges() {
        check("", serve(&["10.0.0.0/8", "::1"]), "--allow 10.0.0.0/8 --allow ::1");
        check("--log-level error", serve(&["1.2.3.4"]), "--log-level error --allow 1.2.3.4");
        check("-j4 --allow a --nice 3", serve(&["e"]), "-j4 --allow a --allow e --nice 3");
        check("-a b -ac --allow=d -j4", serve(&["d", "e", "b"]), "-a b -ac --allow=d --allow e -j4");
        check("--user --allow --jobs 3", serve(&["e"]), "--user --allow --jobs 3 --allow e");
    }

    #[test]
    fn only_the_packages_own_default_gives_way() {
        check("--allow-private", serve(&["e"]), "--allow e");
        check("--allow-private --port 9", serve(&["e"]), "--allow-private --port 9 --allow e");
    }

    #[test]
    fn without_ranges_what_stands_stays() {
        check("", serve(&[]), "--allow-private");
        check("--log-level error", serve(&[]), "--allow-private --log-level error");
        check("-j4 -a b", serve(&[]), "-j4 -a b");
        check("--allow-private", serve(&[]), "--allow-private");
    }

    #[test]
    fn only_our_words_are_taken_back() {
        let check = |original: &str, ours: &str, now: &str, expected: &str| {
            let mut args = ServerArgs::parse(now);
            args.take_back(&ServerArgs::parse(original), &ServerArgs::parse(ours));
            assert_eq!(args.text(), expected, "{now}");
        };
        let (original, ours) = ("--allow-private -p 9", "-p 9 --allow a --allow b --log-level error");
        check(original, ours, ours, "--allow-private -p 9");
        check(original, ours, "-j3 --allow a --allow b --log-level=error", "--allow-private -j3");
        check(original, ours, "-p 10 --allow c --log-level error", "-p 10 --allow c");
        check("--allow a -j2", "--allow b -j2 --port 9", "--allow b -j3 --port 9", "--allow a -j3");
        check("", "--allow-private", "--allow-private --jobs 3", "--jobs 3");
    }

    #[test]
    fn one_value() {
        let level = |args: &mut ServerArgs| args.set(LOG_LEVEL, "error");
        check("", level, "--log-level error");
        check("--log-level=info -j2", level, "--log-level error -j2");
        check("--log-level error -j2", level, "--log-level error -j2");
        check("--log-level info --log-level=debug", level, "--log-level error");
        check("-p3633 --log-level", |args| args.set(PORT, "9"), "--port 9 --log-level");
        assert_eq!(ServerArgs::parse("-p 3 -p=4 --port=5").values(PORT), ["3", "4", "5"]);
    }
}
