//! Commands that mend what checks find, with the names of this very situation filled in. Judges nothing.

use crate::check::Situation;
use crate::check::printable::is_plain;
use crate::makepkg::Origin;
use makepkg_conf::Conf;
use nix::unistd::geteuid;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What stands for hosts that nobody has named yet.
const NO_HOSTS: &str = "HOST/SLOTS,lzo";

impl Situation<'_> {
    /// A command that takes root, as whoever called us can type it.
    pub(crate) fn as_root(&self, command: impl AsRef<str>) -> String {
        let command = command.as_ref();
        if geteuid().is_root() && self.settings.sudo_user.is_none() {
            return command.to_owned();
        }
        format!("sudo {command}")
    }

    /// A command that changes `file`, which takes root unless it is our own.
    pub(crate) fn as_owner(&self, file: &Path, command: impl AsRef<str>) -> String {
        let own = fs::metadata(file).is_ok_and(|found| found.uid() == geteuid().as_raw());
        if own { command.as_ref().to_owned() } else { self.as_root(command) }
    }

    /// `distcc-arch setup` for the hosts that are configured already, in the file that `origin` names, where it is not
    /// the one that makepkg begins with.
    pub(crate) fn setup(&self, origin: Option<&Origin>) -> String {
        let specs: Vec<_> =
            self.hosts.iter().flat_map(|list| &list.hosts).map(|host| host.spec.as_str()).collect();
        self.setup_of(origin, &if specs.is_empty() { NO_HOSTS.to_owned() } else { specs.join(" ") })
    }

    /// The same for what is wrong with this variable, or an editor on that line where `setup` would refuse to change it.
    pub(crate) fn setup_or_edit(&self, origin: Option<&Origin>, name: &str) -> String {
        let refused = |origin: &&Origin| {
            let mut conf = Conf::parse(&fs::read(&origin.file).unwrap_or_default());
            let change = match name {
                "BUILDENV" => conf.enable(name, "distcc"),
                _ => conf.set(name, ""),
            };
            change.is_err()
        };
        origin.filter(refused).map_or_else(|| self.setup(origin), |origin| self.edit(origin))
    }

    fn setup_of(&self, origin: Option<&Origin>, hosts: &str) -> String {
        let file = origin.map(|origin| origin.file.as_path()).or(self.config.as_deref());
        let of = self.of(file);
        self.as_owner(&self.edited(file), format!("distcc-arch setup{of} --hosts {}", quoted(hosts)))
    }

    /// `distcc-arch hosts add`.
    pub(crate) fn add_host(&self) -> String {
        let file = self.config.as_deref();
        self.as_owner(&self.edited(file), format!("distcc-arch hosts add{} {NO_HOSTS}", self.of(file)))
    }

    /// Takes a host off the list.
    pub(crate) fn remove_host(&self, entry: &str) -> String {
        let file = self.config.as_deref();
        let command = format!("distcc-arch hosts remove{} {}", self.of(file), word(entry));
        self.as_owner(&self.edited(file), command)
    }

    /// Puts another entry in a host's place, so that the order stays, where the list is written.
    pub(crate) fn exchange_host(&self, old: &str, new: &str) -> String {
        let source = self.hosts.as_ref().map_or("", |list| list.source_name.as_str());
        if let Some(line) = Origin::holding(Path::new(source), old) {
            return self.replace(&[(line, old, new)]);
        }
        let building = self.building.as_ref().ok();
        let words = building.and_then(|building| building.scalar("DISTCC_HOSTS")).unwrap_or(old);
        let words: Vec<_> =
            words.split_whitespace().map(|word| if word == old { new } else { word }).collect();
        match building.and_then(|building| building.origin("DISTCC_HOSTS")) {
            Some(origin) => self.setup_of(Some(origin), &words.join(" ")),
            None => format!("export DISTCC_HOSTS={}", quoted(&words.join(" "))),
        }
    }

    fn edited(&self, file: Option<&Path>) -> PathBuf {
        file.map_or_else(|| self.at("/etc/makepkg.conf"), Path::to_owned)
    }

    /// The options that name what is looked at, as far as it is not this machine and its makepkg.conf.
    fn of(&self, file: Option<&Path>) -> String {
        let usual = self.at("/etc/makepkg.conf");
        match file.filter(|file| *file != usual) {
            Some(file) => format!("{} --config {}", self.root_option(), word(&file.to_string_lossy())),
            None => self.root_option(),
        }
    }

    /// `distcc-arch masquerade`.
    pub(crate) fn masquerade(&self) -> String {
        self.as_root(format!("distcc-arch masquerade{}", self.root_option()))
    }

    /// Installs packages.
    pub(crate) fn install(&self, packages: &str) -> String {
        let root = if self.elsewhere() {
            format!(" --sysroot {}", word(&self.root.to_string_lossy()))
        } else {
            String::new()
        };
        self.as_root(format!("pacman{root} -S {packages}"))
    }

    /// Replaces words of one file, each on its line; those of other files than the first one's wait for the next check.
    pub(crate) fn replace(&self, changes: &[(Origin, &str, &str)]) -> String {
        let file = changes.first().map(|(origin, ..)| origin.file.clone()).unwrap_or_default();
        let here = changes.iter().filter(|(origin, ..)| origin.file == file);
        let one = |(origin, old, new): &(Origin, &str, &str)| {
            format!("{}s/{}/{}/", origin.line, literal(old), literal(new))
        };
        let script = here.map(one).collect::<Vec<_>>().join("; ");
        self.as_owner(&file, format!("sed -i {} {}", word(&script), word(&file.to_string_lossy())))
    }

    /// Opens a file where nothing but a person can mend it.
    pub(crate) fn edit(&self, origin: &Origin) -> String {
        let command = format!("${{EDITOR:-vi}} +{} {}", origin.line, word(&origin.file.to_string_lossy()));
        self.as_owner(&origin.file, command)
    }

    fn root_option(&self) -> String {
        if self.elsewhere() {
            format!(" --root {}", word(&self.root.to_string_lossy()))
        } else {
            String::new()
        }
    }
}

/// As it stands in a command of sed.
fn literal(text: &str) -> String {
    text.chars().fold(String::new(), |mut all, char| {
        if "/.*[]^$\\&".contains(char) {
            all.push('\\');
        }
        all.push(char);
        all
    })
}

/// A word for a shell, in quotes only if it takes them.
pub(crate) fn word(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "/._-+:,@%=~".contains(char);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    if text.chars().all(is_plain) {
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    // As bash and zsh take it, and so that it can be seen.
    let spelled = |byte: &u8| match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    format!("$'{}'", text.as_bytes().iter().map(spelled).collect::<String>())
}

/// Hosts are shown in double quotes, as they stand in makepkg.conf.
fn quoted(text: &str) -> String {
    if text.contains(['"', '$', '`', '\\', '!']) { word(text) } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell() {
        for (text, expected) in [
            ("/etc/makepkg.conf", "/etc/makepkg.conf"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("$x", "'$x'"),
            ("a\x1b'b\n", "$'a\\x1b\\'b\\x0a'"),
        ] {
            assert_eq!(word(text), expected);
        }
        assert_eq!(quoted("red/5,lzo @blue"), "\"red/5,lzo @blue\"");
        assert_eq!(quoted("@red:$x"), "'@red:$x'");
    }
}
