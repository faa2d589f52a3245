//! Makes makepkg distribute: plans the edit of its configuration, after bash has seen that it says what is wanted, and
//! tells what would still stand in the way. Knows nothing of servers.

use crate::build_user::BuildUser;
use crate::makepkg::reads_drop_ins;
use crate::settings::Settings;
use crate::setup::drop_in;
use crate::setup::last_word::{Bash, Text, Values};
use crate::setup::layers::{Reader, directory, earlier, later};
use crate::setup::makepkg_text::{ByHand, Wanted, edited, meant, objection};
use changes::{Plan, Site};
use std::path::{Path, PathBuf};

/// Which configuration, for whom, and whether it is edited or added to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) reader: Reader<'a>,
    /// Write a drop-in.
    pub(crate) drop_in: bool,
}

/// One configuration and those who read it.
pub(crate) struct Distribution<'a> {
    pub(crate) site: &'a Site,
    pub(crate) settings: &'a Settings,
    pub(crate) bash: Bash<'a>,
    pub(crate) target: Target<'a>,
}

/// A file with new text, and what bash sees before and after it.
struct Edit {
    path: PathBuf,
    text: Vec<u8>,
    before: Values,
    after: Values,
}

impl Distribution<'_> {
    /// Plans what makes makepkg see `wanted`; returns warnings.
    ///
    /// # Errors
    /// One line that names the file; nothing is planned then.
    pub(crate) fn plan(&self, plan: &mut Plan, wanted: &Wanted) -> Result<Vec<String>, String> {
        let conf = self.target.reader.conf;
        let shown = self.site.outside(conf);
        let text = plan.read(conf).map_err(|error| error.to_string())?;
        let text = text.ok_or_else(|| {
            let install = if self.target.reader.named { "" } else { "pacman -S pacman, or " };
            format!("there is no {}: {install}name another with --config", shown.display())
        })?;
        let edit = if self.target.drop_in { self.drop_in(&text, wanted)? } else { self.edit(&text, wanted)? };
        if let Some(objection) = objection(&edit.before, &edit.after, wanted) {
            return Err(format!("{}: {objection}, as bash reads it: edit it by hand", shown.display()));
        }
        plan.write(&edit.path, edit.text.clone(), 0o644).map_err(|error| error.to_string())?;
        self.overridden(&text, &edit, wanted)
    }

    /// What bash makes of the configuration as it is.
    pub(crate) fn values(&self, text: &[u8]) -> Result<Values, String> {
        let shown = self.site.outside(self.target.reader.conf);
        let earlier = earlier(&self.target.reader, self.site, self.settings);
        let mut texts: Vec<_> = earlier.iter().map(|path| Text::File(path)).collect();
        texts.push(Text::New(text));
        self.bash.values(&texts).map_err(|why| format!("{}: {why}", shown.display()))
    }

    fn edit(&self, text: &[u8], wanted: &Wanted) -> Result<Edit, String> {
        let path = self.target.reader.conf.to_owned();
        let before = meant(self.values(text)?, text);
        let text = edited(text, &before, wanted).map_err(|ByHand { line, why }| {
            let instead =
                if reads_drop_ins(&self.site.root, self.settings) { ", or add --drop-in" } else { "" };
            format!("{}:{line}: {why}{instead}", self.site.outside(&path).display())
        })?;
        let after = self.values(&text)?;
        Ok(Edit { path, text, before, after })
    }

    fn drop_in(&self, text: &[u8], wanted: &Wanted) -> Result<Edit, String> {
        if !reads_drop_ins(&self.site.root, self.settings) {
            return Err(
                "this makepkg reads no drop-ins (pacman 6.1 and later does): leave --drop-in out".to_owned()
            );
        }
        let before = self.values(text)?;
        let path = directory(self.target.reader.conf).join("distcc.conf");
        let new = drop_in::text(&wanted.hosts, wanted.jobs.unwrap_or(1)).into_bytes();
        let after = self.bash.values(&[Text::New(text), Text::New(&new)])?;
        Ok(Edit { path, text: new, before, after })
    }

    /// The first file that is read later and gives something else.
    fn overridden(&self, conf: &[u8], edit: &Edit, wanted: &Wanted) -> Result<Vec<String>, String> {
        let edited = self.site.outside(&edit.path);
        let conf = if self.target.drop_in { conf } else { &edit.text };
        let later = later(&self.target.reader, self.site, self.settings);
        let earlier = earlier(&self.target.reader, self.site, self.settings);
        let mut texts: Vec<_> = earlier.iter().map(|path| Text::File(path)).collect();
        texts.push(Text::New(conf));
        let is_ours = |path: &PathBuf| self.target.drop_in && *path == edited;
        let at = later.partition_point(|path| {
            self.target.drop_in && *path < edited && path.parent() == edited.parent()
        });
        texts.extend(later[..at].iter().map(|path| Text::File(path)));
        if self.target.drop_in {
            texts.push(Text::New(&edit.text));
        }
        for path in later[at..].iter().filter(|path| !is_ours(path)) {
            texts.push(Text::File(path));
            let Ok(seen) = self.bash.values(&texts) else {
                return Ok(vec![format!("{} cannot be read by makepkg: look at it", path.display())]);
            };
            if objection(&seen, &seen, wanted).is_some() || seen.make_flags != edit.after.make_flags {
                return Ok(vec![overrides(path, &seen, wanted)]);
            }
        }
        Ok(Vec::new())
    }
}

fn overrides(path: &Path, seen: &Values, wanted: &Wanted) -> String {
    let what = if seen.hosts.as_ref() != Some(&wanted.hosts) {
        "DISTCC_HOSTS"
    } else if !crate::setup::makepkg_text::is_enabled(&seen.build_env) {
        "BUILDENV"
    } else {
        "MAKEFLAGS"
    };
    format!("{} is read later and sets {what} to something else: take it out there", path.display())
}

/// The building user, or somebody who may read what all may.
pub(crate) fn reader_of(user: Option<&BuildUser>) -> BuildUser {
    BuildUser::never_root(user)
}
