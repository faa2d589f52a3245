//! One record as journald would keep it. Knows nothing of sockets.

/// Names and values in the order in which they came.
#[derive(Clone, Debug)]
pub(crate) struct Record(Vec<(String, Vec<u8>)>);

impl Record {
    /// Takes a datagram apart; panics where journald would drop something.
    #[track_caller]
    pub(crate) fn read(mut rest: &[u8]) -> Record {
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').expect("a newline at the end");
            let (line, behind) = (&rest[..end], &rest[end + 1..]);
            let (name, value) = match line.iter().position(|byte| *byte == b'=') {
                Some(at) => {
                    rest = behind;
                    (&line[..at], &line[at + 1..])
                }
                None => {
                    let (length, behind) = behind.split_first_chunk().expect("eight bytes of length");
                    let (value, behind) = behind.split_at(u64::from_le_bytes(*length) as usize);
                    rest = behind.strip_prefix(b"\n").expect("a newline behind the value");
                    (line, value)
                }
            };
            fields.push((String::from_utf8(name.to_vec()).expect("a name"), value.to_vec()));
        }
        Record(fields)
    }

    /// A value; empty if there is none, and the last one if there are several.
    pub(crate) fn get(&self, name: &str) -> String {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map_or(String::new(), |(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    /// Panics unless each of these `NAME=value` is in it; `NAME=` means that there is none.
    #[track_caller]
    pub(crate) fn check(&self, expected: &[&str]) {
        for line in expected {
            let (name, value) = line.split_once('=').expect("NAME=value");
            assert_eq!(self.get(name), value, "{name} of {self:?}");
        }
    }
}

#[test]
fn records_with_values_of_both_forms() {
    let record = Record::read(b"A=1\nB\n\x03\0\0\0\0\0\0\0x\ny\nA=2=3\n");
    record.check(&["A=2=3", "B=x\ny", "C="]);
}
