//! The bodies of calls and answers.

use breakglass_api::wire::{
    Accepted, AuthorityChain, AuthoritySubmission, Proven, RequestTerms, Signed, Status, Submission,
};
use serde_json::from_slice;

use crate::{Parser, corpus::files};

/// Bodies are read as what they are, and as anything else.
pub(crate) const CALL: Parser = Parser {
    name: "call",
    holds: |bytes| {
        let _ = from_slice::<Signed>(bytes);
        let _ = from_slice::<AuthoritySubmission>(bytes);
        let _ = from_slice::<Accepted>(bytes);
        let _ = from_slice::<Proven>(bytes);
        let _ = from_slice::<Status>(bytes);
        let _ = from_slice::<AuthorityChain>(bytes);
        let _ = from_slice::<RequestTerms>(bytes);
        if let Ok(submission) = from_slice::<Submission>(bytes) {
            let again = serde_json::to_vec(&submission).unwrap();
            assert_eq!(from_slice::<Submission>(&again).unwrap(), submission);
        }
    },
    corpus: || {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let statements = files("breakglass-statement/testdata/v1", "json");
        let signatures = files("breakglass-statement/testdata/v1", "sig");
        let pairs = statements.into_iter().zip(signatures);
        let bodies = pairs.map(|(statement, signature)| {
            serde_json::json!({"statement": text(statement), "signature": text(signature)})
        });
        bodies.map(|body| body.to_string().into_bytes()).collect()
    },
};
