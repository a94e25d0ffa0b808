//! The armour of an SSH signature, in the one spelling that `ssh-keygen -Y sign` writes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_format::limits;
use thiserror::Error;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "-----END SSH SIGNATURE-----\n";
/// Characters on a full line.
const COLUMNS: usize = 70;

/// Why a text is not an armoured signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ArmourError {
    /// More bytes than a signature may have.
    #[error("signature has {got} bytes, more than the limit of {limit}")]
    TooLong {
        /// Bytes there are.
        got: usize,
        /// Bytes there may be.
        limit: usize,
    },
    /// The first or the last line is missing.
    #[error("signature does not stand between its begin and end lines")]
    NoFrame,
    /// What stands between them is not base64.
    #[error("signature is not base64")]
    NotBase64,
    /// It can be read, but ssh-keygen would have written it otherwise.
    #[error("signature is not armoured as ssh-keygen writes it")]
    NotCanonical,
}

/// Puts a signature into its armour.
#[must_use]
pub fn armour(blob: &[u8]) -> String {
    let base64 = STANDARD.encode(blob);
    let mut out = String::from(BEGIN);
    for (i, c) in base64.chars().enumerate() {
        if i > 0 && i % COLUMNS == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out.push('\n');
    out.push_str(END);
    out
}

/// Takes a signature out of its armour. A signature has exactly one armoured form, so its digest
/// names it.
pub fn dearmour(text: &str) -> Result<Vec<u8>, ArmourError> {
    if text.len() > limits::SIGNATURE_BYTES_MAX {
        return Err(ArmourError::TooLong {
            got: text.len(),
            limit: limits::SIGNATURE_BYTES_MAX,
        });
    }
    let lines = text.strip_prefix(BEGIN).and_then(|t| t.strip_suffix(END));
    let base64: String = lines
        .ok_or(ArmourError::NoFrame)?
        .chars()
        .filter(|c| *c != '\n')
        .collect();
    let blob = STANDARD
        .decode(base64)
        .map_err(|_| ArmourError::NotBase64)?;
    if armour(&blob) == text {
        Ok(blob)
    } else {
        Err(ArmourError::NotCanonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_survives_the_round_trip() {
        for length in 0..300 {
            let blob = vec![0xa5; length];
            let text = armour(&blob);
            assert!(text.lines().all(|l| l.len() <= COLUMNS), "{length}");
            assert_eq!(dearmour(&text), Ok(blob), "{length}");
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        let text = armour(&[7; 100]);
        let cases = [
            (text.replace('\n', "\r\n"), ArmourError::NoFrame),
            (text.trim_end().to_owned(), ArmourError::NoFrame),
            (format!("{text}\n"), ArmourError::NoFrame),
            (format!(" {text}"), ArmourError::NoFrame),
            (
                text.replacen("BwcH", "Bwc\nH", 1),
                ArmourError::NotCanonical,
            ),
            (text.replacen("BwcH", "Bwc H", 1), ArmourError::NotBase64),
            (text.replacen("==", "", 1), ArmourError::NotBase64),
            (
                armour(&[0; limits::SIGNATURE_BYTES_MAX]),
                ArmourError::TooLong {
                    got: 11_139,
                    limit: limits::SIGNATURE_BYTES_MAX,
                },
            ),
        ];
        for (wrong, error) in cases {
            let start: String = wrong.chars().take(60).collect();
            assert_eq!(dearmour(&wrong), Err(error), "{start}");
        }
    }
}
