//! What a browser adds to a passkey's signature: the client data (WebAuthn level 2, 5.8.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use thiserror::Error;

use super::signature::Browser;

/// The members that are looked at.
const MEMBERS: [&str; 4] = [
    r#""type":"#,
    r#""challenge":"#,
    r#""origin":"#,
    r#""crossOrigin":"#,
];

/// Why client data are not about the text that was to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClientDataError {
    /// They do not begin with type, challenge and origin as they must, or do not end there.
    #[error("client data do not begin with the type, the challenge and the origin of this text")]
    Prefix,
    /// They are not one JSON object.
    #[error("client data are not a JSON object")]
    NotJson,
    /// A member stands twice or its name may be escaped, so that readers may disagree on it.
    #[error("client data name a member twice, or have an escape")]
    Ambiguous,
    /// The page was framed by a page of another origin.
    #[error("signature was made in a frame of another origin")]
    CrossOrigin,
}

/// Checks that the client data answer this challenge, on the origin stated beside them, on a page
/// that no other origin framed.
pub(super) fn check(browser: &Browser, challenge: &[u8]) -> Result<(), ClientDataError> {
    let Browser {
        origin,
        client_data,
        ..
    } = browser;
    let prefix = format!(
        r#"{{"type":"webauthn.get","challenge":"{}","origin":"{origin}""#,
        URL_SAFE_NO_PAD.encode(challenge),
    );
    // With a quote or a backslash in it the origin could bring members of its own.
    if origin.contains(['"', '\\']) {
        return Err(ClientDataError::Prefix);
    }
    let rest = client_data
        .strip_prefix(&prefix)
        .filter(|rest| rest.starts_with([',', '}']) && rest.ends_with('}'))
        .ok_or(ClientDataError::Prefix)?;
    let Ok(Value::Object(members)) = serde_json::from_str(client_data) else {
        return Err(ClientDataError::NotJson);
    };
    // The tree keeps the last of two members of one name. Without escapes, counting the names in
    // the text finds every second one.
    let twice = MEMBERS
        .iter()
        .any(|name| client_data.matches(name).count() > 1);
    if twice || rest.contains('\\') {
        return Err(ClientDataError::Ambiguous);
    }
    let apart = |value: &Value| *value == Value::Bool(false);
    if !members.get("crossOrigin").is_none_or(apart) || members.contains_key("topOrigin") {
        return Err(ClientDataError::CrossOrigin);
    }
    Ok(())
}
