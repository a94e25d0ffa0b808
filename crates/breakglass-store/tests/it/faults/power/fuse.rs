//! A file system of one file, which is a [`Device`]: what the kernel asks over `/dev/fuse`, and
//! what it is answered.
//!
//! The file is the root of its file system, so nothing is ever looked up. Requests and answers are
//! those of `linux/fuse.h`, in the byte order of the machine; what we do not know of we say so, and
//! the kernel does without.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use super::device::{Device, NoPower};
use super::mounted::Mounted;

/// The version of the protocol that we speak.
const VERSION: [u32; 2] = [7, 31];
/// The most that is written at once, in bytes: what the kernel asks for by itself.
const MAX_WRITE: usize = 128 * 1024;
/// `FUSE_BIG_WRITES`: more than a page at once.
const BIG_WRITES: u32 = 1 << 5;
/// For how long the kernel need not ask for the length again, in seconds.
const VALID: u64 = 86_400;
/// A regular file, for its owner.
const MODE: u32 = 0o100_600;

const EIO: i32 = 5;
const ENOENT: i32 = 2;
const ENOSYS: i32 = 38;

/// Before every request: length, what is asked, its number, and who asks.
const HEADER: usize = 40;
/// Before what is to be written: where, how much, and what is of no interest here.
const WRITE_HEADER: usize = 40;

/// The file, and the thread that answers for it.
pub(crate) struct Served {
    device: Arc<Mutex<Device>>,
    path: PathBuf,
    mounted: Mounted,
    thread: JoinHandle<()>,
}

impl Served {
    /// Makes the device the contents of a new file.
    pub(crate) fn new(path: &Path, device: Device) -> Self {
        File::create_new(path).unwrap();
        let mut options = OpenOptions::new();
        let fuse = options.read(true).write(true).open("/dev/fuse").unwrap();
        // It has the file descriptor as its standard input, and hands it to the kernel.
        let mut mount = Command::new("mount");
        mount
            .args(["-i", "-t", "fuse", "-o"])
            .arg("fd=0,rootmode=100000,user_id=0,group_id=0,max_read=131072")
            .arg("power")
            .stdin(Stdio::from(fuse.try_clone().unwrap()));
        let mounted = Mounted::by(mount, path);
        let device = Arc::new(Mutex::new(device));
        let served = Arc::clone(&device);
        Self {
            device,
            path: path.to_owned(),
            mounted,
            // When it ends, however it ends, the file is closed and whoever waits is told.
            thread: std::thread::spawn(move || serve(fuse, &served)),
        }
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The device. Whoever has it keeps it from answering.
    pub(crate) fn device(&self) -> MutexGuard<'_, Device> {
        self.device.lock().unwrap()
    }

    /// Takes the file away, which nobody may use any more, and gives the device.
    pub(crate) fn end(self) -> Device {
        drop(self.mounted);
        self.thread.join().unwrap();
        let device = Arc::into_inner(self.device).unwrap();
        device.into_inner().unwrap()
    }
}

/// Answers until the file is taken away.
fn serve(mut fuse: File, device: &Mutex<Device>) {
    let mut request = vec![0; HEADER + WRITE_HEADER + MAX_WRITE];
    loop {
        let length = match fuse.read(&mut request) {
            Ok(length) => length,
            // Whoever asked was interrupted before we have read it, or we were.
            Err(error) if error.raw_os_error() == Some(ENOENT) => continue,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let request = Request(&request[..length]);
        let answer = request.answer(&mut device.lock().unwrap());
        if let Some(answer) = answer {
            // Whoever asked may be interrupted meanwhile; then there is nobody to be told.
            drop(fuse.write_all(&request.message(answer)));
        }
    }
}

/// What is asked.
struct Request<'a>(&'a [u8]);

impl Request<'_> {
    fn u32_at(&self, offset: usize) -> u32 {
        u32::from_ne_bytes(self.0[offset..offset + 4].try_into().unwrap())
    }

    fn u64_at(&self, offset: usize) -> u64 {
        u64::from_ne_bytes(self.0[offset..offset + 8].try_into().unwrap())
    }

    /// Offset and length of what is to be read or written.
    fn extent(&self) -> [usize; 2] {
        let offset = usize::try_from(self.u64_at(HEADER + 8)).unwrap();
        [offset, self.u32_at(HEADER + 16) as usize]
    }

    /// What is answered, or the number of an error; nothing to what wants no answer.
    fn answer(&self, device: &mut Device) -> Option<Result<Vec<u8>, i32>> {
        let no_power = |NoPower| EIO;
        let answer = match self.u32_at(4) {
            // FORGET, INTERRUPT, BATCH_FORGET
            2 | 36 | 42 => return None,
            // GETATTR
            3 => Ok(attributes(device.length())),
            // OPEN: no handle, no flags.
            14 => Ok(vec![0; 16]),
            // READ
            15 => {
                let [offset, length] = self.extent();
                let read = device.read(offset, length);
                read.map(<[u8]>::to_vec).map_err(no_power)
            }
            // WRITE
            16 => {
                let [offset, length] = self.extent();
                let start = HEADER + WRITE_HEADER;
                let written = device.write(offset, &self.0[start..start + length]);
                let length = self.u32_at(HEADER + 16);
                written.map(|()| words(&[length], 8)).map_err(no_power)
            }
            // RELEASE, FLUSH (which is for closing), DESTROY
            18 | 25 | 38 => Ok(Vec::new()),
            // FSYNC
            20 => device.flush().map(|()| Vec::new()).map_err(no_power),
            // INIT
            26 => Ok(greeting()),
            _ => Err(ENOSYS),
        };
        Some(answer)
    }

    /// The answer with what goes before it: length, error, and the number of the request.
    fn message(&self, answer: Result<Vec<u8>, i32>) -> Vec<u8> {
        let (error, body) = match answer {
            Ok(body) => (0, body),
            Err(error) => (-error, Vec::new()),
        };
        let length = u32::try_from(16 + body.len()).unwrap();
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(error.to_ne_bytes());
        message.extend(self.u64_at(8).to_ne_bytes());
        message.extend(body);
        message
    }
}

/// `fuse_init_out`: what we speak and can do.
fn greeting() -> Vec<u8> {
    let max_write = u32::try_from(MAX_WRITE).unwrap();
    let [major, minor] = VERSION;
    // Nothing is read ahead, and how much goes on in the background is left to the kernel.
    words(&[major, minor, 0, BIG_WRITES, 0, max_write, 1], 64)
}

/// `fuse_attr_out`: a regular file of that length, which is as old as time.
fn attributes(length: usize) -> Vec<u8> {
    let length = length as u64;
    let mut attributes = VALID.to_ne_bytes().to_vec();
    attributes.extend([0; 8]);
    for number in [1, length, length / 512, 0, 0, 0] {
        attributes.extend(u64::to_ne_bytes(number));
    }
    // Fractions of seconds, mode, one name, owner, group, device, block, flags.
    attributes.extend(words(&[0, 0, 0, MODE, 1, 0, 0, 0, 4096, 0], 40));
    attributes
}

/// Words, and zeros up to that many bytes.
fn words(words: &[u32], bytes: usize) -> Vec<u8> {
    let mut all: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    all.resize(bytes, 0);
    all
}
