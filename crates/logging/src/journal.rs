//! One message and what it is about, as the systemd journal reads a datagram. Knows nothing of sockets.

use crate::{Field, Level};

/// The longest value in bytes, as for a line. With so few fields a datagram stays far below what a socket takes.
const LONGEST: usize = 4090;

/// The facility "daemon" of syslog(3).
const DAEMON: &str = "3";

/// `NAME=value` and a newline for each field, or, where the value has a newline in it, the name, a newline, its length
/// as eight bytes, little end first, the value and a newline (systemd's "Native Journal Protocol").
pub(crate) fn datagram(program: &str, level: Level, message: &str, about: &[(Field, Vec<u8>)]) -> Vec<u8> {
    let mut datagram = Vec::with_capacity(256 + message.len());
    let priority = (level as u8).to_string();
    add(&mut datagram, "PRIORITY", priority.as_bytes());
    add(&mut datagram, "SYSLOG_FACILITY", DAEMON.as_bytes());
    add(&mut datagram, "SYSLOG_IDENTIFIER", program.as_bytes());
    add(&mut datagram, "MESSAGE", message.as_bytes());
    for (field, value) in about {
        add(&mut datagram, field.name(), value);
    }
    datagram
}

fn add(datagram: &mut Vec<u8>, name: &str, value: &[u8]) {
    let value = &value[..value.len().min(LONGEST)];
    datagram.extend(name.as_bytes());
    if value.contains(&b'\n') {
        datagram.push(b'\n');
        datagram.extend((value.len() as u64).to_le_bytes());
    } else {
        datagram.push(b'=');
    }
    datagram.extend(value);
    datagram.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As journald reads it; anything that it would drop is an error.
    fn read(mut rest: &[u8]) -> Result<Vec<(String, Vec<u8>)>, &'static str> {
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let at = rest.iter().position(|byte| b"=\n".contains(byte)).ok_or("a name without an end")?;
            let name = String::from_utf8_lossy(&rest[..at]).into_owned();
            let newline = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'\n');
            let (from, length) = if rest[at] == b'=' {
                (at + 1, newline(&rest[at + 1..]).ok_or("a value without an end")?)
            } else {
                let length = rest.get(at + 1..at + 9).ok_or("no length")?;
                (at + 9, u64::from_le_bytes(length.try_into().unwrap()) as usize)
            };
            fields.push((name, rest.get(from..from + length).ok_or("a value cut short")?.to_vec()));
            if rest.get(from + length) != Some(&b'\n') {
                return Err("no newline behind a value");
            }
            rest = &rest[from + length + 1..];
        }
        Ok(fields)
    }

    #[test]
    fn bytes_of_a_record() {
        let about = [(Field::Host, b"red/4".to_vec()), (Field::File, b"a\nb.c".to_vec())];
        let expected = b"PRIORITY=4\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=distcc\nMESSAGE=Warning: no way\n\
            DISTCC_HOST=red/4\nDISTCC_FILE\n\x05\0\0\0\0\0\0\0a\nb.c\n";
        assert_eq!(datagram("distcc", Level::Warning, "Warning: no way", &about), expected);
    }

    #[test]
    fn levels_are_priorities() {
        for (level, priority) in [(Level::Emergency, "0"), (Level::Error, "3"), (Level::Debug, "7")] {
            let fields = read(&datagram("distcc", level, "", &[])).unwrap();
            assert_eq!(fields[0], ("PRIORITY".to_owned(), priority.as_bytes().to_vec()));
        }
    }

    proptest! {
        /// Whatever a file or a host is called, it comes back as it was, and nothing in it forges a field.
        #[test]
        fn values_arrive(message in "\\PC{0,60}", values in proptest::collection::vec(any::<Vec<u8>>(), 0..10)) {
            let about: Vec<_> = Field::ALL.into_iter().zip(values).collect();
            let fields = read(&datagram("distccd", Level::Info, &message, &about)).unwrap();
            prop_assert_eq!(&fields[3], &("MESSAGE".to_owned(), message.into_bytes()));
            let seen: Vec<_> = fields[4..].to_vec();
            let sent: Vec<_> = about.into_iter().map(|(field, value)| (field.name().to_owned(), value)).collect();
            prop_assert_eq!(seen, sent);
        }

        #[test]
        fn a_record_fits_into_a_datagram(length in 0usize..200_000) {
            let about = Field::ALL.map(|field| (field, vec![b'\n'; length]));
            prop_assert!(datagram("distccd", Level::Info, "", &about).len() < 64 << 10);
        }
    }
}
