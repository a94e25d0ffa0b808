//! What a process asked of the kernel, read from the output of `strace -f -xx`.

use std::collections::BTreeMap;

/// One system call of one thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) thread: u32,
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
    /// What it returned; `None` where the thread ended in it.
    pub(crate) returned: Option<i64>,
    /// Whether what it returned was strace's invention.
    pub(crate) injected: bool,
}

/// An argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument {
    Bytes(Vec<u8>),
    /// A number, a name or a set of flags, as strace writes it.
    Word(String),
}

impl Call {
    /// The `place`th argument as a number.
    pub(crate) fn number(&self, place: usize) -> Option<i64> {
        match self.arguments.get(place)? {
            Argument::Word(word) => word.parse().ok(),
            Argument::Bytes(_) => None,
        }
    }

    /// The `place`th argument as bytes.
    pub(crate) fn bytes(&self, place: usize) -> Option<&[u8]> {
        match self.arguments.get(place)? {
            Argument::Bytes(bytes) => Some(bytes),
            Argument::Word(_) => None,
        }
    }

    /// The first argument from `place` on that is bytes, as a path.
    pub(crate) fn path(&self, place: usize) -> Option<String> {
        let bytes = self.bytes(place)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Whether one of the arguments is a set of flags with this one.
    pub(crate) fn has_flag(&self, flag: &str) -> bool {
        self.arguments.iter().any(|argument| match argument {
            Argument::Word(word) => word.split('|').any(|one| one == flag),
            Argument::Bytes(_) => false,
        })
    }
}

/// The calls of all threads, in the order in which they began.
pub(crate) fn parse(trace: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    // Which of the calls a thread is in, and how its line begins.
    let mut begun: BTreeMap<u32, (usize, String)> = BTreeMap::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let (Ok(thread), rest) = (thread.parse(), rest.trim_start()) else {
            continue;
        };
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let end = resumed.split_once(" resumed>").map(|(_, end)| end);
            if let (Some((place, start)), Some(end)) = (begun.remove(&thread), end) {
                calls[place] = call(thread, &format!("{start}{end}"));
            }
        } else if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, (calls.len(), start.to_owned()));
            calls.push(call(thread, &format!("{start}) = ?")));
        } else if !rest.starts_with("+++") && !rest.starts_with("---") {
            calls.push(call(thread, rest));
        }
    }
    calls
}

/// Reads `name(argument, …) = returned …`.
fn call(thread: u32, line: &str) -> Call {
    let (name, rest) = line.split_once('(').unwrap_or((line, ""));
    let (arguments, ending) = rest.rsplit_once(" = ").unwrap_or((rest, "?"));
    let arguments = arguments.trim_end();
    let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
    let returned = ending.split(' ').next().unwrap_or("?");
    Call {
        thread,
        name: name.to_owned(),
        arguments: arguments.split(", ").map(argument).collect(),
        returned: returned.parse().ok(),
        injected: ending.ends_with("(INJECTED)"),
    }
}

fn argument(text: &str) -> Argument {
    let quoted = text.strip_prefix('"').and_then(|text| {
        let text = text.strip_suffix("...").unwrap_or(text);
        text.strip_suffix('"')
    });
    match quoted {
        // `\x2f\x74…`: with -xx nothing else lies between the quotes.
        Some(hex) => Argument::Bytes(
            hex.split("\\x")
                .skip(1)
                .map(|byte| u8::from_str_radix(byte, 16).unwrap())
                .collect(),
        ),
        None => Argument::Word(text.to_owned()),
    }
}

#[test]
fn a_trace_is_read_as_strace_writes_it() {
    let trace = concat!(
        "7  openat(AT_FDCWD, \"\\x2f\\x61\", O_RDWR|O_CREAT, 0600) = 5\n",
        "8  futex(0x7f, FUTEX_WAIT, 1, NULL <unfinished ...>\n",
        "7  pwrite64(5, \"\\x00\\xff\"..., 4096, 24) = -1 EIO (Input/output error) (INJECTED)\n",
        "8  <... futex resumed>) = 0\n",
        "7  fdatasync(5 <unfinished ...>\n",
        "7  +++ killed by SIGKILL +++\n",
    );
    let calls = parse(trace);
    let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["openat", "futex", "pwrite64", "fdatasync"]);
    assert_eq!(calls[0].path(1).as_deref(), Some("/a"));
    assert!(calls[0].has_flag("O_CREAT") && !calls[0].has_flag("O_TRUNC"));
    let returned: Vec<Option<i64>> = calls.iter().map(|call| call.returned).collect();
    assert_eq!(returned, [Some(5), Some(0), Some(-1), None]);
    assert_eq!(calls[2].bytes(1), Some([0, 255].as_slice()));
    assert_eq!(calls[2].number(3), Some(24));
    let injected: Vec<bool> = calls.iter().map(|call| call.injected).collect();
    assert_eq!(injected, [false, false, true, false]);
}
