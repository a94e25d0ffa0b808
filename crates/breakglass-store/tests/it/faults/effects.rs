//! What the calls of one process did to the files below one directory.

use std::collections::BTreeMap;

use super::calls::Call;

/// What a call does to a file, were it to succeed. Names are relative to the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Gives a name to a new, empty file, or opens the one that has it.
    Open {
        name: String,
        creates: bool,
    },
    Mkdir(String),
    Write {
        name: String,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        name: String,
        length: usize,
    },
    /// fsync or fdatasync, of a file or of a directory.
    Sync(String),
    Rename {
        from: String,
        to: String,
    },
    Unlink(String),
    /// Permissions and owners.
    Attributes(String),
    /// A line on standard output.
    Says,
}

impl Effect {
    /// Whether it writes to the disk what the log consists of.
    pub(crate) fn stores(&self) -> bool {
        match self {
            Self::Open { creates, .. } => *creates,
            Self::Mkdir(_)
            | Self::Write { .. }
            | Self::Truncate { .. }
            | Self::Sync(_)
            | Self::Rename { .. }
            | Self::Unlink(_) => true,
            Self::Attributes(_) | Self::Says => false,
        }
    }
}

/// A call that has an effect, and its place among all calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) place: usize,
    pub(crate) thread: u32,
    pub(crate) call: String,
    pub(crate) effect: Effect,
    /// Whether it returned a success of its own.
    pub(crate) done: bool,
    pub(crate) injected: bool,
}

/// An open file: its name, and where the next plain write goes.
struct Open {
    name: String,
    offset: usize,
}

struct Reader<'d> {
    dir: &'d str,
    open: BTreeMap<i64, Open>,
}

/// The calls that have an effect below `dir`, in order.
pub(crate) fn steps(calls: &[Call], dir: &str) -> Vec<Step> {
    let mut reader = Reader {
        dir,
        open: BTreeMap::new(),
    };
    let mut steps = Vec::new();
    for (place, call) in calls.iter().enumerate() {
        if let Some(effect) = reader.effect(call) {
            steps.push(Step {
                place,
                thread: call.thread,
                call: call.name.clone(),
                effect,
                done: call.returned.is_some_and(|got| got >= 0) && !call.injected,
                injected: call.injected,
            });
        }
    }
    steps
}

impl Reader<'_> {
    fn effect(&mut self, call: &Call) -> Option<Effect> {
        match call.name.as_str() {
            "openat" => self.opens(call),
            "close" => {
                self.open.remove(&call.number(0)?);
                None
            }
            "mkdir" => Some(Effect::Mkdir(self.below(call.path(0)?)?)),
            "pwrite64" | "write" => self.writes(call),
            "ftruncate" => Some(Effect::Truncate {
                name: self.file(call)?,
                length: usize::try_from(call.number(1)?).unwrap(),
            }),
            "fsync" | "fdatasync" => Some(Effect::Sync(self.file(call)?)),
            "rename" => self.renames(call.path(0)?, call.path(1)?),
            "renameat" | "renameat2" => self.renames(call.path(1)?, call.path(3)?),
            "unlink" => Some(Effect::Unlink(self.below(call.path(0)?)?)),
            "unlinkat" => Some(Effect::Unlink(self.below(call.path(1)?)?)),
            "fchmod" | "fchown" => Some(Effect::Attributes(self.file(call)?)),
            _ => None,
        }
    }

    fn opens(&mut self, call: &Call) -> Option<Effect> {
        let name = self.below(call.path(1)?)?;
        if let Some(descriptor) = call.returned.filter(|got| *got >= 0) {
            let open = Open {
                name: name.clone(),
                offset: 0,
            };
            self.open.insert(descriptor, open);
        }
        assert!(!call.has_flag("O_TRUNC") && !call.has_flag("O_APPEND"));
        Some(Effect::Open {
            name,
            creates: call.has_flag("O_CREAT"),
        })
    }

    fn writes(&mut self, call: &Call) -> Option<Effect> {
        let descriptor = call.number(0)?;
        let Some(open) = self.open.get_mut(&descriptor) else {
            return (descriptor == 1).then_some(Effect::Says);
        };
        let bytes = call.bytes(1)?.to_vec();
        let offset = match call.name.as_str() {
            "write" => open.offset,
            _ => usize::try_from(call.number(3)?).unwrap(),
        };
        if call.name == "write" {
            open.offset += usize::try_from(call.returned.unwrap_or(0)).unwrap_or(0);
        }
        Some(Effect::Write {
            name: open.name.clone(),
            offset,
            bytes,
        })
    }

    fn renames(&self, from: String, to: String) -> Option<Effect> {
        Some(Effect::Rename {
            from: self.below(from)?,
            to: self.below(to)?,
        })
    }

    fn file(&self, call: &Call) -> Option<String> {
        Some(self.open.get(&call.number(0)?)?.name.clone())
    }

    /// The name below the directory; empty for the directory itself.
    fn below(&self, path: String) -> Option<String> {
        let rest = path.strip_prefix(self.dir)?;
        match rest.strip_prefix('/') {
            Some(name) => Some(name.to_owned()),
            None => rest.is_empty().then(String::new),
        }
    }
}
