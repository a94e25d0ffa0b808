//! Ten thousand changed signatures and texts, before our verifier and before stock `ssh-keygen`.
//!
//! They say the same, but for a closed list of cases in which we are stricter
//! (`docs/spec/signatures.md`, *Where we are stricter*). Nothing is accepted that stock tools
//! refuse. Every run is the same; `BREAKGLASS_SEED` tries one case alone.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_format::Line;
use breakglass_statement::{PublicKey, SignatureError, SshSig, SshSigError, wire::WireError};

const DATA: &[u8] = include_bytes!("../../testdata/openssh/signed-data");
const NAMESPACE: &str = include_str!("../../testdata/openssh/namespace");
const CASES: u64 = 10_000;

macro_rules! vector {
    ($name:literal) => {
        (
            include_str!(concat!("../../testdata/openssh/", $name, ".pub")),
            include_str!(concat!("../../testdata/openssh/", $name, ".sig")),
        )
    };
}

/// OpenSSH's own signatures, by one key of each type.
const VECTORS: [(&str, &str); 5] = [
    vector!("ed25519"),
    vector!("ecdsa"),
    vector!("ed25519_sk"),
    vector!("ecdsa_sk"),
    vector!("ecdsa_sk_webauthn"),
];

/// The order of P-256.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// splitmix64: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }
}

/// What both are asked about.
struct Case {
    key: &'static str,
    armoured: String,
    message: Vec<u8>,
    change: &'static str,
}

fn blob(armoured: &str) -> Vec<u8> {
    let inner: String = armoured.lines().filter(|l| !l.starts_with('-')).collect();
    STANDARD.decode(inner).unwrap()
}

fn armour(blob: &[u8]) -> String {
    let text = STANDARD.encode(blob);
    let lines: Vec<&str> = (0..text.len())
        .step_by(70)
        .map(|at| &text[at..text.len().min(at + 70)])
        .collect();
    format!(
        "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
        lines.join("\n")
    )
}

/// Where the strings of a blob have their lengths, as far as they can be told: anything that looks
/// like a length.
fn lengths(blob: &[u8]) -> Vec<usize> {
    let at = |i: usize| u32::from_be_bytes(blob[i..i + 4].try_into().unwrap());
    let all = 0..blob.len().saturating_sub(4);
    all.filter(|i| (1..400).contains(&at(*i)) && blob[*i] == 0)
        .collect()
}

fn case(number: u64) -> Case {
    let mut random = Random(number.wrapping_mul(0x00d1_342f_7a1b_3c5d));
    let (key, armoured) = VECTORS[random.below(VECTORS.len())];
    let mut case = Case {
        key,
        armoured: armoured.to_owned(),
        message: DATA.to_vec(),
        change: "none",
    };
    let mut bytes = blob(armoured);
    case.change = match random.below(12) {
        0 => "none",
        1 => {
            let at = random.below(case.message.len());
            case.message[at] ^= 1 << random.below(8);
            "text"
        }
        2 => return of_armour(case, &mut random),
        3 => {
            bytes.truncate(random.below(bytes.len()));
            "cut"
        }
        4 => {
            let at = random.below(bytes.len());
            bytes.insert(at, u8::try_from(random.below(256)).unwrap());
            "grown"
        }
        5 => {
            let places = lengths(&bytes);
            let at = places[random.below(places.len())] + 3;
            bytes[at] = bytes[at].wrapping_add(if random.below(2) == 0 { 1 } else { 255 });
            "length"
        }
        6 => {
            let (from, to): (&[u8], &[u8]) = match random.below(4) {
                0 => (b"sha512", b"sha256"),
                1 => (b"unittest", b"unittesx"),
                2 => (b"SSHSIG", b"SSHSIH"),
                _ => (b"ssh-ed25519", b"ssh-ed25518"),
            };
            replace(&mut bytes, from, to);
            "word"
        }
        7 => {
            // Flags and counter of a token lie in the last bytes of most.
            let at = bytes.len() - 1 - random.below(6);
            bytes[at] ^= 1 << random.below(8);
            "flags"
        }
        8 => other_half(&mut bytes),
        9 => padded(&mut bytes, &mut random),
        _ => {
            for _ in 0..=random.below(2) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            "bits"
        }
    };
    case.armoured = armour(&bytes);
    case
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    if let Some(at) = bytes.windows(from.len()).position(|w| w == from) {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
}

/// The armour itself: spaces, line ends, text around it.
fn of_armour(mut case: Case, random: &mut Random) -> Case {
    let text = &case.armoured;
    case.armoured = match random.below(9) {
        0 => text.replace('\n', "\r\n"),
        1 => format!("{text}\n"),
        2 => format!("\n{text}"),
        3 => text.trim_end().to_owned(),
        4 => format!("{text}after\n"),
        5 => format!("before\n{text}"),
        6 => text.replacen("-----\n", "-----\n\n", 1),
        7 => {
            let at = text.len() / 2;
            format!("{} {}", &text[..at], &text[at..])
        }
        _ => {
            let inner: String = text.lines().filter(|l| !l.starts_with('-')).collect();
            format!("-----BEGIN SSH SIGNATURE-----\n{inner}\n-----END SSH SIGNATURE-----\n")
        }
    };
    case.change = "armour";
    case
}

/// Where the string that begins at `at` has its content, and where it ends.
fn string(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
    let end = at + 4 + usize::try_from(length).ok()?;
    (end <= bytes.len()).then_some((at + 4, end))
}

/// The places of the lengths of the signature, of its two numbers, and of the second number, of an
/// ECDSA signature.
fn second_number(bytes: &[u8]) -> Option<[usize; 3]> {
    let mut at = 6 + 4;
    for _ in ["key", "namespace", "reserved", "hash"] {
        at = string(bytes, at)?.1;
    }
    let (inner, _) = string(bytes, at)?;
    let (word, end) = string(bytes, inner)?;
    let ecdsa = bytes.get(word..end)?.windows(5).any(|w| w == b"ecdsa");
    let (numbers, _) = string(bytes, end)?;
    let (_, second) = string(bytes, numbers)?;
    ecdsa.then_some([at, end, second])
}

/// n − s in place of s, which verifies as well: an ECDSA signature has two spellings.
fn other_half(bytes: &mut Vec<u8>) -> &'static str {
    let Some([around, numbers, at]) = second_number(bytes) else {
        return "none";
    };
    let length = usize::from(bytes[at + 3]);
    let Some(s) = bytes.get(at + 4..at + 4 + length) else {
        return "none";
    };
    let mut value = [0_u8; 32];
    let digits: Vec<u8> = s.iter().copied().skip_while(|b| *b == 0).collect();
    if digits.len() > 32 {
        return "none";
    }
    value[32 - digits.len()..].copy_from_slice(&digits);
    let mut borrow = 0_i16;
    let mut other = [0_u8; 32];
    for i in (0..32).rev() {
        let difference = i16::from(P256_ORDER[i]) - i16::from(value[i]) - borrow;
        borrow = i16::from(difference < 0);
        other[i] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    let mut digits: Vec<u8> = other.iter().copied().skip_while(|b| *b == 0).collect();
    if digits[0] & 0x80 != 0 {
        digits.insert(0, 0);
    }
    let new = u8::try_from(digits.len()).unwrap();
    let old = u8::try_from(length).unwrap();
    for place in [around, numbers, at] {
        bytes[place + 3] = bytes[place + 3].wrapping_add(new).wrapping_sub(old);
    }
    bytes.splice(at + 4..at + 4 + length, digits);
    "other half"
}

/// A zero more before a number, with every length around it made to fit.
fn padded(bytes: &mut Vec<u8>, random: &mut Random) -> &'static str {
    let Some([_, _, at]) = second_number(bytes) else {
        return "none";
    };
    bytes.insert(at + 4, 0);
    let grown = at + 4;
    for place in lengths(bytes) {
        let length = u32::from_be_bytes(bytes[place..place + 4].try_into().unwrap());
        let end = place + 4 + usize::try_from(length).unwrap();
        if place < grown && end + 1 >= grown && random.below(8) != 0 {
            bytes[place + 3] = bytes[place + 3].wrapping_add(1);
        }
    }
    "padded"
}

/// What we say; where it is no, in a word.
fn ours(case: &Case) -> Result<(), &'static str> {
    let key = PublicKey::from_line(case.key.trim()).unwrap();
    let webauthn = case.key.starts_with("sk-ecdsa") && case.key.contains("webauthn");
    let origin = vec![Line::new("https://www.mindrot.org").unwrap()];
    let signature = SshSig::from_armoured(&case.armoured).map_err(|e| unreadable(&e))?;
    let attempt = |origins: &[Line]| signature.verify(&key, NAMESPACE, &case.message, origins);
    // A key with origins signs in a browser only: the vectors have one of each.
    let said = if webauthn {
        attempt(&origin)
    } else {
        attempt(&[])
    };
    let said = match said {
        Err(SignatureError::Origin { .. }) => attempt(&origin),
        other => other,
    };
    said.map(drop).map_err(|e| unfit(&e))
}

fn unreadable(error: &SshSigError) -> &'static str {
    match error {
        SshSigError::Armour(_) => "armour",
        SshSigError::Wire(WireError::NotMinimal) => "padded number",
        SshSigError::Wire(_) => "wire",
        SshSigError::Key(_) => "key",
        SshSigError::Magic => "magic",
        SshSigError::Version { .. } => "version",
        SshSigError::Reserved { .. } => "reserved",
        SshSigError::Hash { .. } => "hash",
        SshSigError::TypeMismatch { .. } => "type",
        SshSigError::Length { .. } => "length",
        SshSigError::Scalar => "scalar",
        SshSigError::NotCanonical => "not canonical",
    }
}

fn unfit(error: &SignatureError) -> &'static str {
    match error {
        SignatureError::Namespace { .. } => "namespace",
        SignatureError::Key { .. } => "key",
        SignatureError::Invalid => "invalid",
        SignatureError::NotPresent { .. } => "no touch",
        SignatureError::Flags { .. } => "flags",
        SignatureError::ClientData(_) => "client data",
        SignatureError::Origin { .. } => "origin",
        SignatureError::NotInBrowser => "not in browser",
    }
}

/// What stock `ssh-keygen` says.
fn theirs(case: &Case, dir: &Path) -> bool {
    let (allowed, signature) = (dir.join("allowed_signers"), dir.join("sig"));
    std::fs::write(&allowed, format!("somebody {}", case.key)).unwrap();
    std::fs::write(&signature, &case.armoured).unwrap();
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-I", "somebody", "-n", NAMESPACE, "-f"])
        .arg(&allowed)
        .arg("-s")
        .arg(&signature)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // Where it does not read to the end it has said no already.
    let _ = input.write_all(&case.message);
    drop(input);
    child.wait().unwrap().success()
}

/// Cases in which stock tools say yes and we say no, each with its reason in the specification.
const STRICTER: &[&str] = &[
    // One signature has one spelling here: the digest of its file names it in the log.
    "armour",
    "not canonical",
    // Stock tools take any version up to 1, and there was none before it.
    "version",
    // sha256 is allowed by the format; one hash is enough.
    "hash",
    // A number has one spelling: the shortest.
    "padded number",
    // Room for what is to come; who uses it today says something that we cannot read.
    "reserved",
    // A token that nobody touched proves nothing.
    "no touch",
    // Flags that contradict what follows them.
    "flags",
    // Client data that two readers could read in two ways.
    "client data",
    // A page that the key does not sign on.
    "origin",
];

fn agree(from: u64, step: u64) -> BTreeMap<(&'static str, String), u64> {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = BTreeMap::new();
    let mut number = from;
    while number < CASES {
        let case = case(number);
        let (we, they) = (ours(&case), theirs(&case, dir.path()));
        let outcome = match (we, they) {
            (Ok(()), true) => "both yes".to_owned(),
            (Err(_), false) => "both no".to_owned(),
            (Ok(()), false) => panic!(
                "seed {number} ({}): we accept what ssh-keygen refuses\n{}",
                case.change, case.armoured
            ),
            (Err(why), true) => {
                assert!(
                    STRICTER.contains(&why),
                    "seed {number} ({}): we refuse ({why}) what ssh-keygen accepts\n{}",
                    case.change,
                    case.armoured
                );
                format!("stricter: {why}")
            }
        };
        *seen.entry((case.change, outcome)).or_insert(0) += 1;
        number += step;
    }
    seen
}

#[test]
fn we_and_stock_ssh_keygen_agree_on_ten_thousand_changed_signatures() {
    let test = "we_and_stock_ssh_keygen_agree_on_ten_thousand_changed_signatures";
    if crate::stock::keygen(test, &["-?"], None).is_none() {
        return;
    }
    if let Some(seed) = std::env::var("BREAKGLASS_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
    {
        println!("{:?}", agree(seed, CASES));
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cores = u64::try_from(cores).unwrap();
    let mut all: BTreeMap<(&str, String), u64> = BTreeMap::new();
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..cores)
            .map(|n| scope.spawn(move || agree(n, cores)))
            .collect();
        for part in parts {
            for (key, count) in part.join().unwrap() {
                *all.entry(key).or_insert(0) += count;
            }
        }
    });
    let yes: u64 = all
        .iter()
        .filter(|((_, o), _)| o == "both yes")
        .map(|(_, n)| n)
        .sum();
    let no: u64 = all
        .iter()
        .filter(|((_, o), _)| o == "both no")
        .map(|(_, n)| n)
        .sum();
    // Neither of them says the same to everything, and every kind of change was tried.
    assert!(yes > 500 && no > 5_000, "{all:?}");
    for change in [
        "none",
        "text",
        "armour",
        "cut",
        "grown",
        "length",
        "word",
        "flags",
        "other half",
        "padded",
        "bits",
    ] {
        assert!(
            all.keys().any(|(c, _)| *c == change),
            "{change} was never tried"
        );
    }
    let halves = all.get(&("other half", "both yes".to_owned()));
    assert!(
        halves.is_some_and(|n| *n > 0),
        "a high s is good for both: {all:?}"
    );
}
