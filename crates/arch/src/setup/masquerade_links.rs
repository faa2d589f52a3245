//! The links by which makepkg finds distcc under a compiler's name: plans those that are missing. Knows nothing of
//! which compilers there are.

use changes::{Plan, Site};
use nix::unistd::{AccessFlags, access};
use std::fs;
use toolchain::Root;

/// Plans links; returns warnings instead where we may not make any.
///
/// # Errors
/// When the compilers or links below the root cannot be looked at.
pub(crate) fn plan(plan: &mut Plan, site: &Site) -> Result<Vec<String>, String> {
    let root = Root::open(&site.root).map_err(|error| format!("{}: {error}", site.root.display()))?;
    let compilers = toolchain::find(&root).map_err(|error| format!("cannot look for compilers: {error}"))?;
    let missing = toolchain::refresh(&root, &compilers)
        .map_err(|failure| format!("{}: {}", failure.path.display(), failure.error))?;
    let Some(first) = missing.add.first() else { return Ok(Vec::new()) };
    let there =
        first.path.ancestors().skip(1).map(|path| site.outside(path)).find(|path| fs::metadata(path).is_ok());
    if there.is_some_and(|directory| access(&directory, AccessFlags::W_OK).is_err()) {
        let shown = site.outside(&first.path);
        let root = if site.root.parent().is_none() {
            String::new()
        } else {
            format!(" --root {}", site.root.display())
        };
        return Ok(vec![format!(
            "{} and {} other links are missing, so makepkg would compile here: sudo distcc-arch masquerade{root}",
            shown.display(),
            missing.add.len() - 1
        )]);
    }
    for directory in &missing.directories {
        plan.make_directory(directory, 0o755, None).map_err(|error| error.to_string())?;
    }
    for link in &missing.add {
        plan.link(&link.path, &link.target).map_err(|error| error.to_string())?;
    }
    Ok(Vec::new())
}
