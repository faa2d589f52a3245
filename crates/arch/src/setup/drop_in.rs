//! The drop-in that makes makepkg distribute where makepkg.conf is not to be touched. Knows no file system.

use makepkg_conf::assignment;

/// What is installed as a template, too.
const TEMPLATE: &str = include_str!("../../../../makepkg.d/distcc.conf");

const OPENING: &str = "# Written by distcc-arch setup --drop-in; distcc-arch undo removes it.\n";

/// Its text for these hosts and this number of jobs, without what the template says of itself.
pub(crate) fn text(hosts: &str, jobs: u32) -> String {
    let of_template =
        |line: &&str| line.starts_with('#') && (line.contains('@') || line.starts_with("# shellcheck"));
    let lines: String = TEMPLATE.split_inclusive('\n').filter(|line| !of_template(line)).collect();
    let hosts = assignment("DISTCC_HOSTS", hosts);
    OPENING.to_owned()
        + &lines.replace("@JOBS@", &jobs.to_string()).replace("DISTCC_HOSTS=\"@HOSTS@\"", &hosts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_filled_in() {
        let text = text("red/5 @blue:$x @JOBS@", 9);
        assert!(text.contains("\nDISTCC_HOSTS=\"red/5 @blue:\\$x @JOBS@\"\n"), "{text}");
        assert!(text.contains("-j9"), "{text}");
        assert!(!text.contains("@HOSTS@"), "{text}");
    }
}
