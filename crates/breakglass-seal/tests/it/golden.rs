//! The stored forms are frozen: fixed keys and fixed entropy give the bytes of `testdata/` and of
//! the specification. A change here needs a new version of the form.

use breakglass_seal::{
    Credential, CredentialBuilder, Custodian, CustodianKey, Entropy, EntropyError, FileSlot,
    KeyCost, OneTimeKey, QuorumCredential, QuorumRequest, ReleaseContext, ReleaseEnvelope,
    SealedCredential, ServerKey, ShareRelease, Slot, names, open, open_quorum, open_release, seal,
    seal_quorum, seal_release,
};

const VECTORS: &str = include_str!("../../testdata/sealing-v1.txt");
const SPECIFICATION: &str = include_str!("../../../../docs/spec/sealing.md");

const ACCOUNT: &str = "acc_orders_db";
const VERSION: u64 = 7;
const CONTEXT: ReleaseContext<'_> = ReleaseContext {
    instance: &[0xa1; 32],
    checkout: &[0xc2; 32],
    grant: "grant_1",
    account: ACCOUNT,
    version: VERSION,
};

/// Gives `start`, `start + 1`, …: never to be used outside a test.
struct DangerCounting(u8);

impl Entropy for DangerCounting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

fn vector(name: &str) -> &'static str {
    VECTORS
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .find_map(|(key, value)| (key == name).then_some(value))
        .unwrap_or_else(|| panic!("no vector named {name}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}

fn server_key() -> ServerKey {
    ServerKey::generate(&mut DangerCounting(0x00)).unwrap()
}

fn one_time_key() -> OneTimeKey {
    OneTimeKey::generate(&mut DangerCounting(0x40)).unwrap()
}

fn credential() -> Credential {
    Credential::builder()
        .field(names::USERNAME, "bg_breakglass".to_owned())
        .and_then(|builder| builder.field(names::PASSWORD, "correct-horse-battery".to_owned()))
        .and_then(CredentialBuilder::build)
        .unwrap()
}

#[test]
fn the_server_key_file_and_commitment_are_frozen() {
    let key = server_key();
    let file = FileSlot::format(&key);
    assert_eq!(
        std::str::from_utf8(&file),
        Ok(format!("{}\n", vector("server_key_file")).as_str())
    );
    assert_eq!(
        key.commitment().to_string(),
        vector("server_key_commitment")
    );
    assert_eq!(key.key_id().to_string(), vector("server_key_id"));
}

#[test]
fn the_credential_encoding_is_frozen() {
    assert_eq!(hex(&credential().to_bytes()), vector("credential"));
    assert_eq!(
        Credential::from_bytes(&unhex(vector("credential"))).unwrap(),
        credential()
    );
}

#[test]
fn the_server_envelope_is_frozen() {
    let entropy = &mut DangerCounting(0x20);
    let sealed = seal(&server_key(), ACCOUNT, VERSION, &credential(), entropy).unwrap();
    assert_eq!(sealed.header().to_canonical(), vector("envelope_header"));
    assert_eq!(hex(&sealed.to_bytes()), vector("envelope"));
    assert_eq!(hex(&sealed.digest()), vector("envelope_digest"));
}

/// What lies on disk since the first version opens with the key file of the first version.
#[test]
fn the_stored_server_envelope_opens() {
    let file = vector("server_key_file").as_bytes().to_vec();
    let slot = Slot::File(FileSlot::new(file.into()));
    let key = slot
        .open(&vector("server_key_commitment").parse().unwrap())
        .unwrap();
    let sealed = SealedCredential::parse(&unhex(vector("envelope"))).unwrap();
    assert_eq!(open(&key, &sealed, ACCOUNT, VERSION).unwrap(), credential());
}

#[test]
fn the_release_is_frozen() {
    let key = one_time_key();
    assert_eq!(
        std::str::from_utf8(&key.to_file()),
        Ok(format!("{}\n", vector("one_time_key_file")).as_str())
    );
    assert_eq!(key.public_key().to_string(), vector("one_time_public_key"));
    let entropy = &mut DangerCounting(0x80);
    let envelope = seal_release(&key.public_key(), &CONTEXT, &credential(), entropy).unwrap();
    assert_eq!(hex(&envelope.to_bytes()), vector("release"));
    assert_eq!(hex(&envelope.digest()), vector("release_digest"));
}

#[test]
fn the_stored_release_opens() {
    let key = OneTimeKey::from_file(vector("one_time_key_file").as_bytes()).unwrap();
    let envelope = ReleaseEnvelope::parse(&unhex(vector("release"))).unwrap();
    assert_eq!(
        open_release(&key, &CONTEXT, &envelope).unwrap(),
        credential()
    );
}

const PASSPHRASE: &[u8] = b"seven words that are on no list";

fn custodian_keys() -> [CustodianKey; 3] {
    let key = |start| CustodianKey::generate(&mut DangerCounting(start)).unwrap();
    [0x01, 0x61, 0xc1].map(key)
}

#[test]
fn the_custodian_key_file_is_frozen() {
    let keys = custodian_keys();
    let public = keys.each_ref().map(|key| key.public_key().to_string());
    assert_eq!(public.join(" "), vector("custodian_public_keys"));
    let entropy = &mut DangerCounting(0x60);
    let file = keys[1]
        .to_file(PASSPHRASE, KeyCost::STANDARD, entropy)
        .unwrap();
    assert_eq!(file, format!("{}\n", vector("custodian_key_file")));
    let opened = CustodianKey::from_file(file.as_bytes(), PASSPHRASE).unwrap();
    assert_eq!(opened.public_key(), keys[1].public_key());
}

#[test]
fn the_quorum_envelope_and_a_released_share_are_frozen() {
    let keys = custodian_keys();
    let named = ["alice", "bob", "carol"].into_iter().zip(&keys);
    let custodians = named.map(|(principal, key)| Custodian {
        principal: principal.into(),
        key: key.public_key(),
    });
    let sealed = seal_quorum(
        ([0xa1; 32], [0xb2; 32]),
        (ACCOUNT, VERSION),
        (2, custodians.collect()),
        &credential(),
        &mut DangerCounting(0x20),
    );
    let sealed = sealed.unwrap();
    assert_eq!(sealed.header().to_canonical(), vector("quorum_header"));
    assert_eq!(hex(&sealed.to_bytes()), vector("quorum_envelope"));
    assert_eq!(hex(&sealed.digest()), vector("quorum_digest"));
    let share = sealed.open_share(&keys[1], &sealed.digest()).unwrap();
    let (to, entropy) = (one_time_key().public_key(), &mut DangerCounting(0x80));
    let release = share.release(to, &[0xc2; 32], entropy).unwrap();
    assert_eq!(hex(&release.to_bytes()), vector("share_release"));
    assert_eq!(hex(&release.digest()), vector("share_release_digest"));
}

/// What lies on disk since the first version opens with two key files of the first version.
#[test]
fn the_stored_quorum_envelope_opens() {
    let sealed = QuorumCredential::parse(&unhex(vector("quorum_envelope"))).unwrap();
    let bob = ShareRelease::parse(&unhex(vector("share_release"))).unwrap();
    let key = one_time_key();
    let carol = sealed
        .open_share(&custodian_keys()[2], &sealed.digest())
        .unwrap();
    let carol = carol
        .release(key.public_key(), &[0xc2; 32], &mut DangerCounting(3))
        .unwrap();
    let asked = QuorumRequest {
        digest: [0xc2; 32],
        binding: sealed.digest(),
    };
    let opened = open_quorum(&sealed, &key, &asked, &[carol, bob]).unwrap();
    assert_eq!(opened.credential, credential());
    assert!(opened.bad.is_empty());
}

/// The specification quotes every vector; long values are broken into lines there.
#[test]
fn the_specification_quotes_the_vectors() {
    let quoted: String = SPECIFICATION.split_whitespace().collect();
    for (name, value) in VECTORS.lines().filter_map(|line| line.split_once(" = ")) {
        let value: String = value.split_whitespace().collect();
        assert!(quoted.contains(&format!("{name}={value}")), "{name}");
    }
}
