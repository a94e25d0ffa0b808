//! The log against published vectors, against the recursive definitions of RFC 6962, against its
//! own tiles at the sizes where their shape changes, and against changed and arbitrary bytes.

#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod foreign_witness;
#[cfg(test)]
mod merkle_vectors;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod recursive;
#[cfg(test)]
mod tiles;
