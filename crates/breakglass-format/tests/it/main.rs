//! The stored forms against golden files, against their specification and against arbitrary input.

#[cfg(test)]
mod canonical_vectors;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod procedure;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod specification;
#[cfg(test)]
mod story;
#[cfg(test)]
mod subjects;
#[cfg(test)]
mod timeline;
