//! The project's shell scripts as shellcheck sees them. Knows nothing of what they do.

use std::fs;
use std::path::{Path, PathBuf};

use test_hosts::need;
use test_hosts::process::{clean, run};

#[test]
fn shellcheck_finds_nothing() {
    let Some(shellcheck) = need::program("shellcheck", "install shellcheck") else { return };
    let scripts = scripts(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(
        scripts.iter().any(|script| script.ends_with("tests/run")),
        "the project's scripts were not found"
    );
    let mut check = clean(shellcheck);
    check.args(&scripts);
    run(check).good();
}

fn scripts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the project").flatten() {
        let path = entry.path();
        let made = [".git", "target"].contains(&entry.file_name().to_string_lossy().as_ref());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && !made {
            found.extend(scripts(&path));
        } else if is_script(&path) {
            found.push(path);
        }
    }
    found
}

fn is_script(path: &Path) -> bool {
    let Ok(text) = fs::read_to_string(path) else { return false };
    // makepkg.conf tells editors its language by a program that does not exist: #!/hint/bash
    let runs = |line: &str| line.starts_with("#!") && line.ends_with("sh") && !line.starts_with("#!/hint/");
    text.lines().next().is_some_and(runs)
}
