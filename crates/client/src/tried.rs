//! Which hosts a job has been to, or need not go to, and why. Knows nothing of what they said.

use hosts::Host;

/// By place in the list.
#[derive(Default)]
pub(crate) struct Tried {
    /// They have failed.
    pub(crate) hosts: Vec<usize>,
    /// They do not want these sources, but perhaps text.
    pub(crate) with_sources: Vec<usize>,
    /// They have not the compiler that is here.
    pub(crate) strangers: Vec<usize>,
    /// Nobody knows yet whether they have it.
    pub(crate) undecided: Vec<usize>,
    /// They have it, and do not do this job with it.
    pub(crate) unwilling: Vec<usize>,
    /// They cannot be told what `native` means here, and have to be.
    pub(crate) untold: Vec<usize>,
}

impl Tried {
    /// Whether this one is not to be given the job in any form.
    pub(crate) fn is_out(&self, at: usize) -> bool {
        self.hosts.contains(&at) || self.is_unfit(at)
    }

    /// None that could be asked is known to have what the job needs.
    pub(crate) fn is_for_nobody(&self, hosts: &[Host]) -> bool {
        let is_any = self.unfit().iter().any(|unfit| !unfit.is_empty());
        is_any && hosts.iter().enumerate().all(|(at, host)| host.down || self.is_unfit(at))
    }

    fn is_unfit(&self, at: usize) -> bool {
        self.unfit().iter().any(|unfit| unfit.contains(&at))
    }

    fn unfit(&self) -> [&[usize]; 4] {
        [&self.strangers, &self.undecided, &self.unwilling, &self.untold]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hosts::HostList;

    #[test]
    fn who_is_out() {
        let hosts = HostList::parse(b"red green blue", "test").hosts;
        let mut tried = Tried::default();
        let mut check = |unfit: [&[usize]; 3], for_nobody: bool, out: [bool; 3]| {
            [tried.strangers, tried.unwilling, tried.untold] = unfit.map(<[usize]>::to_vec);
            assert_eq!(tried.is_for_nobody(&hosts), for_nobody, "{unfit:?}");
            assert_eq!([0, 1, 2].map(|at| tried.is_out(at)), out, "{unfit:?}");
        };
        check([&[], &[], &[]], false, [false; 3]);
        check([&[0, 1], &[], &[]], false, [true, true, false]);
        check([&[0, 1], &[], &[2]], true, [true; 3]);
        check([&[0], &[1], &[2]], true, [true; 3]);
        check([&[], &[1], &[]], false, [false, true, false]);
        check([&[], &[], &[2]], false, [false, false, true]);
    }
}
