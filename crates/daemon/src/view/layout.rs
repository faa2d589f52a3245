//! How a system and a client's files go into one view, or why they do not. Knows nothing of how a view is entered.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use protocol::FileEntry;

use super::root::Root;
use super::system::{System, Top};
use super::{Use, View};
use crate::names::Names;

/// A plan of one job's view.
#[derive(Debug)]
pub(crate) struct Layout {
    system: Arc<System>,
    shown: Vec<Shown>,
    work: PathBuf,
}

#[derive(Debug)]
enum Shown {
    Directory(PathBuf),
    Merged(PathBuf),
}

/// Where programs are looked for, and what they load; only text may come from a client there.
const PROGRAMS: &str = "/usr";

/// Whether a client's files may stand among the programs of a root: none of them is where a program, or what one loads,
/// could be taken from, and none lies in a directory that is a link there, which would hide all behind it.
pub(crate) fn only_text_among_programs(root: &Root, entries: &[FileEntry]) -> bool {
    let programs = Path::new(PROGRAMS);
    let fits = |path: &Path| is_text(path) && goes_through_no_link(root, path, programs);
    entries.iter().all(|entry| !entry.name.starts_with(programs) || fits(&entry.name))
}

fn goes_through_no_link(root: &Root, path: &Path, top: &Path) -> bool {
    let mut directories = path.ancestors().skip(1).take_while(|directory| *directory != top);
    directories.all(|directory| root.link(directory).is_none())
}

/// Headers stand below a directory that is called so, and sources where they always do.
fn is_text(path: &Path) -> bool {
    const OF_SOURCES: [&str; 2] = ["/usr/src", "/usr/local/src"];
    let directories = path.parent().into_iter().flat_map(Path::components);
    OF_SOURCES.iter().any(|sources| path.starts_with(sources))
        || directories.skip(3).any(|part| part == Component::Normal("include".as_ref()))
}

impl Layout {
    /// Adds to `names` what `compiler` and `work`, the name of the place that may be written, need in the view.
    ///
    /// # Errors
    /// Why there is none of this job: the client has files where the system needs its own.
    pub(super) fn plan(
        system: Arc<System>,
        names: &mut Names,
        compiler: &Path,
        work: &Path,
    ) -> Result<Layout, String> {
        let mut layout = Layout { system: system.clone(), shown: Vec::new(), work: work.to_owned() };
        for top in &system.tops {
            match top {
                Top::Directory(path) => layout.plan_top(names, path, compiler)?,
                Top::Link(link, target) if names.add_link(link, target) => {}
                Top::Link(link, _) => return Err(in_the_way(link)),
            }
        }
        let elsewhere = names.system_directories().iter().filter(|path| !system.has(path)).cloned();
        let elsewhere: Vec<PathBuf> = elsewhere.chain(system.homes(compiler)).collect();
        for path in elsewhere {
            layout.plan_own(names, &path)?;
        }
        let of_etc = system.of_etc.iter().map(PathBuf::as_path);
        for directory in of_etc.filter(|path| system.root.has_directory(path)).chain([work]) {
            if names.has_files_below(directory) || !names.add_directory(directory) {
                return Err(in_the_way(directory));
            }
        }
        Ok(layout)
    }

    /// The client's files, and the directory that it works in if there is none such here, stand beside the system's in the
    /// directory with its programs. In another one they are alone unless something of the system is needed there.
    fn plan_top(&mut self, names: &mut Names, path: &Path, compiler: &Path) -> Result<(), String> {
        let works_there =
            names.directory().starts_with(path) && !self.system.root.has_directory(names.directory());
        if !names.has_files_below(path) && !works_there {
            return self.plan_own(names, path);
        }
        if path == Path::new(PROGRAMS) {
            self.shown.push(Shown::Merged(path.to_owned()));
            return Ok(());
        }
        let needed = names.system_directories().iter().any(|directory| directory.starts_with(path));
        if needed || compiler.starts_with(path) { Err(in_the_way(path)) } else { Ok(()) }
    }

    /// The system's alone.
    fn plan_own(&mut self, names: &mut Names, path: &Path) -> Result<(), String> {
        if names.has_files_below(path) || !names.add_directory(path) {
            return Err(in_the_way(path));
        }
        self.shown.push(Shown::Directory(path.to_owned()));
        Ok(())
    }

    /// Whether the client has files among the programs of the system.
    pub(crate) fn merges(&self) -> bool {
        self.shown.iter().any(|shown| matches!(shown, Shown::Merged(_)))
    }

    /// What may be written, as the compiler knows it.
    pub(crate) fn work(&self) -> &Path {
        &self.work
    }

    /// The view of the tree at `root` that was made of those names; `work` on this machine may be written in it.
    ///
    /// # Errors
    /// A path that no system call takes, or one that is gone.
    pub(crate) fn view(&self, root: &Path, work: &Path) -> io::Result<View> {
        let mut view = View::of(root, self.system.search_path())?;
        let outside = |path: &Path| self.system.root.outside(path);
        for shown in &self.shown {
            match shown {
                Shown::Directory(path) => view.show(&outside(path)?, path, Use::Run)?,
                Shown::Merged(path) => view.merge(&outside(path)?, path)?,
            }
        }
        for path in &self.system.of_etc {
            view.show(&outside(path)?, path, Use::Run)?;
        }
        for device in &self.system.devices {
            view.show_device(device)?;
        }
        view.show(work, &self.work, Use::Write)?;
        Ok(view)
    }
}

fn in_the_way(path: &Path) -> String {
    format!("the client's files are in the way of the system's {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_this_machine_are_not_hidden() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(top.path().join("lib/x")).unwrap();
        std::os::unix::fs::symlink("lib", top.path().join("lib64")).unwrap();
        let check = |path: &str, expected: bool| {
            let found = goes_through_no_link(&Root::here(), &top.path().join(path), top.path());
            assert_eq!(found, expected, "{path}");
        };
        check("lib/x/include/a.h", true);
        check("new/include/a.h", true);
        check("lib64/x/include/a.h", false);
    }

    #[test]
    fn what_may_stand_among_programs() {
        let check = |path: &str, expected: bool| assert_eq!(is_text(Path::new(path)), expected, "{path}");
        check("/usr/src/debug/x/a.c", true);
        check("/usr/local/src/x/a.h", true);
        check("/usr/lib/x86_64-linux-gnu/glib-2.0/include/glibconfig.h", true);
        check("/usr/share/R/include/R.h", true);
        check("/usr/include/x.h", false);
        check("/usr/lib/gcc/x86_64-linux-gnu/12/specs", false);
        check("/usr/lib/gcc/x86_64-linux-gnu/12/include", false);
        check("/usr/bin/as", false);
        check("/usr/lib/libc.so.6", false);
    }
}
