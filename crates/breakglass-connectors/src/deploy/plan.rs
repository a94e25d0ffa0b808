//! What an operation would do, and the hash by which people agree to it.

use breakglass_format::{
    Digest, Line,
    canonical::{self, CanonicalError},
    limits,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::Operation;
use crate::record::clean;

/// How much an operation touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlastRadius {
    /// How many.
    pub count: u32,
    /// Of what: `hosts`, `pods`, `devices`.
    pub unit: Line,
}

/// The parts of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanParts {
    /// What is asked for. Hashed.
    pub operation: Operation,
    /// What it would touch; a set. Hashed.
    pub targets: Vec<Line>,
    /// How much that is. Hashed.
    pub blast_radius: BlastRadius,
    /// The operation that would undo it, where there is one. Hashed.
    pub inverse: Option<Operation>,
    /// How the targets look now. An observation: evidence, not hashed.
    pub before: String,
    /// What would be different, for people. Not hashed.
    pub diff: String,
    /// What the plane warns of. Not hashed.
    pub warnings: Vec<Line>,
    /// One line for people. Not hashed.
    pub summary: Line,
}

/// A plan, in its one written form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    parts: PlanParts,
    document: Vec<u8>,
    hash: Digest,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// It cannot be written, or bytes are none.
    #[error("plan: {0}")]
    Canonical(#[from] CanonicalError),
    /// It would not fit into a blob.
    #[error("plan has {got} bytes, more than {limit}")]
    TooLong {
        /// Bytes it has.
        got: usize,
        /// Bytes it may have.
        limit: usize,
    },
    /// It touches nothing.
    #[error("plan names no target")]
    NoTarget,
}

/// What is hashed. No time, no observation: the same operation on the same targets, planned again
/// later, has the same hash.
#[derive(Serialize)]
struct Hashed<'a> {
    blast_radius: &'a BlastRadius,
    inverse: &'a [Operation],
    operation: &'a Operation,
    targets: &'a [Line],
}

/// The written form. `inverse` is a list of none or one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    before: String,
    blast_radius: BlastRadius,
    diff: String,
    inverse: Vec<Operation>,
    operation: Operation,
    summary: Line,
    targets: Vec<Line>,
    warnings: Vec<Line>,
}

impl Plan {
    /// Writes and hashes a plan. Targets are sorted and named once; characters that canonical text
    /// cannot hold become `·` in the observations.
    ///
    /// # Errors
    ///
    /// It has no target, or more bytes than a blob.
    pub fn new(mut parts: PlanParts) -> Result<Self, PlanError> {
        parts.targets.sort();
        parts.targets.dedup();
        if parts.targets.is_empty() {
            return Err(PlanError::NoTarget);
        }
        parts.before = clean(&parts.before);
        parts.diff = clean(&parts.diff);
        let document = canonical::to_bytes(&Document::from(parts.clone()))?;
        if document.len() > limits::BLOB_BYTES_MAX {
            return Err(PlanError::TooLong {
                got: document.len(),
                limit: limits::BLOB_BYTES_MAX,
            });
        }
        let hashed = canonical::to_bytes(&Hashed {
            blast_radius: &parts.blast_radius,
            inverse: parts.inverse.as_slice(),
            operation: &parts.operation,
            targets: &parts.targets,
        })?;
        let hash = Digest::from_bytes(Sha256::digest(&hashed).into());
        Ok(Self {
            parts,
            document,
            hash,
        })
    }

    /// Reads the written form.
    ///
    /// # Errors
    ///
    /// The bytes are not the document of a plan.
    pub fn from_document(bytes: &[u8]) -> Result<Self, PlanError> {
        let document: Document = canonical::from_bytes(bytes, limits::BLOB_BYTES_MAX)?;
        Self::new(document.into())
    }

    /// Its parts.
    #[must_use]
    pub const fn parts(&self) -> &PlanParts {
        &self.parts
    }

    /// One line for people.
    #[must_use]
    pub const fn summary(&self) -> &Line {
        &self.parts.summary
    }

    /// Its written form, canonical JSON: a blob.
    #[must_use]
    pub fn document(&self) -> &[u8] {
        &self.document
    }

    /// SHA-256 over operation, targets, blast radius and inverse.
    #[must_use]
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    /// The hashed parts in which a newer plan differs from this one; none: the same hash.
    #[must_use]
    pub fn differences(&self, newer: &Self) -> Vec<&'static str> {
        let (old, new) = (&self.parts, &newer.parts);
        [
            ("operation", old.operation != new.operation),
            ("targets", old.targets != new.targets),
            ("blast radius", old.blast_radius != new.blast_radius),
            ("inverse", old.inverse != new.inverse),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

impl From<PlanParts> for Document {
    fn from(parts: PlanParts) -> Self {
        Self {
            before: parts.before,
            blast_radius: parts.blast_radius,
            diff: parts.diff,
            inverse: parts.inverse.into_iter().collect(),
            operation: parts.operation,
            summary: parts.summary,
            targets: parts.targets,
            warnings: parts.warnings,
        }
    }
}

impl From<Document> for PlanParts {
    fn from(document: Document) -> Self {
        Self {
            before: document.before,
            blast_radius: document.blast_radius,
            diff: document.diff,
            inverse: document.inverse.into_iter().next(),
            operation: document.operation,
            summary: document.summary,
            targets: document.targets,
            warnings: document.warnings,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::new(text).unwrap()
    }

    pub(crate) fn operation(artifact: &str) -> Operation {
        Operation {
            action: "rollback".parse().unwrap(),
            artifact: line(artifact),
            target: line("payments"),
        }
    }

    pub(crate) fn parts() -> PlanParts {
        PlanParts {
            operation: operation("v41"),
            targets: vec![line("host-b"), line("host-a"), line("host-b")],
            blast_radius: BlastRadius {
                count: 2,
                unit: line("hosts"),
            },
            inverse: Some(operation("v42")),
            before: "v42 since\t10:00".to_owned(),
            diff: "-v42\n+v41\n".to_owned(),
            warnings: vec![line("no canary")],
            summary: line("roll payments back"),
        }
    }

    #[test]
    fn the_hash_is_over_what_people_agree_to() {
        let plan = Plan::new(parts()).unwrap();
        let expected = br#"{"blast_radius":{"count":2,"unit":"hosts"},"inverse":[{"action":"rollback","artifact":"v42","target":"payments"}],"operation":{"action":"rollback","artifact":"v41","target":"payments"},"targets":["host-a","host-b"]}"#;
        assert_eq!(
            plan.hash().as_bytes(),
            &<[u8; 32]>::from(Sha256::digest(expected))
        );
    }

    #[test]
    fn observations_do_not_touch_the_hash_and_every_other_part_does() {
        let plan = Plan::new(parts()).unwrap();
        let seen_later = Plan::new(PlanParts {
            before: "v42 since 9:00".to_owned(),
            diff: String::new(),
            warnings: Vec::new(),
            summary: line("other words"),
            ..parts()
        });
        let seen_later = seen_later.unwrap();
        assert_eq!(plan.hash(), seen_later.hash());
        assert_ne!(plan.document(), seen_later.document());
        assert!(plan.differences(&seen_later).is_empty());

        let mut other_radius = parts();
        other_radius.blast_radius.count = 3;
        for (part, name) in [
            (
                PlanParts {
                    operation: operation("v40"),
                    ..parts()
                },
                "operation",
            ),
            (
                PlanParts {
                    targets: vec![line("host-a")],
                    ..parts()
                },
                "targets",
            ),
            (
                PlanParts {
                    inverse: None,
                    ..parts()
                },
                "inverse",
            ),
            (other_radius, "blast radius"),
        ] {
            let other = Plan::new(part).unwrap();
            assert_ne!(plan.hash(), other.hash(), "{name}");
            assert_eq!(plan.differences(&other), [name]);
        }
    }

    #[test]
    fn a_document_is_read_back_as_the_same_plan() {
        for parts in [
            parts(),
            PlanParts {
                inverse: None,
                ..parts()
            },
        ] {
            let plan = Plan::new(parts).unwrap();
            assert_eq!(Plan::from_document(plan.document()).unwrap(), plan);
        }
        assert!(Plan::from_document(b"{}").is_err());
    }

    #[test]
    fn a_plan_fits_into_a_blob_and_names_a_target() {
        let long = PlanParts {
            diff: "x".repeat(limits::BLOB_BYTES_MAX),
            ..parts()
        };
        assert!(matches!(Plan::new(long), Err(PlanError::TooLong { .. })));
        let empty = PlanParts {
            targets: Vec::new(),
            ..parts()
        };
        assert_eq!(Plan::new(empty), Err(PlanError::NoTarget));
    }
}
