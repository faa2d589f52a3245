//! The drop-in that makes makepkg distribute where makepkg.conf is not to be touched. Knows no file system.

/// What is installed as a template, too.
const TEMPLATE: &str = include_str!("../../../../makepkg.d/distcc.conf");

const OPENING: &str = "# Written by distcc-arch setup --drop-in; distcc-arch undo removes it.\n";

/// Its text for these hosts and this number of jobs, without what the template says of itself.
pub(crate) fn text(hosts: &str, jobs: u32) -> String {
    let of_template =
        |line: &&str| line.starts_with('#') && (line.contains('@') || line.starts_with("# shellcheck"));
    let lines: String = TEMPLATE.split_inclusive('\n').filter(|line| !of_template(line)).collect();
    OPENING.to_owned() + &lines.replace("\"@HOSTS@\"", &quoted(hosts)).replace("@JOBS@", &jobs.to_string())
}

/// Between double quotes, so that bash sees exactly it.
fn quoted(value: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in value.chars() {
        if ['"', '\\', '$', '`'].contains(&letter) {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_filled_in() {
        let text = text("red/5 @blue:$x", 9);
        assert!(text.contains("\nDISTCC_HOSTS=\"red/5 @blue:\\$x\"\n"), "{text}");
        assert!(text.contains("-j9"), "{text}");
        assert!(!text.contains("S@"), "{text}");
    }
}
