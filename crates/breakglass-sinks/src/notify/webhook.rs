//! A webhook, signed as [Standard Webhooks](https://www.standardwebhooks.com) says: whoever has the
//! secret knows that a message is ours, whole, fresh, and whether it came before.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Message, NotifyError, one_line};

/// The beginning of a secret in the form of the standard.
const PREFIX: &str = "whsec_";
/// Shortest secret, in bytes.
const SECRET_BYTES_MIN: usize = 24;

/// A receiver of notices.
pub struct Webhook {
    url: String,
    secret: Zeroizing<Vec<u8>>,
    agent: ureq::Agent,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

impl Webhook {
    /// A receiver at this URL, with the shared secret: `whsec_` and standard base64 of at least
    /// 24 bytes.
    ///
    /// # Errors
    ///
    /// The URL is none, holds a user name, or the secret is not of that form.
    pub fn new(url: &str, secret: &str, agent: ureq::Agent) -> Result<Self, NotifyError> {
        let unusable = |what: &str| NotifyError::Unusable(what.to_owned());
        let rest = url.strip_prefix("https://").or(url.strip_prefix("http://"));
        let rest = rest.ok_or_else(|| unusable("url is neither https:// nor http://"))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(unusable("url holds a user name"));
        }
        let secret = secret
            .trim()
            .strip_prefix(PREFIX)
            .map(|s| STANDARD.decode(s));
        let secret = match secret {
            Some(Ok(bytes)) if bytes.len() >= SECRET_BYTES_MIN => Zeroizing::new(bytes),
            _ => {
                return Err(unusable(
                    "the secret is not whsec_ and base64 of 24 bytes or more",
                ));
            }
        };
        Ok(Self {
            url: url.to_owned(),
            secret,
            agent,
        })
    }

    /// Hands a message over. `now_s` is the wall clock, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// It was not taken.
    pub fn send(&self, message: &Message, now_s: i64) -> Result<(), NotifyError> {
        let body = json!({
            "type": "breakglass.notice",
            "id": message.id,
            "title": one_line(&message.subject),
            "text": format!("{}\n{}", one_line(&message.subject), message.text),
            "to": message.to,
        })
        .to_string();
        let signature = self.signature(&message.id, now_s, &body);
        let answer = self
            .agent
            .post(&self.url)
            .header("Content-Type", "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", now_s.to_string())
            .header("webhook-signature", &signature)
            .send(body.as_bytes());
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(NotifyError::Refused(answer.status().as_u16().to_string())),
            // The library's words may name the address.
            Err(ureq::Error::Timeout(_)) => Err(NotifyError::Unreachable("no answer".to_owned())),
            Err(_) => Err(NotifyError::Unreachable("no connection".to_owned())),
        }
    }

    fn signature(&self, id: &str, timestamp: i64, body: &str) -> String {
        // A key of any length will do for HMAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else {
            return String::new();
        };
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(secret: &str) -> Result<Webhook, NotifyError> {
        let agent = ureq::Agent::config_builder().build().into();
        Webhook::new("https://chat.example/hook", secret, agent)
    }

    #[test]
    fn a_message_is_signed_as_the_standard_has_it() {
        // The example of the specification.
        let hook = hook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = hook.signature(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_is_none_is_refused_and_never_shown() {
        for secret in ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%"] {
            assert!(
                matches!(hook(secret), Err(NotifyError::Unusable(_))),
                "{secret}"
            );
        }
        let hook = hook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert!(!format!("{hook:?}").contains("MfKQ"));
    }
}
