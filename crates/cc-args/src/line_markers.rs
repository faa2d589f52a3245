//! Line markers for text that somebody else preprocessed: without them an object bears the server's file names.

use crate::compilation::Compilation;
use crate::family::Family;
use crate::why_local::WhyLocal;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

impl Compilation {
    /// Why the object would not name its directory `cwd` as it does when compiled here, if so: gcc writes quotes, backslashes
    /// and newlines of that name with a backslash into the text and takes all of it for the name when it reads the text.
    ///
    /// `cwd` as for [`Compilation::server_args_in`].
    pub fn hazard_of_directory(&self, cwd: &Path) -> Option<WhyLocal> {
        let is_odd = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20 | 0x7f);
        let in_text = self.family != Family::Clang && self.object_names_directory();
        let garbled = in_text && cwd.as_os_str().as_bytes().iter().any(is_odd);
        garbled.then(|| WhyLocal::OddDirectory(cwd.into()))
    }

    /// Completes `text`, the content of an already preprocessed input, so that compiled in another directory and under
    /// another name it gives the same object: names the input if the text does not begin with a line marker, and for gcc
    /// the directory `cwd` if the object is to name it and the text does not.
    ///
    /// `cwd` as for [`Compilation::server_args_in`]. Text that this crate's preprocess words have made needs nothing.
    pub fn with_line_markers(&self, text: Vec<u8>, cwd: &Path) -> Vec<u8> {
        // clang would take a marker for a second file in its debug information.
        if self.family == Family::Clang && self.debug_info() {
            return text;
        }
        let first_line_ends = if begins_with_a_marker(&text) { line_end(&text) } else { 0 };
        if first_line_ends == text.len() {
            return text;
        }
        let mut added = Vec::new();
        if first_line_ends == 0 {
            add_marker(&mut added, self.input.as_os_str().as_bytes());
        }
        let wants_directory =
            self.family != Family::Clang && self.object_names_directory() && cwd.is_absolute();
        if wants_directory && !names_a_directory(&text[first_line_ends..]) {
            add_marker(&mut added, &[cwd.as_os_str().as_bytes(), b"//"].concat());
            if first_line_ends == 0 {
                add_marker(&mut added, self.input.as_os_str().as_bytes());
            }
        }
        let mut completed = text;
        completed.splice(first_line_ends..first_line_ends, added);
        completed
    }
}

/// `# 1 "file"`, as a compiler prints it; `#line` and other directives are not meant.
fn begins_with_a_marker(text: &[u8]) -> bool {
    text.strip_prefix(b"# ").is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit))
}

/// gcc tells its working directory in the second line: `# 1 "/home/me//"`.
fn names_a_directory(text: &[u8]) -> bool {
    let line = &text[..line_end(text)];
    begins_with_a_marker(line) && line.trim_ascii_end().ends_with(b"//\"")
}

/// The length of the first line with its newline.
fn line_end(text: &[u8]) -> usize {
    text.iter().position(|b| *b == b'\n').map_or(text.len(), |newline| newline + 1)
}

fn add_marker(text: &mut Vec<u8>, name: &[u8]) {
    text.extend_from_slice(b"# 1 \"");
    for &byte in name {
        match byte {
            b'"' | b'\\' => text.extend([b'\\', byte]),
            0..0x20 | 0x7f => text.extend(format!("\\{byte:03o}").bytes()),
            _ => text.push(byte),
        }
    }
    text.extend_from_slice(b"\"\n");
}

#[cfg(test)]
mod tests {
    use crate::analyze;
    use std::ffi::OsString;
    use std::path::Path;

    #[track_caller]
    fn check(command: &str, text: &str, expected: &str) {
        let words: Vec<OsString> = command.split_whitespace().map(OsString::from).collect();
        let compilation = analyze(&words, |_| None).unwrap_or_else(|why| panic!("{command}: {why}"));
        let completed = compilation.with_line_markers(text.into(), Path::new("/w"));
        assert_eq!(String::from_utf8_lossy(&completed), expected, "{command}");
    }

    #[test]
    fn directories_that_the_text_cannot_name() {
        let check = |command: &str, directory: &str, expected: bool| {
            let words: Vec<OsString> = command.split_whitespace().map(OsString::from).collect();
            let compilation = analyze(&words, |_| None).unwrap_or_else(|why| panic!("{command}: {why}"));
            let hazard = compilation.hazard_of_directory(Path::new(directory));
            assert_eq!(hazard.is_some(), expected, "{command} in {directory:?}");
        };
        for odd in ["/a\"b", "/a\\b", "/a\nb", "/a\rb", "/a\x1b"] {
            check("gcc -g -c x.c", odd, true);
            check("gcc -flto -c x.c", odd, true);
            check("gcc -c x.c", odd, false);
            check("clang -g -c x.c", odd, false);
        }
        check("gcc -g -c x.c", "/a b/caf\u{e9}/$x'", false);
    }

    #[test]
    fn what_the_text_does_not_tell_is_added() {
        check("gcc -c a/h.i", "int x;\n", "# 1 \"a/h.i\"\nint x;\n");
        check("gcc -c -g a/h.i", "int x;\n", "# 1 \"a/h.i\"\n# 1 \"/w//\"\n# 1 \"a/h.i\"\nint x;\n");
        check("gcc -c -flto h.i", "# 0 \"h.c\"\nint x;\n", "# 0 \"h.c\"\n# 1 \"/w//\"\nint x;\n");
        check("gcc -c -g h.i", "# 0 \"h.c\"\nint x;\n", "# 0 \"h.c\"\n# 1 \"/w//\"\nint x;\n");
        check("gcc -c -g h.i", "# 0 \"h.c\"", "# 0 \"h.c\"");
        check("gcc -c h.i", "# 0 \"h.c\"\nint x;\n", "# 0 \"h.c\"\nint x;\n");
        check("gcc -c -g h.i", "# 0 \"h.c\"\n# 1 \"/v//\"\nint x;\n", "# 0 \"h.c\"\n# 1 \"/v//\"\nint x;\n");
        check("gcc -c h.i", "#pragma once\n", "# 1 \"h.i\"\n#pragma once\n");
        check("gcc -c q\"\\.i", "\n", "# 1 \"q\\\"\\\\.i\"\n\n");
        check("gcc -c empty.i", "", "");
        check("clang -c h.i", "int x;\n", "# 1 \"h.i\"\nint x;\n");
        check("clang -c -flto h.i", "int x;\n", "# 1 \"h.i\"\nint x;\n");
        check("clang -c -g h.i", "int x;\n", "int x;\n");
    }
}
