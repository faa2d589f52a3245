//! One token of the host list to a `Host`, by the grammar of distcc-hosts(5). Knows no list around it.

use crate::host::{Host, Place};

const DEFAULT_PORT: u16 = 3632;
const DEFAULT_SLOTS: u32 = 4;
const DEFAULT_LOCAL_SLOTS: u32 = 2;
/// Lock files carry the name, and a file name ends at 255 bytes.
const LONGEST_NAME: usize = 220;

type Set = fn(&mut Host);

/// What may follow a host after a comma, and what it sets.
const OPTIONS: &[(&str, Set)] = &[
    ("lzo", |host| host.lzo = true),
    ("cpp", |host| host.pump = true),
    ("down", |host| host.down = true),
    ("auth", |host| host.auth = true),
];

/// Reads a token that has no white space and no `#`; the error says what is wrong with it and what to write.
pub(crate) fn parse(token: &str) -> Result<Host, String> {
    if token.chars().any(char::is_control) {
        return Err("control character in host specification".to_owned());
    }
    if token == "localhost" || token.starts_with("localhost/") {
        local(token)
    } else if token.contains('@') {
        ssh(token)
    } else {
        tcp(token)
    }
}

/// Reads `/N` or, after a global option, `=N`.
pub(crate) fn multiplier(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix(['/', '=']).unwrap_or(text);
    match digits.parse() {
        Ok(slots) if slots > 0 && digits.starts_with(|c: char| c.is_ascii_digit()) => Ok(slots),
        _ => Err(format!("bad multiplier \"{text}\" in host specification; write a number of jobs from 1")),
    }
}

fn local(token: &str) -> Result<Host, String> {
    let (slots, rest) = slots(&token["localhost".len()..])?;
    match rest {
        "" => Ok(host(token, Place::Local, slots.unwrap_or(DEFAULT_LOCAL_SLOTS))),
        _ => Err(format!("\"{rest}\" after localhost, which takes no port and no options")),
    }
}

fn ssh(token: &str) -> Result<Host, String> {
    let missing = format!("hostname is required in SSH host specification \"{token}\"");
    let (user, rest) = token.split_once('@').expect("called for tokens that contain one");
    if user.starts_with('-') {
        return Err(format!("user name \"{user}\" starts with a hyphen"));
    }
    let (name, rest) = name(rest, missing)?;
    let (slots, rest) = slots(rest)?;
    let (command, options) = match rest.strip_prefix(':') {
        Some(rest) => rest.split_at(rest.find(',').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let place = Place::Ssh { user: given(user), name: name.to_owned(), command: given(command) };
    with_options(host(token, place, slots.unwrap_or(DEFAULT_SLOTS)), options)
}

fn tcp(token: &str) -> Result<Host, String> {
    let missing = format!("hostname is required in tcp host specification \"{token}\"");
    let (name, rest) = name(token, missing)?;
    let (before_port, rest) = slots(rest)?;
    let (port, rest) = port(rest)?;
    let (after_port, options) = slots(rest)?;
    let place = Place::Tcp { name: name.to_owned(), port: port.unwrap_or(DEFAULT_PORT) };
    with_options(host(token, place, after_port.or(before_port).unwrap_or(DEFAULT_SLOTS)), options)
}

fn host(spec: &str, place: Place, slots: u32) -> Host {
    Host { spec: spec.to_owned(), place, slots, lzo: false, pump: false, down: false, auth: false }
}

/// The name without its brackets, and what follows it.
fn name(text: &str, missing: String) -> Result<(&str, &str), String> {
    let (name, rest) = match text.strip_prefix('[') {
        Some(inside) => inside.split_once(']').ok_or("IPv6 Hostname requires closing ']'")?,
        None => text.split_at(text.find(['/', ':', ',']).unwrap_or(text.len())),
    };
    if name.is_empty() {
        return Err(missing);
    }
    if name.starts_with('-') || name.contains(['/', '=']) || name.len() > LONGEST_NAME {
        return Err(format!("\"{name}\" cannot be a hostname; slots are written /N"));
    }
    Ok((name, rest))
}

/// The last of any number of `/N`, and what follows them.
fn slots(mut text: &str) -> Result<(Option<u32>, &str), String> {
    let mut slots = None;
    while let Some(after) = text.strip_prefix('/') {
        let end = 1 + after.find(['/', ':', ',']).unwrap_or(after.len());
        slots = Some(multiplier(&text[..end])?);
        text = &text[end..];
    }
    Ok((slots, text))
}

fn port(text: &str) -> Result<(Option<u16>, &str), String> {
    let Some(after) = text.strip_prefix(':') else { return Ok((None, text)) };
    let (digits, rest) = after.split_at(after.find(['/', ',']).unwrap_or(after.len()));
    match digits.parse() {
        Ok(port) if port > 0 && digits.starts_with(|c: char| c.is_ascii_digit()) => Ok((Some(port), rest)),
        _ => Err(format!("invalid tcp port specification in \"{digits}\"; write a number from 1 to 65535")),
    }
}

fn with_options(mut host: Host, options: &str) -> Result<Host, String> {
    let mut parts = options.split(',');
    match parts.next() {
        None | Some("") => {}
        Some(before) => return Err(format!("\"{before}\" after the hostname")),
    }
    for option in parts {
        let name = if option.starts_with("auth=") { "auth" } else { option };
        let (_, set) =
            OPTIONS.iter().find(|(known, _)| *known == name).ok_or_else(|| unrecognized(option))?;
        set(&mut host);
    }
    if host.pump && !host.lzo {
        return Err("pump mode (',cpp') requires compression (',lzo'); write ,lzo,cpp".to_owned());
    }
    Ok(host)
}

fn unrecognized(option: &str) -> String {
    let known: Vec<_> = OPTIONS.iter().map(|(name, _)| format!(",{name}")).collect();
    format!("unrecognized option in host specification: ,{option}; known are {}", known.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host in short: its stem, slots, ssh user and command, and the options that are set.
    fn shown(host: &Host) -> String {
        let mut text = format!("{} x{}", host.lock_stem(), host.slots);
        if let Place::Ssh { user, command, .. } = &host.place {
            text += &format!(" {} {}", user.as_deref().unwrap_or("-"), command.as_deref().unwrap_or("-"));
        }
        for (set, name) in
            [(host.lzo, " lzo"), (host.pump, " cpp"), (host.down, " down"), (host.auth, " auth")]
        {
            text += if set { name } else { "" };
        }
        text
    }

    #[track_caller]
    fn check(token: &str, expected: &str) {
        let host = parse(token).expect(token);
        assert_eq!(shown(&host), expected, "{token}");
        assert_eq!(host.spec, token);
    }

    #[test]
    fn hosts_on_this_machine() {
        check("localhost", "localhost x2");
        check("localhost/7", "localhost x7");
        check("localhost/7/3", "localhost x3");
        check("localhost:1", "tcp_localhost_1 x4");
        check("localhost,lzo", "tcp_localhost_3632 x4 lzo");
        check("LOCALHOST", "tcp_LOCALHOST_3632 x4");
        check("ipv4-localhost", "tcp_ipv4-localhost_3632 x4");
        check("localhostbutnotreally", "tcp_localhostbutnotreally_3632 x4");
        check("127.0.0.1", "tcp_127.0.0.1_3632 x4");
    }

    #[test]
    fn hosts_over_tcp() {
        check("angry", "tcp_angry_3632 x4");
        check("angry:4204", "tcp_angry_4204 x4");
        check("angry/44", "tcp_angry_3632 x44");
        check("angry:300/44", "tcp_angry_300 x44");
        check("angry/44:300", "tcp_angry_300 x44");
        check("angry/2/3", "tcp_angry_3632 x3");
        check("angry/2:9/3,lzo", "tcp_angry_9 x3 lzo");
        check("[::1]", "tcp_::1_3632 x4");
        check("[::1]/3", "tcp_::1_3632 x3");
        check("[fe80::1%eth0]:99/4", "tcp_fe80::1%eth0_99 x4");
        check("[angry]", "tcp_angry_3632 x4");
        check("angry:65535", "tcp_angry_65535 x4");
        check("angry/4294967295", "tcp_angry_3632 x4294967295");
    }

    #[test]
    fn hosts_over_ssh() {
        check("@angry", "ssh_angry x4 - -");
        check("ted@angry", "ssh_angry x4 ted -");
        check("@angry:/home/x/distccd", "ssh_angry x4 - /home/x/distccd");
        check("@angry:", "ssh_angry x4 - -");
        check("@angry:,lzo", "ssh_angry x4 - - lzo");
        check("ted@angry/2:cmd,lzo", "ssh_angry x2 ted cmd lzo");
        check("ted@angry:cmd/3", "ssh_angry x4 ted cmd/3");
        check("a,b@c", "ssh_c x4 a,b -");
        check("a@b@c", "ssh_b@c x4 a -");
        check("ted@[::1]:cmd", "ssh_::1 x4 ted cmd");
    }

    #[test]
    fn options() {
        check("angry,lzo", "tcp_angry_3632 x4 lzo");
        check("angry:4204,lzo", "tcp_angry_4204 x4 lzo");
        check("angry/44,lzo", "tcp_angry_3632 x44 lzo");
        check("@angry,lzo", "ssh_angry x4 - - lzo");
        check("@angry:/home/x/distccd,lzo", "ssh_angry x4 - /home/x/distccd lzo");
        check("angry,lzo,cpp", "tcp_angry_3632 x4 lzo cpp");
        check("angry,cpp,lzo", "tcp_angry_3632 x4 lzo cpp");
        check("angry,lzo,lzo,cpp", "tcp_angry_3632 x4 lzo cpp");
        check("angry,down", "tcp_angry_3632 x4 down");
        check("angry,auth", "tcp_angry_3632 x4 auth");
        check("angry,auth=", "tcp_angry_3632 x4 auth");
        check("angry,auth=service,lzo", "tcp_angry_3632 x4 lzo auth");
    }

    #[track_caller]
    fn check_wrong(token: &str, expected: &str) {
        let wrong = parse(token).expect_err(token);
        assert!(wrong.starts_with(expected), "{token}: {wrong}");
    }

    #[test]
    fn wrong_names() {
        check_wrong(":", "hostname is required in tcp host specification \":\"");
        check_wrong(":4200", "hostname is required in tcp host specification \":4200\"");
        check_wrong(",lzo", "hostname is required in tcp host specification \",lzo\"");
        check_wrong("/3", "hostname is required in tcp host specification \"/3\"");
        check_wrong("[]", "hostname is required in tcp host specification \"[]\"");
        check_wrong("@", "hostname is required in SSH host specification \"@\"");
        check_wrong("mbp@", "hostname is required in SSH host specification \"mbp@\"");
        check_wrong("[::1", "IPv6 Hostname requires closing ']'");
        check_wrong("[red]x", "\"x\" after the hostname");
        check_wrong("[a/b]", "\"a/b\" cannot be a hostname");
        check_wrong("red=5", "\"red=5\" cannot be a hostname; slots are written /N");
        check_wrong("localhost=5", "\"localhost=5\" cannot be a hostname; slots are written /N");
        check_wrong("@-oProxyCommand", "\"-oProxyCommand\" cannot be a hostname");
        check_wrong("-v@red", "user name \"-v\" starts with a hyphen");
        check_wrong(&"x".repeat(221), "\"xxxx");
        check_wrong("re\0d", "control character in host specification");
    }

    #[test]
    fn wrong_numbers() {
        check_wrong("red/0", "bad multiplier \"/0\" in host specification");
        check_wrong("red/", "bad multiplier \"/\" in host specification");
        check_wrong("red/x", "bad multiplier \"/x\" in host specification");
        check_wrong("red/3x", "bad multiplier \"/3x\" in host specification");
        check_wrong("red/-3", "bad multiplier \"/-3\" in host specification");
        check_wrong("red/+3", "bad multiplier \"/+3\" in host specification");
        check_wrong("red/4294967296", "bad multiplier \"/4294967296\" in host specification");
        check_wrong("red:99/0,lzo", "bad multiplier \"/0\" in host specification");
        check_wrong("localhost/0", "bad multiplier \"/0\" in host specification");
        check_wrong("localhost/3,lzo", "\",lzo\" after localhost");
        check_wrong("localhost/3:99", "\":99\" after localhost");
        check_wrong("angry::", "invalid tcp port specification in \":\"");
        check_wrong("red:", "invalid tcp port specification in \"\"");
        check_wrong("red:99x", "invalid tcp port specification in \"99x\"");
        check_wrong("red:0", "invalid tcp port specification in \"0\"");
        check_wrong("red:-5", "invalid tcp port specification in \"-5\"");
        check_wrong("red:65536", "invalid tcp port specification in \"65536\"");
    }

    #[test]
    fn wrong_options() {
        check_wrong("red,zstd", "unrecognized option in host specification: ,zstd");
        check_wrong("red,lzox", "unrecognized option in host specification: ,lzox");
        check_wrong("red,lzo/3", "unrecognized option in host specification: ,lzo/3");
        check_wrong("red,", "unrecognized option in host specification: ,");
        check_wrong("red,,lzo", "unrecognized option in host specification: ,");
        check_wrong("red,authx", "unrecognized option in host specification: ,authx");
        check_wrong("red,cpp", "pump mode (',cpp') requires compression (',lzo')");
    }

    #[test]
    fn the_manual_knows_every_option() {
        let page = include_str!("../man/distcc-hosts.5");
        for (name, _) in OPTIONS {
            let heading = format!("\n.B ,{name}\n");
            let among_others = format!("\n.BR ,{name} ");
            assert!(page.contains(&heading) || page.contains(&among_others), ",{name}");
        }
    }
}
