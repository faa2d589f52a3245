//! Variables as lines that a shell evaluates. Knows no variable.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// `export NAME='VALUE'` for each, in bytes: a path need not be text.
pub(crate) fn for_shell(variables: &[(&str, OsString)]) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in variables {
        lines.extend_from_slice(format!("export {name}='").as_bytes());
        for (index, piece) in value.as_bytes().split(|byte| *byte == b'\'').enumerate() {
            if index > 0 {
                lines.extend_from_slice(br"'\''");
            }
            lines.extend_from_slice(piece);
        }
        lines.extend_from_slice(b"'\n");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;
    use std::process::Command;

    fn check(value: &[u8]) {
        let mut script = for_shell(&[("VALUE", OsString::from_vec(value.to_owned()))]);
        script.extend_from_slice(b"printf %s \"$VALUE\"");
        let shell = Command::new("/bin/sh").arg("-c").arg(OsString::from_vec(script)).output().unwrap();
        assert_eq!(shell.stdout, value, "{}", String::from_utf8_lossy(value));
    }

    #[test]
    fn a_shell_gets_back_what_it_was() {
        check(b"/tmp/distcc-pump.Xy/socket");
        check(b"");
        check(b"it's");
        check(b"''$(rm x)`ls`\\ \"!\n--randomize a,cpp,lzo\nb");
        check(b"/caf\xe9/\xff");
    }
}
