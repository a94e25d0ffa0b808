//! The vectors of transparency-dev/merkle (see `testdata/merkle/README.md`).

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use breakglass_tlog::{Hash, verify_consistency, verify_from_empty, verify_inclusion};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    leaf_hash: Option<String>,
    leaf_idx: u64,
    tree_size: u64,
    proof: Option<Vec<String>>,
    root: Option<String>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    size1: u64,
    size2: u64,
    proof: Option<Vec<String>>,
    root1: Option<String>,
    root2: Option<String>,
    want_err: bool,
}

fn cases<T: DeserializeOwned>(json: &str) -> BTreeMap<String, T> {
    let cases: BTreeMap<String, T> = serde_json::from_str(json).unwrap();
    assert_eq!(cases.len(), 98);
    cases
}

/// How the values are read that are not 32 bytes long: some vectors use an empty value or a few
/// letters where the verifier they were written for does not look at the length.
#[derive(Clone, Copy)]
enum Short {
    /// As our types have it: such a value is no hash and reaches no verifier.
    Refused,
    /// Filled up with zeros, so that the rule the vector is about is what decides.
    Padded,
}

impl Short {
    fn hash(self, text: Option<&String>) -> Option<Hash> {
        let mut bytes = STANDARD.decode(text.map_or("", String::as_str)).unwrap();
        match self {
            Self::Refused => {}
            Self::Padded => bytes.resize(Hash::LEN, 0),
        }
        Hash::try_from(bytes.as_slice()).ok()
    }

    fn hashes(self, texts: Option<&Vec<String>>) -> Option<Vec<Hash>> {
        texts
            .into_iter()
            .flatten()
            .map(|text| self.hash(Some(text)))
            .collect()
    }

    fn inclusion(self, case: &Inclusion) -> Option<()> {
        let (leaf, root) = (
            self.hash(case.leaf_hash.as_ref())?,
            self.hash(case.root.as_ref())?,
        );
        let proof = self.hashes(case.proof.as_ref())?;
        verify_inclusion(&leaf, case.leaf_idx, case.tree_size, &proof, &root).ok()
    }

    fn consistency(self, case: &Consistency) -> Option<()> {
        let (old, new) = (
            self.hash(case.root1.as_ref())?,
            self.hash(case.root2.as_ref())?,
        );
        let proof = self.hashes(case.proof.as_ref())?;
        match NonZeroU64::new(case.size1) {
            Some(size) => verify_consistency(size, case.size2, &proof, &old, &new).ok(),
            None => verify_from_empty(case.size2, &proof, &old, &new).ok(),
        }
    }
}

/// The names of the inclusion cases on which our verdict is another one.
fn other_inclusions(short: Short) -> Vec<String> {
    cases::<Inclusion>(include_str!("../../testdata/merkle/inclusion.json"))
        .into_iter()
        .filter(|(_, case)| short.inclusion(case).is_none() != case.want_err)
        .map(|(name, _)| name)
        .collect()
}

/// The names of the consistency cases on which our verdict is another one.
fn other_consistencies(short: Short) -> Vec<String> {
    cases::<Consistency>(include_str!("../../testdata/merkle/consistency.json"))
        .into_iter()
        .filter(|(_, case)| short.consistency(case).is_none() != case.want_err)
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn verdicts_are_those_of_the_vectors() {
    assert!(other_inclusions(Short::Refused).is_empty());
    // Holds there for two equal roots of 12 bytes; no root has 12 bytes here.
    assert_eq!(
        other_consistencies(Short::Refused),
        ["additional/sizes-are-equal-one-and-proof-is-empty"]
    );
}

#[test]
fn verdicts_are_those_of_the_vectors_when_their_short_hashes_are_filled_up() {
    // Fails there because an empty leaf hash and an empty root are equal: filled up, they are an
    // honest leaf in a tree of one, as in `single-entry/matching-root-and-leaf`.
    assert_eq!(
        other_inclusions(Short::Padded),
        ["single-entry/empty-root-and-leaf"]
    );
    // Fails there because size 0 proves nothing. We follow C2SP tlog-witness: the empty tree is a
    // prefix of every tree, its proof is empty and its root is the empty root. The other cases of
    // size 0 break one of these rules and fail here as well.
    assert_eq!(
        other_consistencies(Short::Padded),
        ["additional/size1-is-zero-and-size2-is-not-zero"]
    );
}
