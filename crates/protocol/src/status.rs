//! A wait status as `STAT` transmits it. Knows no process.

/// How a compiler ended, in Linux' layout whatever system we run on: signal in bits 0-6, core dump in bit 7, exit
/// code in bits 8-15.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitStatus(pub u32);

impl WaitStatus {
    /// Ended by itself with this code.
    pub fn exited(code: u8) -> Self {
        WaitStatus(u32::from(code) << 8)
    }

    /// Killed by this signal (1-126).
    pub fn signalled(signal: i32, core: bool) -> Self {
        WaitStatus(signal as u32 & 0x7f | u32::from(core) << 7)
    }

    /// As `wait` gave it, or as it was transmitted.
    pub fn from_raw(raw: u32) -> Self {
        WaitStatus(raw)
    }

    /// Whether it exited with code 0.
    pub fn success(self) -> bool {
        self.0 == 0
    }

    /// The exit code, if it ended by itself.
    pub fn code(self) -> Option<u8> {
        let [low, code, 0, 0] = self.0.to_le_bytes() else { return None };
        (low == 0).then_some(code)
    }

    /// The signal, if one killed it.
    pub fn signal(self) -> Option<i32> {
        let [low, 0, 0, 0] = self.0.to_le_bytes() else { return None };
        let signal = i32::from(low & 0x7f);
        // 0x7f marks a process that is stopped, not ended.
        (1..0x7f).contains(&signal).then_some(signal)
    }

    /// Whether it was killed and left a core dump.
    pub fn core_dumped(self) -> bool {
        self.signal().is_some() && self.0 & 0x80 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses_are_linux_ones() {
        let check = |status: WaitStatus, raw, code, signal, core| {
            assert_eq!(status, WaitStatus::from_raw(raw));
            assert_eq!(
                (status.code(), status.signal(), status.core_dumped()),
                (code, signal, core),
                "{raw:#x}"
            );
            assert_eq!(status.success(), raw == 0);
        };
        check(WaitStatus::exited(0), 0, Some(0), None, false);
        check(WaitStatus::exited(1), 0x100, Some(1), None, false);
        check(WaitStatus::exited(110), 0x6e00, Some(110), None, false);
        check(WaitStatus::exited(255), 0xff00, Some(255), None, false);
        check(WaitStatus::signalled(11, false), 0x0b, None, Some(11), false);
        check(WaitStatus::signalled(11, true), 0x8b, None, Some(11), true);
        check(WaitStatus::from_raw(0x80), 0x80, None, None, false);
        check(WaitStatus::from_raw(0x137f), 0x137f, None, None, false);
        check(WaitStatus::from_raw(0x1_0000), 0x1_0000, None, None, false);
    }
}
