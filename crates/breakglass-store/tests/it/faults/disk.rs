//! A disk that forgets what was not synced when the power goes.
//!
//! What a process wrote lies in the cache of its system, in order, until the file is synced; a
//! name that was made, moved or removed lies there until its directory is. When the power goes,
//! any of it may have reached the disk already, in any order, and of a write any of its sectors.
//!
//! Not modelled: a sector half of whose bits are new, a disk that says it has synced and has not
//! (what then is lost is what `a_disk_that_lies_loses_entries` shows), permissions, and memory
//! mappings, of which the ledger has none.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::effects::Effect;
use crate::fixture::Numbers;

/// A change of a file that is not on the disk yet.
#[derive(Debug, Clone)]
enum Pending {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Debug, Clone, Default)]
struct File {
    durable: Vec<u8>,
    pending: Vec<Pending>,
    /// How long it is as the process sees it.
    length: usize,
}

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Dir,
    /// Its place among all files.
    File(usize),
}

/// A change of names that is not on the disk yet: all of it happens, or nothing.
#[derive(Debug, Clone)]
struct Named(Vec<(String, Option<Node>)>);

/// The disk, and the cache before it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    durable: BTreeMap<String, Node>,
    /// As the process sees them.
    names: BTreeMap<String, Node>,
    pending: Vec<Named>,
}

/// How the power goes.
#[derive(Debug, Clone, Copy)]
struct Weather {
    /// What is written whole, in bytes.
    sector: usize,
    /// Of a hundred sectors, changes of length and changes of names: how many reached the disk.
    kept: usize,
    /// Whether changes of names reach the disk in their order, as a journal has them.
    ordered: bool,
}

impl Disk {
    /// A disk with everything below a directory on it.
    pub(crate) fn of(dir: &Path) -> Self {
        let mut disk = Self::default();
        disk.load(dir, "");
        disk.names = disk.durable.clone();
        disk
    }

    fn load(&mut self, dir: &Path, within: &str) {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{within}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                self.durable.insert(name.clone(), Node::Dir);
                self.load(&entry.path(), &format!("{name}/"));
            } else {
                let durable = fs::read(entry.path()).unwrap();
                self.durable.insert(name, Node::File(self.files.len()));
                self.files.push(File {
                    length: durable.len(),
                    pending: Vec::new(),
                    durable,
                });
            }
        }
    }

    /// Does what a process did.
    pub(crate) fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Open { name, creates } => {
                if *creates && !self.names.contains_key(name) {
                    let file = Node::File(self.files.len());
                    self.files.push(File::default());
                    self.name(vec![(name.clone(), Some(file))]);
                }
            }
            Effect::Mkdir(name) => self.name(vec![(name.clone(), Some(Node::Dir))]),
            Effect::Write {
                name,
                offset,
                bytes,
            } => {
                let file = self.file(name);
                file.length = file.length.max(offset + bytes.len());
                let (offset, bytes) = (*offset, bytes.clone());
                file.pending.push(Pending::Write { offset, bytes });
            }
            Effect::Truncate { name, length } => {
                let file = self.file(name);
                file.length = *length;
                file.pending.push(Pending::Length(*length));
            }
            Effect::Sync(name) => self.sync(name),
            Effect::Rename { from, to } => {
                let node = self.names[from];
                self.name(vec![(from.clone(), None), (to.clone(), Some(node))]);
            }
            Effect::Unlink(name) => self.name(vec![(name.clone(), None)]),
            Effect::Attributes(_) | Effect::Says => {}
        }
    }

    fn file(&mut self, name: &str) -> &mut File {
        match self.names[name] {
            Node::File(place) => &mut self.files[place],
            Node::Dir => panic!("{name} is a directory"),
        }
    }

    fn name(&mut self, change: Vec<(String, Option<Node>)>) {
        let change = Named(change);
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    fn sync(&mut self, name: &str) {
        if let Some(Node::File(place)) = self.names.get(name) {
            let file = &mut self.files[*place];
            file.durable = file.surviving(|_| true);
            file.pending.clear();
            return;
        }
        let within = |change: &Named| change.0.iter().all(|(one, _)| parent(one) == name);
        let (synced, left) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(within);
        self.pending = left;
        let synced: Vec<Named> = synced;
        for change in synced {
            change.apply(&mut self.durable);
        }
    }

    /// The power goes: writes what is left on the disk below a directory.
    pub(crate) fn cut(&self, numbers: &mut Numbers, dir: &Path) {
        let weather = Weather {
            sector: [512, 4096][numbers.below(2)],
            kept: [0, 10, 50, 90, 100][numbers.below(5)],
            ordered: numbers.below(2) == 0,
        };
        let names = self.names_left(numbers, weather);
        for (name, node) in &names {
            let orphan = !parent(name).is_empty() && names.get(parent(name)) != Some(&Node::Dir);
            let path = dir.join(name);
            match node {
                _ if orphan => {}
                Node::Dir => {
                    fs::create_dir(&path).unwrap();
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
                }
                Node::File(place) => {
                    let bytes = self.files[*place].left(numbers, weather);
                    fs::write(&path, bytes).unwrap();
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
                }
            }
        }
    }

    fn names_left(&self, numbers: &mut Numbers, weather: Weather) -> BTreeMap<String, Node> {
        let mut names = self.durable.clone();
        for change in &self.pending {
            if numbers.below(100) < weather.kept {
                change.apply(&mut names);
            } else if weather.ordered {
                break;
            }
        }
        names
    }
}

impl Named {
    fn apply(&self, names: &mut BTreeMap<String, Node>) {
        for (name, node) in &self.0 {
            match node {
                Some(node) => names.insert(name.clone(), *node),
                None => names.remove(name),
            };
        }
    }
}

impl File {
    /// The file with those of the pending changes, each a sector or a length, that survive.
    fn surviving(&self, mut survives: impl FnMut(usize) -> bool) -> Vec<u8> {
        self.surviving_by(usize::MAX, &mut survives)
    }

    fn surviving_by(&self, sector: usize, survives: &mut impl FnMut(usize) -> bool) -> Vec<u8> {
        let mut left = self.durable.clone();
        for change in &self.pending {
            match change {
                Pending::Length(length) => {
                    if survives(*length) {
                        left.resize(*length, 0);
                    }
                }
                Pending::Write { offset, bytes } => {
                    let mut at = 0;
                    while at < bytes.len() {
                        let to_next = sector - (offset + at) % sector;
                        let end = at.saturating_add(to_next).min(bytes.len());
                        if survives(offset + at) {
                            let (from, to) = (offset + at, offset + end);
                            left.resize(left.len().max(to), 0);
                            left[from..to].copy_from_slice(&bytes[at..end]);
                        }
                        at = end;
                    }
                }
            }
        }
        left
    }

    /// What is left of it when the power goes.
    fn left(&self, numbers: &mut Numbers, weather: Weather) -> Vec<u8> {
        let mut left =
            self.surviving_by(weather.sector, &mut |_| numbers.below(100) < weather.kept);
        // The length is on the disk, and what was to be there is not.
        if left.len() < self.length && numbers.below(2) == 0 {
            left.resize(self.length, 0);
        }
        left
    }
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(parent, _)| parent)
}
