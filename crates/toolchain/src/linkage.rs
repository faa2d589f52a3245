//! What an ELF file asks of the loader: which machine, which loader, which libraries, and where to look for them.
//! Knows nothing of where they are found.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::read::{FileKind, ReadCache, ReadRef, StringTable};

use crate::machine::Machine;

/// A program's or a library's wishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Linkage {
    pub(crate) machine: Machine,
    /// The loader; none for libraries, and for programs that need none.
    pub(crate) interpreter: Option<PathBuf>,
    /// Names of libraries.
    pub(crate) needed: Vec<Vec<u8>>,
    /// Directories for its libraries and theirs, which count only without `runpath`.
    pub(crate) rpath: Vec<Vec<u8>>,
    /// Directories for its libraries alone.
    pub(crate) runpath: Vec<Vec<u8>>,
}

/// Far above what linkers write; damaged files ask for anything.
const LARGEST_TABLE: u64 = 1 << 20;
const MOST_NEEDED: usize = 500;

impl Linkage {
    /// Reads an ELF file; none when it is not one, or damaged.
    pub(crate) fn read(file: &File) -> Option<Linkage> {
        Linkage::parse(&ReadCache::new(file))
    }

    fn parse<'data, R: ReadRef<'data>>(data: R) -> Option<Linkage> {
        match FileKind::parse(data).ok()? {
            FileKind::Elf32 => described::<FileHeader32<Endianness>, R>(data, 32),
            FileKind::Elf64 => described::<FileHeader64<Endianness>, R>(data, 64),
            _ => None,
        }
    }
}

fn described<'data, Header, R>(data: R, bits: u8) -> Option<Linkage>
where
    Header: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header = Header::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, data).ok()?;
    let mut linkage = Linkage {
        machine: Machine::new(header.e_machine(endian), bits),
        interpreter: None,
        needed: Vec::new(),
        rpath: Vec::new(),
        runpath: Vec::new(),
    };
    for segment in segments {
        let small = segment.p_filesz(endian).into() <= LARGEST_TABLE;
        match segment.p_type(endian) {
            elf::PT_INTERP if small => {
                let path = segment.interpreter(endian, data).ok()??;
                linkage.interpreter = Some(Path::new(OsStr::from_bytes(path)).to_owned());
            }
            elf::PT_DYNAMIC if small => {
                let dynamic = segment.dynamic(endian, data).ok()??;
                let texts = texts(endian, data, segments, dynamic);
                for entry in dynamic.iter().take_while(|entry| entry.tag(endian) != elf::DT_NULL) {
                    linkage.add(entry.tag(endian), || entry.string(endian, texts?).ok())?;
                }
            }
            elf::PT_INTERP | elf::PT_DYNAMIC => return None,
            _ => {}
        }
    }
    Some(linkage)
}

impl Linkage {
    /// One entry of the dynamic table; none when it lacks its text.
    fn add<'data>(&mut self, tag: elf::DynamicTag, text: impl Fn() -> Option<&'data [u8]>) -> Option<()> {
        let directories = |text: &[u8]| text.split(|byte| *byte == b':').map(<[u8]>::to_vec).collect();
        match tag {
            elf::DT_NEEDED => self.needed.push(text()?.to_vec()),
            elf::DT_RPATH => self.rpath = directories(text()?),
            elf::DT_RUNPATH => self.runpath = directories(text()?),
            _ => {}
        }
        (self.needed.len() <= MOST_NEEDED).then_some(())
    }
}

/// The dynamic table tells where its texts are in memory; segments tell where that is in the file.
fn texts<'data, Segment: ProgramHeader, R: ReadRef<'data>>(
    endian: Segment::Endian,
    data: R,
    segments: &[Segment],
    dynamic: &[<Segment::Elf as FileHeader>::Dyn],
) -> Option<StringTable<'data, R>>
where
    <Segment::Elf as FileHeader>::Dyn: Dyn<Endian = Segment::Endian>,
{
    let value = |tag| dynamic.iter().find(|entry| entry.tag(endian) == tag).map(|entry| entry.val(endian));
    let (address, length) = (value(elf::DT_STRTAB)?, value(elf::DT_STRSZ)?);
    let start =
        segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD).find_map(|segment| {
            let (offset, size) = segment.file_range(endian);
            let within = address.checked_sub(segment.p_vaddr(endian).into())?;
            (within < size).then(|| offset.checked_add(within))?
        })?;
    Some(StringTable::new(data, start, start.checked_add(length)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;
    use std::sync::OnceLock;

    /// A program or library linked here with these words.
    fn linked(words: &[&str]) -> Vec<u8> {
        let place = tempfile::tempdir().unwrap();
        let (source, program) = (place.path().join("x.c"), place.path().join("x"));
        std::fs::write(&source, "double sqrt(double); int main(int c, char **v) { return sqrt(c); }\n")
            .unwrap();
        let mut command = Command::new("gcc");
        command.arg("-fno-builtin").arg(&source).arg("-o").arg(&program).args(words);
        assert!(command.status().unwrap().success(), "{words:?}");
        std::fs::read(program).unwrap()
    }

    fn check(words: &[&str], loader: bool, needed: &[&str], rpath: &[&str], runpath: &[&str]) {
        let found = Linkage::parse(linked(words).as_slice()).unwrap();
        let texts = |list: &[Vec<u8>]| -> Vec<String> {
            list.iter().map(|text| String::from_utf8(text.clone()).unwrap()).collect()
        };
        assert_eq!((found.machine.to_string().as_str(), found.machine.bits), (std::env::consts::ARCH, 64));
        assert_eq!(found.interpreter.is_some(), loader, "{words:?}");
        assert_eq!(texts(&found.needed), needed, "{words:?}");
        assert_eq!((texts(&found.rpath), texts(&found.runpath)), (strings(rpath), strings(runpath)));
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn programs_and_libraries() {
        check(&["-lm"], true, &["libm.so.6", "libc.so.6"], &[], &[]);
        check(&["-static", "-lm"], false, &[], &[], &[]);
        check(&["-shared", "-fPIC", "-nostdlib", "-lm"], false, &["libm.so.6"], &[], &[]);
        check(
            &["-lm", "-Wl,-rpath,$ORIGIN/../lib:/a", "-Wl,--enable-new-dtags"],
            true,
            &["libm.so.6", "libc.so.6"],
            &[],
            &["$ORIGIN/../lib", "/a"],
        );
        check(
            &["-shared", "-nostdlib", "-Wl,-rpath,/b", "-Wl,--disable-new-dtags"],
            false,
            &[],
            &["/b"],
            &[],
        );
    }

    #[test]
    fn what_is_no_elf_file() {
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\x02\x01\x01"] {
            assert_eq!(Linkage::parse(bytes), None);
        }
    }

    proptest! {
        #[test]
        fn damage_is_survived(changes in prop::collection::vec((0..0x400usize, any::<u8>()), 1..20), end in 0..30_000usize) {
            static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
            let mut program = PROGRAM.get_or_init(|| linked(&["-lm"])).clone();
            for (place, byte) in changes {
                program[place] = byte;
            }
            let _ = Linkage::parse(program.as_slice());
            let _ = Linkage::parse(&program[..end.min(program.len())]);
        }
    }
}
