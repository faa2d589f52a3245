//! The JSON of `check`, read. Knows no check.

/// One of the findings of `check --json`.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) verdict: String,
    pub(crate) subject: String,
    pub(crate) what: String,
    pub(crate) remedy: String,
}

/// Reads the JSON of `check`, which has each member on a line of its own.
pub(crate) fn findings(json: &str) -> Vec<Found> {
    let member = |object: &str, name: &str| {
        let start = format!("\"{name}\": \"");
        let value = object.lines().find_map(|line| line.trim().strip_prefix(&start));
        let value = value.unwrap_or_default().trim_end_matches(',');
        let value = value.strip_suffix('"').unwrap_or(value);
        value.replace("\\\"", "\"").replace("\\\\", "\\")
    };
    let found = |object| Found {
        name: member(object, "check"),
        verdict: member(object, "verdict"),
        subject: member(object, "subject"),
        what: member(object, "what"),
        remedy: member(object, "remedy"),
    };
    json.split("\n    {").skip(1).map(found).collect()
}
