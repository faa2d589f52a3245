//! The small first exchange with a host: which compilers it has, and what else it offers. Knows neither who asks nor
//! what follows from the answer.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display};

use crate::ProtocolError;
use crate::decode::{Packets, Pause, Progress, progress};
use crate::extension::{ASKT, EXTENSION, TELL, Text, Word, fingerprint, lines, nonsense, read_text, unword};
use crate::token::Token;

/// What a client would know of a host.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Inquiry {
    /// The names of compilers, as jobs would have them; without any it is about all that there are.
    pub compilers: Vec<OsString>,
}

impl Inquiry {
    /// The whole message. Names that do not fit into 64 KiB are left out.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = Text::default();
        self.compilers.iter().for_each(|name| text.line("compiler", Word(name)));
        text.message(Token::DIST, ASKT)
    }

    /// The inquiry that is the next packet.
    pub(crate) fn read(packets: &mut Packets) -> Result<Inquiry, Pause> {
        let text = read_text(packets, ASKT)?;
        let names = lines(&text).filter(|(key, _)| *key == "compiler");
        let names = names.map(|(_, name)| unword(name).ok_or_else(|| nonsense(ASKT, name.as_bytes())));
        Ok(Inquiry { compilers: names.collect::<Result<_, _>>()? })
    }
}

/// What a host tells of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Telling {
    /// The daemon's name and version.
    pub server: String,
    /// How many jobs it does at once.
    pub slots: Option<u32>,
    /// What else it can: `lzo`, `pump`, and `native`, to take a proof with words for a processor.
    pub features: Vec<String>,
    /// The targets, as `-dumpmachine` says them, of all compilers that it has looked at.
    pub targets: Vec<String>,
    /// What it has under the names that were asked for; more than one under a name are of several toolchains.
    pub compilers: Vec<TellingCompiler>,
    /// The names that it has no compiler for, and why in words for people.
    pub missing: Vec<(OsString, String)>,
}

/// One compiler of a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TellingCompiler {
    /// As jobs have it.
    pub name: OsString,
    /// As `-dumpmachine` says it.
    pub target: String,
    /// As `-dumpfullversion` says it, or clang.
    pub version: String,
    /// The kind of machine that the compiler itself runs on: `x86_64`, `i386`, `aarch64`….
    pub machine: String,
    /// The languages that it compiles; none where nobody knows.
    pub languages: Vec<TellingLanguage>,
}

/// What compiles one language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TellingLanguage {
    /// As gcc's -x has it: `c`, `c++`, `objc`, `objc++`.
    pub name: String,
    /// The fingerprint of all that does so, 64 hex digits, if it has one.
    pub whole: Option<String>,
    /// That of all but general libraries.
    pub core: Option<String>,
}

impl Telling {
    /// The whole message. Compilers that do not fit into 64 KiB are left out.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = Text::default();
        text.line("server", &self.server);
        self.slots.iter().for_each(|slots| text.line("slots", slots));
        text.line("features", Words(&self.features));
        text.line("targets", Words(&self.targets));
        self.compilers.iter().for_each(|compiler| text.line("compiler", compiler));
        for (name, reason) in &self.missing {
            text.line("missing", format_args!("{} {reason}", Word(name)));
        }
        text.message(Token::DONE, TELL)
    }

    fn parse(text: &str) -> Telling {
        let mut telling = Telling::default();
        // What is not understood is for others.
        for (key, value) in lines(text) {
            let _ = telling.take(key, value);
        }
        telling
    }

    /// None if the value makes no sense, or nobody knows the key.
    fn take(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "server" => value.clone_into(&mut self.server),
            "slots" => self.slots = Some(value.parse().ok()?),
            "features" => self.features = words(value),
            "targets" => self.targets = words(value),
            "compiler" => self.compilers.push(TellingCompiler::parse(value)?),
            "missing" => {
                let (name, reason) = value.split_once(' ').unwrap_or((value, ""));
                self.missing.push((unword(name)?, reason.to_owned()));
            }
            _ => return None,
        }
        Some(())
    }
}

impl TellingCompiler {
    /// What compiles this language, if it does.
    pub fn language(&self, name: &str) -> Option<&TellingLanguage> {
        self.languages.iter().find(|language| language.name == name)
    }

    fn parse(line: &str) -> Option<TellingCompiler> {
        let mut words = line.split(' ');
        let mut compiler = TellingCompiler {
            name: unword(words.next()?)?,
            target: String::new(),
            version: String::new(),
            machine: String::new(),
            languages: Vec::new(),
        };
        for word in words {
            let _ = compiler.take(word);
        }
        Some(compiler)
    }

    /// None if the word makes no sense, or nobody knows its key.
    fn take(&mut self, word: &str) -> Option<()> {
        let (key, value) = word.split_once('=')?;
        let text = || unword(value)?.into_string().ok();
        match key {
            "target" => self.target = text()?,
            "version" => self.version = text()?,
            "machine" => self.machine = text()?,
            "language" => self.languages.extend(TellingLanguage::parse(value)),
            _ => return None,
        }
        Some(())
    }
}

impl TellingLanguage {
    /// Several that are compiled by the same, as in `c,c++:WHOLE:CORE`; without fingerprints where these make no sense.
    fn parse(value: &str) -> Vec<TellingLanguage> {
        let mut parts = value.split(':');
        let names = parts.next().unwrap_or_default();
        let whole = parts.next().and_then(fingerprint);
        let core = parts.next().and_then(fingerprint).filter(|_| whole.is_some());
        let of =
            |name: &str| TellingLanguage { name: name.to_owned(), whole: whole.clone(), core: core.clone() };
        names.split(',').filter(|name| is_language(name)).map(of).collect()
    }

    fn has_prints_of(&self, other: &TellingLanguage) -> bool {
        (&self.whole, &self.core) == (&other.whole, &other.core)
    }
}

/// Letters and what is in the names of languages.
fn is_language(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+#-.".contains(&byte))
}

impl Display for TellingCompiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [target, version, machine] =
            [&self.target, &self.version, &self.machine].map(|word| Word(OsStr::new(word)));
        write!(f, "{} target={target} version={version} machine={machine}", Word(&self.name))?;
        for alike in self.languages.chunk_by(TellingLanguage::has_prints_of) {
            let names: Vec<&str> = alike.iter().map(|language| language.name.as_str()).collect();
            write!(f, " language={}", names.join(","))?;
            for print in [&alike[0].whole, &alike[0].core].into_iter().flatten() {
                write!(f, ":{print}")?;
            }
        }
        Ok(())
    }
}

struct Words<'a>(&'a [String]);

impl Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(|word| Word(OsStr::new(word)).to_string()).collect();
        f.write_str(&words.join(" "))
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_ascii_whitespace().filter_map(|word| unword(word)?.into_string().ok()).collect()
}

/// A telling out of bytes as they come: read into [`space`](Self::space), tell with [`advance`](Self::advance) how many
/// came, until there is a telling or an error; then drop it.
pub struct TellingDecoder {
    packets: Packets,
    answered: bool,
}

impl Default for TellingDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl TellingDecoder {
    /// Before the first byte of the answer.
    pub fn new() -> Self {
        TellingDecoder { packets: Packets::new(Token::DONE), answered: false }
    }

    /// Where to read to; it is never empty while a telling is awaited.
    pub fn space(&mut self) -> &mut [u8] {
        self.packets.space(2 - usize::from(self.answered))
    }

    /// `count` bytes have come into the space; 0 means that the server has closed.
    ///
    /// # Errors
    /// What is wrong with the bytes. `NoAnswer` is distcc 3.4's daemon, or one that does not serve this client.
    ///
    /// # Panics
    /// If `count` is more than there was space for.
    pub fn advance(&mut self, count: usize) -> Result<Progress<Telling>, ProtocolError> {
        self.packets.advance(count)?;
        progress(self.proceed())
    }

    fn proceed(&mut self) -> Result<Telling, Pause> {
        if !self.answered {
            let answered = self.packets.number(Token::DONE)?;
            if answered != EXTENSION {
                return Err(ProtocolError::VersionMismatch { asked: EXTENSION, answered }.into());
            }
            self.answered = true;
        }
        Ok(Telling::parse(&read_text(&mut self.packets, TELL)?))
    }
}
