//! What an ELF object file says of itself: its machine, and which compilers made it. Knows nothing of how they are run.

use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{ElfFile, FileHeader};
use object::{Endianness, FileKind, Object, ObjectSection};

use crate::machine::Machine;
use crate::maker::Maker;

/// An object file, as far as it tells where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFile {
    /// As targets call it, e.g. x86_64, aarch64; `machine 4711` for one that is not in our table.
    pub machine: String,
    /// 32 or 64.
    pub bits: u8,
    /// The compilers that are named in it, in order, each once. Empty after -fno-ident and for assembler sources.
    pub makers: Vec<Maker>,
}

impl ObjectFile {
    /// Reads an object; none when these bytes are no ELF file, as those that `clang -flto` makes.
    pub fn parse(bytes: &[u8]) -> Option<ObjectFile> {
        match FileKind::parse(bytes).ok()? {
            FileKind::Elf32 => described::<FileHeader32<Endianness>>(bytes, 32),
            FileKind::Elf64 => described::<FileHeader64<Endianness>>(bytes, 64),
            _ => None,
        }
    }
}

fn described<Header: FileHeader<Endian = Endianness>>(bytes: &[u8], bits: u8) -> Option<ObjectFile> {
    let file = ElfFile::<Header>::parse(bytes).ok()?;
    let machine = Machine::new(file.elf_header().e_machine(file.endian()), bits).to_string();
    let comment = file.section_by_name(".comment").and_then(|section| section.data().ok());
    Some(ObjectFile { machine, bits, makers: makers(comment.unwrap_or_default()) })
}

/// Texts that each end in a zero byte; linkers and other languages sign here, too.
fn makers(comment: &[u8]) -> Vec<Maker> {
    let mut makers = Vec::new();
    for text in comment.split(|byte| *byte == 0).filter_map(|text| std::str::from_utf8(text).ok()) {
        if let Some(maker) = Maker::signed(text).filter(|maker| !makers.contains(maker)) {
            makers.push(maker);
        }
    }
    makers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    /// An object made by a real compiler; none where there is no such compiler, or it cannot make that.
    fn made(compiler: &str, words: &[&str]) -> Option<Vec<u8>> {
        let place = tempfile::tempdir().unwrap();
        let (source, object) = (place.path().join("x.c"), place.path().join("x.o"));
        std::fs::write(&source, "int f(int x) { return x + 1; }\n").unwrap();
        let mut command = Command::new(compiler);
        command.args(words).arg("-c").arg(&source).arg("-o").arg(&object);
        command.output().ok().filter(|output| output.status.success())?;
        Some(std::fs::read(object).unwrap())
    }

    #[test]
    fn objects_of_this_machine() {
        let native =
            ObjectFile::parse(&made("gcc", &[]).expect("gcc builds this project's C parts")).unwrap();
        assert_eq!((native.machine.as_str(), native.bits), (std::env::consts::ARCH, 64));
        assert_eq!(native.makers.len(), 1);
        assert!(native.makers[0].build.starts_with("GCC: ("), "{native:?}");
        let silent = ObjectFile::parse(&made("gcc", &["-fno-ident"]).unwrap()).unwrap();
        assert_eq!(silent, ObjectFile { makers: Vec::new(), ..native });
    }

    #[test]
    fn other_machines() {
        for (machine, bits, data, name) in [
            (3, 1, 1, "i386"),
            (183, 2, 1, "aarch64"),
            (40, 1, 1, "arm"),
            (22, 2, 2, "s390"),
            (4711, 2, 1, "machine 4711"),
        ] {
            let found = ObjectFile::parse(&header(machine, bits, data)).unwrap();
            let expected = ObjectFile { machine: name.to_owned(), bits: 32 * bits, makers: Vec::new() };
            assert_eq!(found, expected);
        }
    }

    /// An ELF header and nothing else; class and byte order as the format numbers them.
    fn header(machine: u16, class: u8, data: u8) -> Vec<u8> {
        let mut header = vec![0x7f, b'E', b'L', b'F', class, data, 1];
        header.resize(16, 0);
        for half in [1, machine] {
            header.extend(if data == 1 { half.to_le_bytes() } else { half.to_be_bytes() });
        }
        header.resize(64, 0);
        header
    }

    #[test]
    fn signatures() {
        let found =
            makers(b"\0GCC: (GNU) 14.2.1\0rustc version 1.88\0GCC: (GNU) 14.2.1\0clang version 19.1\0\xff\0");
        let builds: Vec<&str> = found.iter().map(|maker| maker.build.as_str()).collect();
        assert_eq!(builds, ["GCC: (GNU) 14.2.1", "clang version 19.1"]);
    }

    #[test]
    fn what_is_no_elf_file() {
        for bytes in [&b""[..], b"\x7fELF", b"BC\xc0\xde", b"!<arch>\n", b"int main;"] {
            assert_eq!(ObjectFile::parse(bytes), None);
        }
    }

    proptest! {
        #[test]
        fn garbage_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..400), machine: u16, class in 1..3u8) {
            let _ = ObjectFile::parse(&bytes);
            let mut file = header(machine, class, 1);
            file.extend(&bytes);
            let _ = ObjectFile::parse(&file);
        }

        #[test]
        fn damaged_objects_are_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
            static OBJECT: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
            let mut object = OBJECT.get_or_init(|| made("gcc", &[]).expect("gcc is here")).clone();
            for (place, byte) in &changes {
                *place.get_mut(&mut object) = *byte;
            }
            let _ = ObjectFile::parse(&object);
            let _ = ObjectFile::parse(&object[..changes[0].0.index(object.len())]);
        }
    }
}
