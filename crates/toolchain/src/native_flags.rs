//! Words of compiler flags that mean another processor on every machine. Knows nothing of where flags are configured.

/// What asks the compiler for "this machine's processor".
const NATIVE: &[&str] = &["-march=native", "-mtune=native", "-mcpu=native"];

/// Those words of a value of CFLAGS or the like, in order, that a daemon's machine would understand differently.
/// distcc compiles such files locally.
pub fn native_words(flags: &str) -> Vec<&str> {
    flags.split_whitespace().filter(|word| NATIVE.contains(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(flags: &str, expected: &[&str]) {
        assert_eq!(native_words(flags), expected, "{flags}");
    }

    #[test]
    fn words() {
        check("-O2 -pipe", &[]);
        check("-march=native", &["-march=native"]);
        check("-march=x86-64 -mtune=generic -O2", &[]);
        check("-march=native -O2\n\t-mtune=native", &["-march=native", "-mtune=native"]);
        check("-mcpu=native -mcpu=native", &["-mcpu=native", "-mcpu=native"]);
        check("-C target-cpu=native", &[]);
        check("-march=native-ish x-march=native -DA=-march=native", &[]);
    }
}
