//! Whether two object files are the same, whole or but for debug information. Knows nothing of how they came about.

use std::fs;
use std::path::Path;

use crate::process::{clean, run};

/// Panics, naming the first difference, unless both files hold the same bytes.
#[track_caller]
pub fn assert_same_bytes(got: &Path, expected: &Path) {
    let [a, b] = [got, expected].map(read);
    let first = a.iter().zip(&b).position(|(x, y)| x != y).unwrap_or(a.len().min(b.len()));
    assert!(
        a == b,
        "{} ({} bytes) and {} ({} bytes) differ from byte {first} on",
        got.display(),
        a.len(),
        expected.display(),
        b.len()
    );
}

/// Panics unless both are ELF objects with the same sections in the same order, and all of these but debug information hold the
/// same bytes.
#[track_caller]
pub fn assert_same_but_debug(got: &Path, expected: &Path) {
    let [a, b] = [got, expected].map(read);
    if let Err(difference) = same_but_for(&a, &b, is_debug) {
        panic!("{} and {}: {difference}", got.display(), expected.display());
    }
}

/// Panics unless what the debug information of both objects says of types, variables, files and directories is the same; only
/// columns may differ, and where in the file each thing stands.
#[track_caller]
pub fn assert_same_debug_but_columns(got: &Path, expected: &Path) {
    let [a, b] = [got, expected].map(|path| {
        let mut readelf = clean("readelf");
        readelf.args(["--debug-dump=info", "--wide"]).arg(path);
        without_columns(&run(readelf).good().out())
    });
    if let Some((x, y)) = a.iter().zip(&b).find(|(x, y)| x != y) {
        panic!("{} and {}: debug information {x:?} against {y:?}", got.display(), expected.display());
    }
    assert_eq!(a.len(), b.len(), "{} and {}", got.display(), expected.display());
}

/// The lines of readelf's dump that tell of the program: the file's name, offsets and what readelf guesses about them, forms,
/// abbreviation numbers and columns are left out.
fn without_columns(dump: &str) -> Vec<String> {
    let tells = |line: &&str| line.contains("DW_") && !line.contains("_column");
    let place = |word: &&str| word.contains("0x") || word.starts_with('(') && word.ends_with(')');
    let words = |line: &str| {
        let told = line.find("DW_").map_or(line, |at| &line[at..]);
        let told = told.split_once('<').map_or(told, |(before, _)| before);
        told.split_whitespace().filter(|word| !place(word)).collect::<Vec<_>>().join(" ")
    };
    dump.lines().filter(tells).map(words).collect()
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// Whether two 64-bit ELF objects have the same sections in the same order, and all but those that are `exempt` by name hold the
/// same bytes; `Err` names the first difference.
pub fn same_but_for(a: &[u8], b: &[u8], exempt: fn(&str) -> bool) -> Result<(), String> {
    let (a, b) = (sections(a)?, sections(b)?);
    let names = |list: &[Section]| list.iter().map(|section| section.name.clone()).collect::<Vec<_>>();
    if names(&a) != names(&b) {
        return Err(format!("sections {:?} against {:?}", names(&a), names(&b)));
    }
    for (x, y) in a.iter().zip(&b).filter(|(x, _)| !exempt(&x.name)) {
        if x.bytes != y.bytes {
            return Err(format!("section {} differs", x.name));
        }
    }
    Ok(())
}

fn is_debug(section: &str) -> bool {
    section.starts_with(".debug_") || section.starts_with(".rela.debug_")
}

#[derive(Debug, PartialEq)]
struct Section<'a> {
    name: String,
    bytes: &'a [u8],
}

const NO_BITS: u32 = 8;

/// The sections of a 64-bit little-endian ELF file, as the ELF specification lays them out.
fn sections(elf: &[u8]) -> Result<Vec<Section<'_>>, String> {
    if elf.get(..6) != Some(b"\x7fELF\x02\x01") {
        return Err("no 64-bit little-endian ELF file".to_owned());
    }
    let table = number(elf, 0x28, 8)?;
    let entry_size = number(elf, 0x3a, 2)?;
    let count = number(elf, 0x3c, 2)?;
    let names_index = number(elf, 0x3e, 2)?;
    let header =
        |index: usize, field: usize, width: usize| number(elf, table + index * entry_size + field, width);
    let body = |index: usize| -> Result<&[u8], String> {
        if header(index, 4, 4)? == NO_BITS as usize {
            return Ok(&[]);
        }
        let (start, length) = (header(index, 0x18, 8)?, header(index, 0x20, 8)?);
        elf.get(start..start + length).ok_or_else(|| format!("section {index} reaches past the end"))
    };
    let names = body(names_index)?;
    (0..count)
        .map(|index| {
            let name = names.get(header(index, 0, 4)?..).ok_or("a name past the end")?;
            let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
            Ok(Section { name: String::from_utf8_lossy(name).into_owned(), bytes: body(index)? })
        })
        .collect()
}

fn number(bytes: &[u8], at: usize, width: usize) -> Result<usize, String> {
    let field = bytes.get(at..at + width).ok_or("the file ends early")?;
    Ok(field.iter().rev().fold(0, |value, &byte| value << 8 | usize::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workdir::Workdir;

    fn same_but_debug(a: &[u8], b: &[u8]) -> Result<(), String> {
        same_but_for(a, b, is_debug)
    }

    fn compile(work: &Workdir, name: &str, text: &str) -> Vec<u8> {
        let source = work.write(&format!("{name}.c"), text);
        let mut gcc = clean("gcc");
        gcc.args(["-g", "-O1", "-c", "-ffile-prefix-map=a.c=x.c", "-ffile-prefix-map=b.c=x.c"]);
        run_in(gcc, work, &source);
        read(&work.src().join(format!("{name}.o")))
    }

    fn run_in(mut command: std::process::Command, work: &Workdir, source: &Path) {
        command.arg(source.file_name().expect("a file")).current_dir(work.src());
        run(command).good();
    }

    #[test]
    fn dump_lines() {
        let dump = "x.o: file\n <1><2d>: Abbrev Number: 2 (DW_TAG_base_type)\n    <2e>   DW_AT_name        : (strp) (offset: 0x5c): int\n\
                    \x20   <30>   DW_AT_decl_column : 5\n    <31>   DW_AT_type        : (ref4) <0x2d>, int\n";
        assert_eq!(without_columns(dump), ["DW_TAG_base_type)", "DW_AT_name : (offset: int", "DW_AT_type :"]);
    }

    #[test]
    fn columns_are_debug_and_code_is_code() {
        let work = Workdir::new();
        let original = compile(&work, "a", "int f(int x) { return x + 1; }\n");
        let columns = compile(&work, "b", "int f(int    x) { return    x + 1; }\n");
        assert_ne!(original, columns);
        assert_eq!(same_but_debug(&original, &columns), Ok(()));
        assert_same_debug_but_columns(&work.src().join("a.o"), &work.src().join("b.o"));
        let code = compile(&work, "b", "int f(int x) { return x + 2; }\n");
        assert_eq!(same_but_debug(&original, &code), Err("section .text differs".to_owned()));
        assert!(same_but_debug(&original, &original[..100]).is_err());
        assert!(same_but_debug(&original, b"").is_err());
    }
}
