//! The files of a folder by their SHA-256, as entries name what lies beside the log.

use std::{borrow::Cow, io::Read, sync::OnceLock};

use breakglass_format::Digest;
use sha2::{Digest as _, Sha256};

use crate::{
    FolderError,
    check::log::Place,
    layout::{Blobs, SIEM, TIMELINE},
    parallel::{Ahead, in_order},
    record,
    watch::{Counter, Step, Watch},
};

/// Bytes that are read at a time.
pub(crate) const PIECE: usize = 64 * 1024;
/// Most bytes of files that are hashed at a time.
const AHEAD_BYTES: u64 = 32 << 20;
/// Files that a thread hashes at a time.
const BATCH: usize = 64;

/// Files by digest. Those of the log and what follows from it are hashed only when something is
/// asked for that is not among the others.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    place: Place<'a>,
    /// The digest of each file beside the log, by its place in the listing.
    digests: Vec<Digest>,
    /// The places of those files, by digest.
    beside: Vec<u32>,
    others: OnceLock<Vec<(Digest, u32)>>,
}

impl<'a> Table<'a> {
    /// Hashes what lies beside the log.
    pub(crate) fn of(place: Place<'a>, watch: &Watch<'_>) -> Result<Self, FolderError> {
        let count = place.listing.len();
        let numbers = 0..u32::try_from(count).unwrap_or(u32::MAX);
        let mut beside: Vec<u32> = numbers
            .filter(|number| !is_of_log(place.listing.path(index(*number))))
            .collect();
        let mut digests = vec![Digest::from_bytes([0; 32]); count];
        let counter = Counter::begin(watch, Step::Beside, beside.len());
        hashed(place, &beside, |number, digest| {
            if let Some(slot) = digests.get_mut(index(number)) {
                *slot = digest;
            }
            counter.add(1);
        })?;
        let of = |number: &u32| digests.get(index(*number)).copied();
        beside.sort_unstable_by_key(of);
        Ok(Self {
            place,
            digests,
            beside,
            others: OnceLock::new(),
        })
    }

    pub(crate) const fn place(&self) -> Place<'a> {
        self.place
    }

    /// The digest of a file beside the log.
    pub(crate) fn digest_at(&self, number: usize) -> Option<Digest> {
        self.digests.get(number).copied()
    }

    /// A file beside the log that has this digest, whatever its name is.
    fn beside(&self, digest: &Digest) -> Option<u32> {
        let of = |number: &u32| self.digests.get(index(*number)).copied();
        let found = self.beside.binary_search_by_key(&Some(*digest), of).ok()?;
        self.beside.get(found).copied()
    }

    /// A file that has this digest, whatever its name is.
    fn find(&self, digest: &Digest) -> Result<Option<u32>, FolderError> {
        if let Some(found) = self.beside(digest) {
            return Ok(Some(found));
        }
        let others = self.others()?;
        let found = others.binary_search_by_key(digest, |(digest, _)| *digest);
        let found = found.ok().and_then(|found| others.get(found));
        Ok(found.map(|(_, number)| *number))
    }

    /// The files of the log and what follows from it, by digest.
    fn others(&self) -> Result<&[(Digest, u32)], FolderError> {
        if let Some(others) = self.others.get() {
            return Ok(others);
        }
        let numbers = 0..u32::try_from(self.place.listing.len()).unwrap_or(u32::MAX);
        let of_log = |number: &u32| is_of_log(self.place.listing.path(index(*number)));
        let numbers: Vec<u32> = numbers.filter(of_log).collect();
        let mut others = Vec::with_capacity(numbers.len());
        hashed(self.place, &numbers, |number, digest| {
            others.push((digest, number));
        })?;
        others.sort_unstable();
        Ok(self.others.get_or_init(|| others))
    }

    /// Whether there is something with this digest.
    pub(crate) fn has(&self, digest: &Digest) -> Result<bool, FolderError> {
        Ok(self.find(digest)?.is_some())
    }

    /// Whether something beside the log has this digest.
    pub(crate) fn has_beside(&self, digest: &Digest) -> bool {
        self.beside(digest).is_some()
    }

    /// A file beside the log that has this digest, whatever its name is.
    pub(crate) fn path_beside(&self, digest: &Digest) -> Option<&str> {
        let number = self.beside(digest)?;
        Some(self.place.listing.path(index(number)))
    }

    /// The bytes with this digest, where they lie beside the log.
    pub(crate) fn blob_beside(
        &self,
        digest: &Digest,
    ) -> Result<Option<Cow<'a, [u8]>>, FolderError> {
        let found = self.beside(digest);
        found.map(|number| self.read(number, digest)).transpose()
    }

    fn read(&self, number: u32, digest: &Digest) -> Result<Cow<'a, [u8]>, FolderError> {
        let path = self.place.listing.path(index(number));
        let bytes = self.place.files.whole(path)?;
        if crate::digest(&bytes) == *digest {
            return Ok(bytes);
        }
        let path = path.to_owned();
        Err(FolderError::Changed { path })
    }
}

impl Blobs for Table<'_> {
    type Error = FolderError;

    fn blob(&self, digest: &Digest) -> Result<Option<Cow<'_, [u8]>>, FolderError> {
        let found = self.find(digest)?;
        found.map(|number| self.read(number, digest)).transpose()
    }
}

/// Long files that follow from the entries are as those of the log: no entry names one, unless
/// somebody forged it.
fn is_of_log(path: &str) -> bool {
    path.starts_with(record::LOG) || [SIEM, TIMELINE].contains(&path)
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Hashes files on all cores.
fn hashed(
    place: Place<'_>,
    numbers: &[u32],
    mut take: impl FnMut(u32, Digest),
) -> Result<(), FolderError> {
    let batches: Vec<&[u32]> = numbers.chunks(BATCH).collect();
    let length = |number: &u32| place.listing.length(index(*number));
    let ahead = Ahead {
        weigh: |batch: &&[u32]| batch.iter().map(length).fold(0, u64::saturating_add),
        most: AHEAD_BYTES,
    };
    let work = |_: usize, batch: &&[u32]| {
        let mut piece = vec![0; PIECE];
        let paths = batch.iter().map(|n| (*n, place.listing.path(index(*n))));
        let each = paths.map(|(number, path)| {
            let file = place.files.open(path)?;
            Ok((number, of_file(file, path, &mut piece)?))
        });
        each.collect::<Result<Vec<(u32, Digest)>, FolderError>>()
    };
    in_order(&batches, ahead, work, |batch| {
        batch?
            .into_iter()
            .for_each(|(number, digest)| take(number, digest));
        Ok(())
    })
}

/// The digest of a file, which is read piece by piece.
pub(crate) fn of_file(
    mut file: impl Read,
    path: &str,
    piece: &mut [u8],
) -> Result<Digest, FolderError> {
    let mut hasher = Sha256::new();
    loop {
        let read = match file.read(piece) {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(FolderError::of(path, error)),
        };
        match piece.get(..read) {
            None | Some([]) => return Ok(Digest::from_bytes(hasher.finalize().into())),
            Some(read) => hasher.update(read),
        }
    }
}
