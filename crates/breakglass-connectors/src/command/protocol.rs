//! The two documents of a call (`docs/spec/command-protocol.md`).

use std::io::{self, Write};

use breakglass_format::error_class::ErrorClass;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::Fields;

/// The version of the protocol.
const PROTOCOL: i64 = 1;

/// What is asked of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Prove,
    Change,
    Plan,
    Dispatch,
    Find,
    Poll,
    Cancel,
    Verify,
    Probe,
}

impl Op {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Prove => "prove",
            Self::Change => "change",
            Self::Plan => "plan",
            Self::Dispatch => "dispatch",
            Self::Find => "find",
            Self::Poll => "poll",
            Self::Cancel => "cancel",
            Self::Verify => "verify",
            Self::Probe => "probe",
        }
    }

    /// Whether it does something in the world.
    pub(crate) const fn changes(self) -> bool {
        matches!(self, Self::Change | Self::Dispatch | Self::Cancel)
    }
}

/// A request: what anybody may see, and credentials beside it.
pub(crate) struct Request<'a> {
    pub(crate) op: Op,
    pub(crate) body: Map<String, Value>,
    pub(crate) secrets: &'a [(&'static str, &'a Fields<'a>)],
}

/// The request's bytes, in a buffer that is allocated once and wiped when dropped.
pub(super) fn write(request: &Request<'_>) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut counter = Counter(0);
    write_to(request, &mut counter)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(counter.0));
    write_to(request, &mut *bytes)?;
    Ok(bytes)
}

/// Written by hand where secrets are: a type with `Serialize` that holds some could be serialised
/// by anybody.
fn write_to(request: &Request<'_>, out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        r#"{{"protocol":{PROTOCOL},"op":"{}""#,
        request.op.as_str()
    )?;
    for (key, value) in &request.body {
        out.write_all(b",")?;
        serde_json::to_writer(&mut *out, key)?;
        out.write_all(b":")?;
        serde_json::to_writer(&mut *out, value)?;
    }
    for (key, fields) in request.secrets {
        write!(out, r#","{key}":{{"#)?;
        for (i, (name, value)) in fields.expose().enumerate() {
            out.write_all(if i == 0 { b"" } else { b"," })?;
            serde_json::to_writer(&mut *out, name)?;
            out.write_all(b":")?;
            serde_json::to_writer(&mut *out, value)?;
        }
        out.write_all(b"}")?;
    }
    out.write_all(b"}\n")
}

struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a child answered.
#[derive(Debug)]
pub(super) enum Answer<T> {
    Done(T),
    Refused { class: ErrorClass, detail: String },
}

/// The texts of an answer, all of which are redacted before anybody sees them.
pub(crate) trait Texts {
    fn texts(&mut self) -> Vec<&mut String>;
}

#[derive(Deserialize)]
struct Raw<T> {
    ok: Option<T>,
    error: Option<RawError>,
}

#[derive(Deserialize)]
struct RawError {
    class: ErrorClass,
    #[serde(default)]
    detail: String,
}

/// Reads an answer; `None`: these bytes are not one. Why not is deliberately lost: the parser's
/// messages quote what they could not read.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<Answer<T>> {
    let raw: Raw<T> = serde_json::from_slice(bytes).ok()?;
    match (raw.ok, raw.error) {
        (Some(value), None) => Some(Answer::Done(value)),
        (None, Some(error)) => Some(Answer::Refused {
            class: error.class,
            detail: error.detail,
        }),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_is_json_and_its_buffer_never_grew() {
        let fields = Fields::from_iter([("username", "root"), ("password", "a\"\u{7}ä")]);
        let request = Request {
            op: Op::Prove,
            body: Map::from_iter([("expect".to_owned(), Value::from("refused"))]),
            secrets: &[("credential", &fields)],
        };
        let bytes = write(&request).unwrap();
        assert_eq!(bytes.len(), bytes.capacity());
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        let expected = serde_json::json!({
            "protocol": 1, "op": "prove", "expect": "refused",
            "credential": {"username": "root", "password": "a\"\u{7}ä"},
        });
        assert_eq!(value, expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn a_changed_answer_is_one_or_none(
            at in any::<prop::sample::Index>(),
            with in prop::collection::vec(any::<u8>(), 0..4),
            gone in 0..3_usize,
            which in 0..2_usize,
        ) {
            let answers: [&[u8]; 2] = [
                br#"{"ok":{"handle":"run-7","state":"dispatched","targets":["a"]}}"#,
                br#"{"error":{"class":"transient","detail":"busy"}}"#,
            ];
            let mut bytes = answers[which].to_vec();
            let at = at.index(bytes.len() + 1);
            let to = (at + gone).min(bytes.len());
            bytes.splice(at..to, with);
            let whole: Option<Map<String, Value>> = serde_json::from_slice(&bytes).ok();
            let of_one = |key: &str| whole.as_ref().is_some_and(|m| m.contains_key(key));
            match read::<Value>(&bytes) {
                Some(Answer::Done(_)) => prop_assert!(of_one("ok")),
                Some(Answer::Refused { .. }) => prop_assert!(of_one("error")),
                None => {}
            }
        }
    }

    #[test]
    fn an_answer_says_exactly_one_thing() {
        let read = read::<Value>;
        assert!(matches!(read(b"{\"ok\":{}}\n"), Some(Answer::Done(_))));
        let refused = read(br#"{"error":{"class":"permanent"}}"#);
        let class = ErrorClass::Permanent;
        assert!(matches!(refused, Some(Answer::Refused { class: c, .. }) if c == class));
        for bad in [
            "",
            "{}",
            "{\"ok\":{}}{}",
            r#"{"ok":{},"error":{"class":"permanent"}}"#,
            r#"{"error":{"class":"catastrophic"}}"#,
            r#"{"ok":{}"#,
        ] {
            assert!(read(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
