//! Whether bytes that came back name the directory in which a server keeps its clients' files. Such a name would not be there
//! had they been made here. Knows nothing of hosts.

use memchr::memmem;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How C distcc's daemon calls such a directory, before six letters and digits.
const ROOT: &[u8] = b"/distccd_";

/// True if `bytes` name one, or if it has been painted over with slashes before the name of `directory`, as some versions do
/// in debug information.
pub(crate) fn is_named_in(bytes: &[u8], directory: &Path) -> bool {
    let names_it = memmem::find_iter(bytes, ROOT).any(|at| is_a_root(&bytes[at + ROOT.len()..]));
    names_it || is_painted_over(bytes, directory.as_os_str().as_bytes())
}

fn is_a_root(rest: &[u8]) -> bool {
    let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    name > 0 && rest.get(name) == Some(&b'/')
}

fn is_painted_over(bytes: &[u8], directory: &[u8]) -> bool {
    directory.len() > 1 && memmem::find_iter(bytes, directory).any(|at| bytes[..at].ends_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_of_servers() {
        let check = |bytes: &str, expected: bool| {
            assert_eq!(is_named_in(bytes.as_bytes(), Path::new("/home/me")), expected, "{bytes}");
        };
        check("", false);
        check("x\0/home/me\0x.c", false);
        check("x\0/tmp/distccd_aB3xyz/home/me\0x.c", true);
        check("/var/tmp/distccd_aB3xyz/usr/x.h:3: note", true);
        check("/tmp/distccd_/home/me and /tmp/distccd_abc", false);
        check("/x/distccd_ and /x/distccd_a/", true);
        check("\0////////////////////home/me\0", true);
        check("\0////////////////////home/you\0", false);
        assert!(!is_named_in(b"a//b", Path::new("/")));
    }
}
