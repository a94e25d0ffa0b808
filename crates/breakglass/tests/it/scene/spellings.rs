//! A secret in every spelling that could carry it unseen: raw, JSON, percent, hex, base64 at each
//! of its three alignments.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

/// Secrets that must not be found anywhere.
pub(crate) struct Secrets {
    spellings: Vec<Vec<u8>>,
}

impl Secrets {
    /// Every spelling of some secrets.
    pub(crate) fn of(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut spellings: Vec<Vec<u8>> = secrets.into_iter().flat_map(|s| spell(&s)).collect();
        spellings.sort_unstable();
        spellings.dedup();
        assert!(
            spellings.iter().all(|s| s.len() >= 16),
            "too short to mean anything"
        );
        Self { spellings }
    }

    /// Whether any of them stands in these bytes.
    pub(crate) fn are_in(&self, bytes: &[u8]) -> bool {
        self.spellings.iter().any(|s| contains(bytes, s))
    }
}

/// Whether bytes contain others. Compares only where the first byte fits.
pub(crate) fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| *b == needle[0]) {
        rest = &rest[at..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

fn spell(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let percent_all: String = bytes.iter().map(|b| format!("%{b:02X}")).collect();
    let percent: String = bytes
        .iter()
        .map(|b| match b {
            b if b.is_ascii_alphanumeric() => char::from(*b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect();
    let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let json = serde_json::to_string(secret).unwrap();
    let mut all = vec![
        bytes.to_vec(),
        json.trim_matches('"').as_bytes().to_vec(),
        bytes.iter().rev().copied().collect(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        percent_all.to_lowercase().into_bytes(),
        percent_all.into_bytes(),
        percent.into_bytes(),
        wide,
    ];
    for lead in 0..3 {
        all.push(base64_core(&STANDARD, bytes, lead));
        all.push(base64_core(&URL_SAFE, bytes, lead));
    }
    all
}

/// The characters of base64 that the secret alone decides, where `lead` bytes come before it.
fn base64_core(engine: &base64::engine::GeneralPurpose, secret: &[u8], lead: usize) -> Vec<u8> {
    let mut bytes = vec![0; lead];
    bytes.extend(secret);
    let text = engine.encode(&bytes).into_bytes();
    let from = [0, 2, 3][lead];
    let whole = bytes.len() / 3 * 4;
    text[from..whole].to_vec()
}

#[test]
fn a_secret_is_found_in_every_spelling_and_at_every_place() {
    let secret = "correct-horse~battery.staple_0123";
    let secrets = Secrets::of([secret.to_owned()]);
    assert!(!secrets.are_in(b"correct-horse~battery.staple_012"));
    for lead in 0..7 {
        let text = format!("{}{secret}, and more", "x".repeat(lead));
        let hex: String = text.bytes().map(|b| format!("{b:02x}")).collect();
        let percent: String = text.bytes().map(|b| format!("%{b:02x}")).collect();
        let json = serde_json::json!({ "text": text }).to_string();
        let spelled = [
            STANDARD.encode(&text),
            URL_SAFE.encode(&text),
            hex,
            percent,
            json,
            text,
        ];
        for text in spelled {
            assert!(secrets.are_in(text.as_bytes()), "{lead}: {text}");
        }
    }
}
