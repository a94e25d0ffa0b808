//! What sealing and opening a credential takes that two of five custodians can release.
//!
//! `cargo xtask bench custody` runs it; what was measured is in `docs/benches.md`. Nothing here
//! fails when it is slow.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark is a test: what does not work ends it"
)]

use std::hint::black_box;

use breakglass_seal::{
    Credential, CredentialBuilder, Custodian, CustodianKey, Entropy, EntropyError, OneTimeKey,
    QuorumCredential, QuorumRequest, ShareRelease, names, open_quorum, seal_quorum,
};
use criterion::{Criterion, criterion_group, criterion_main};

/// What nobody may rely on: this is not about where randomness comes from.
struct DangerXorshift(u64);

impl Entropy for DangerXorshift {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for byte in out {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            *byte = self.0.to_le_bytes()[0];
        }
        Ok(())
    }
}

fn credential() -> Credential {
    Credential::builder()
        .field(names::USERNAME, "bg_orders".to_owned())
        .and_then(|built| built.field(names::PASSWORD, "correct-horse-battery".to_owned()))
        .and_then(CredentialBuilder::build)
        .unwrap()
}

fn sealed(keys: &[CustodianKey], entropy: &mut DangerXorshift) -> QuorumCredential {
    let named = (1..).zip(keys).map(|(n, key): (u8, _)| Custodian {
        principal: format!("custodian-{n}").into(),
        key: key.public_key(),
    });
    let whose = ([1; 32], [2; 32]);
    let custodians = (2, named.collect());
    seal_quorum(
        whose,
        ("acc_orders_db", 7),
        custodians,
        &credential(),
        entropy,
    )
    .unwrap()
}

fn quorum(c: &mut Criterion) {
    let entropy = &mut DangerXorshift(0x2545_f491_4f6c_dd1d);
    let key = |_| CustodianKey::generate(&mut *entropy).unwrap();
    let keys: Vec<CustodianKey> = (0..5).map(key).collect();
    let requester = OneTimeKey::generate(entropy).unwrap();
    let at_rest = sealed(&keys, entropy);
    let asked = QuorumRequest {
        digest: [3; 32],
        binding: at_rest.digest(),
    };
    let mut release = |key: &CustodianKey| -> ShareRelease {
        let share = at_rest.open_share(key, &asked.binding).unwrap();
        let to = requester.public_key();
        share.release(to, &asked.digest, entropy).unwrap()
    };
    let released: Vec<ShareRelease> = keys.iter().take(2).map(&mut release).collect();
    c.bench_function("open 2 of 5, the requester's part", |b| {
        b.iter(|| open_quorum(black_box(&at_rest), &requester, &asked, &released).unwrap());
    });
    let mut one = keys.iter().cycle();
    c.bench_function("open and release a share, a custodian's part", |b| {
        b.iter(|| release(one.next().unwrap()));
    });
    c.bench_function("seal 2 of 5", |b| {
        b.iter(|| sealed(black_box(&keys), entropy))
    });
}

criterion_group!(benches, quorum);
criterion_main!(benches);
