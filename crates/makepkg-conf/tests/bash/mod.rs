//! What real bash makes of a configuration text. Knows nothing of how the text came about.

use std::collections::BTreeMap;
use std::process::Command;

/// Variables that differ from one bash to the next.
const RESTLESS: &[&str] = &[
    "_",
    "BASHPID",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SRANDOM",
    "LINENO",
    "PIPESTATUS",
];

/// The variables of a bash that has read a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Variables(BTreeMap<String, String>);

/// Sources the text in a bash of its own, errors unseen, as makepkg would see it.
pub(crate) fn variables(text: &[u8]) -> Variables {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("makepkg.conf");
    std::fs::write(&file, text).unwrap();
    let script = "shopt -s extglob; source \"$1\" >/dev/null 2>&1; set +e
        for name in $(compgen -v); do
            declare -n value=$name 2>/dev/null || continue
            if [[ ${value@a} == *a* ]]; then printf '%s=array' \"$name\"; printf '\\1%s' \"${value[@]}\"
            else printf '%s=%s' \"$name\" \"$value\"; fi
            printf '\\0'
        done";
    let output = Command::new("bash")
        .args(["--norc", "-c", script, "bash"])
        .arg(&file)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .current_dir("/")
        .output()
        .unwrap();
    let mut all = BTreeMap::new();
    for line in output.stdout.split(|&byte| byte == 0) {
        let Some(at) = line.iter().position(|&byte| byte == b'=') else { continue };
        let name = String::from_utf8_lossy(&line[..at]).into_owned();
        let own = ["name", "value"].contains(&name.as_str()) || name.starts_with("BASH");
        if !own && !RESTLESS.contains(&name.as_str()) {
            all.insert(name, line[at + 1..].iter().map(|&byte| char::from(byte)).collect());
        }
    }
    Variables(all)
}

impl Variables {
    /// A plain variable, each byte as a letter of Latin-1; the words of an array are joined by `|`.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let value = self.0.get(name)?;
        Some(value.strip_prefix("array\u{1}").map_or(value.clone(), |words| words.replace('\u{1}', "|")))
    }

    /// All but these.
    pub(crate) fn without(mut self, names: &[&str]) -> Variables {
        self.0.retain(|name, _| !names.contains(&name.as_str()));
        self
    }
}
