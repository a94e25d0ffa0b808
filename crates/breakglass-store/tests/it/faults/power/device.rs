//! A block device that forgets what was not flushed when the power goes.
//!
//! What is written lies in its cache, in order, until it is flushed. When the power goes, any
//! sector of it may have reached the disk already, and from then on nothing is read, written or
//! flushed any more.

use crate::fixture::Numbers;

/// What is written whole, in bytes.
const SECTOR: usize = 512;

/// The power is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoPower;

/// What a device does when it is told to flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flushes {
    /// It does.
    Does,
    /// It says so, and writes behind, in order.
    Lies,
}

#[derive(Debug)]
struct Write {
    offset: usize,
    bytes: Vec<u8>,
}

/// The device, and the cache before it.
pub(crate) struct Device {
    durable: Vec<u8>,
    /// As whoever uses it sees it.
    seen: Vec<u8>,
    cached: Vec<Write>,
    flushes: Flushes,
    numbers: Numbers,
    /// How often something was written or flushed.
    operations: usize,
    /// At which of these the power goes.
    end: Option<usize>,
    powered: bool,
}

impl Device {
    /// A device with that on it. The numbers say what is left of it in the end.
    pub(crate) fn new(image: &[u8], flushes: Flushes, numbers: Numbers) -> Self {
        Self {
            durable: image.to_vec(),
            seen: image.to_vec(),
            cached: Vec::new(),
            flushes,
            numbers,
            operations: 0,
            end: None,
            powered: true,
        }
    }

    /// How long it is, in bytes.
    pub(crate) fn length(&self) -> usize {
        self.seen.len()
    }

    /// How often something was written or flushed.
    pub(crate) const fn operations(&self) -> usize {
        self.operations
    }

    /// Whether the power is still there.
    pub(crate) const fn powered(&self) -> bool {
        self.powered
    }

    /// What is on the disk.
    pub(crate) fn durable(&self) -> &[u8] {
        &self.durable
    }

    /// Has the power go when something is written or flushed for the `operations`th time from
    /// now, counted from 0.
    pub(crate) const fn ends_after(&mut self, operations: usize) {
        self.end = Some(self.operations + operations);
    }

    /// Reads as much as there is of that.
    pub(crate) fn read(&self, offset: usize, length: usize) -> Result<&[u8], NoPower> {
        let end = offset.saturating_add(length).min(self.seen.len());
        let bytes = self.seen.get(offset..end).unwrap_or_default();
        self.powered.then_some(bytes).ok_or(NoPower)
    }

    /// Writes into the cache. When the power goes meanwhile, some of it may be on the disk.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), NoPower> {
        if !self.powered {
            return Err(NoPower);
        }
        self.seen[offset..offset + bytes.len()].copy_from_slice(bytes);
        let bytes = bytes.to_vec();
        self.cached.push(Write { offset, bytes });
        self.operation()
    }

    /// Has everything that is in the cache reach the disk, unless the power goes before.
    pub(crate) fn flush(&mut self) -> Result<(), NoPower> {
        self.operation()?;
        if self.flushes == Flushes::Does {
            for write in std::mem::take(&mut self.cached) {
                write.reach(&mut self.durable);
            }
        }
        Ok(())
    }

    fn operation(&mut self) -> Result<(), NoPower> {
        if self.end == Some(self.operations) {
            self.cut();
        }
        self.operations += usize::from(self.powered);
        self.powered.then_some(()).ok_or(NoPower)
    }

    /// The power goes, if it has not.
    pub(crate) fn cut(&mut self) {
        if !self.powered {
            return;
        }
        self.powered = false;
        let cached = std::mem::take(&mut self.cached);
        if self.flushes == Flushes::Lies {
            let reached = self.numbers.below(cached.len() + 1);
            for write in &cached[..reached] {
                write.reach(&mut self.durable);
            }
            return;
        }
        let kept = [0, 10, 50, 90, 100][self.numbers.below(5)];
        for write in cached {
            for sector in write.sectors() {
                if self.numbers.below(100) < kept {
                    sector.reach(&mut self.durable);
                }
            }
        }
    }
}

impl Write {
    fn reach(&self, disk: &mut [u8]) {
        disk[self.offset..self.offset + self.bytes.len()].copy_from_slice(&self.bytes);
    }

    /// Itself by the sector. File systems write whole ones.
    fn sectors(&self) -> impl Iterator<Item = Self> {
        assert_eq!((self.offset % SECTOR, self.bytes.len() % SECTOR), (0, 0));
        let each = self.bytes.chunks(SECTOR).enumerate();
        each.map(|(place, bytes)| Self {
            offset: self.offset + place * SECTOR,
            bytes: bytes.to_vec(),
        })
    }
}

#[test]
fn without_power_what_was_flushed_is_there_and_nothing_can_be_done() {
    let mut device = Device::new(&[0; 8 * SECTOR], Flushes::Does, Numbers(1));
    device.ends_after(3);
    assert_eq!(device.write(SECTOR, &[1; SECTOR]), Ok(()));
    assert_eq!(device.flush(), Ok(()));
    assert_eq!(device.write(2 * SECTOR, &[2; SECTOR]), Ok(()));
    assert_eq!(device.read(2 * SECTOR, 1), Ok(&[2][..]));
    assert_eq!(device.flush(), Err(NoPower));
    assert!(!device.powered());
    assert_eq!(device.operations(), 3);
    assert_eq!(device.read(0, 1), Err(NoPower));
    assert_eq!(device.write(0, &[3; SECTOR]), Err(NoPower));
    let [flushed, cached] = [1, 2].map(|place| device.durable()[place * SECTOR]);
    assert_eq!(flushed, 1);
    assert!([0, 2].contains(&cached), "{cached}");
    assert_eq!(device.durable()[0], 0);
}

#[test]
fn of_what_was_not_flushed_any_sectors_are_there_without_power() {
    let left = (0..64).map(|seed| {
        let mut device = Device::new(&[0; 4 * SECTOR], Flushes::Does, Numbers(seed));
        device.write(0, &[1; 4 * SECTOR]).unwrap();
        device.cut();
        let sectors = device.durable().chunks(SECTOR);
        sectors.map(|sector| sector[0]).collect::<Vec<_>>()
    });
    let left: std::collections::BTreeSet<_> = left.collect();
    assert!(left.contains(&vec![0; 4]) && left.contains(&vec![1; 4]));
    assert!(left.len() > 8, "{left:?}");
}

#[test]
fn a_device_that_lies_forgets_what_was_flushed() {
    let forgotten = (0..64).filter(|seed| {
        let mut device = Device::new(&[0; SECTOR], Flushes::Lies, Numbers(*seed));
        device.write(0, &[1; SECTOR]).unwrap();
        device.flush().unwrap();
        device.cut();
        device.durable()[0] == 0
    });
    assert!((16..48).contains(&forgotten.count()));
}
