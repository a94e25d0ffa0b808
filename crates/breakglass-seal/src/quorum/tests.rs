use proptest::prelude::*;

use super::*;
use crate::{
    Credential, CustodianKey, Entropy, FormError, KemPublicKey, OneTimeKey,
    danger::{Counting, Failing},
    hex, names,
};

const PASSWORD: &str = "correct-horse-battery-staple";
const REQUEST: [u8; 32] = [0xc2; 32];
const WHOSE: ([u8; 32], [u8; 32]) = ([0xa1; 32], [0xb2; 32]);

fn credential() -> Credential {
    Credential::builder()
        .field(names::USERNAME, "bg_orders".to_owned())
        .and_then(|built| built.field(names::PASSWORD, PASSWORD.to_owned()))
        .and_then(crate::CredentialBuilder::build)
        .unwrap()
}

/// Entropy that is different for each seed, and long.
struct Stream(u64);

impl Entropy for Stream {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), crate::EntropyError> {
        for chunk in out.chunks_mut(32) {
            let block = Sha256::digest(self.0.to_be_bytes());
            self.0 = self.0.wrapping_add(1);
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

/// Custodians with their keys, a requester, and what was sealed.
struct House {
    keys: Vec<CustodianKey>,
    requester: OneTimeKey,
    sealed: QuorumCredential,
}

fn custodian_keys(n: u8) -> Vec<CustodianKey> {
    let key = |n: u8| CustodianKey::generate(&mut Counting::from(n.wrapping_mul(37))).unwrap();
    (1..=n).map(key).collect()
}

fn named(keys: &[CustodianKey]) -> Vec<Custodian> {
    let name = |(n, key): (u8, &CustodianKey)| Custodian {
        principal: format!("custodian-{n:02}").into(),
        key: key.public_key(),
    };
    (1..).zip(keys).map(name).collect()
}

fn house(k: u8, n: u8) -> House {
    let keys = custodian_keys(n);
    let of = (k, named(&keys));
    let what = ("acc_orders_db", 7);
    let mut entropy = Stream(u64::from(k) * 100 + u64::from(n));
    House {
        sealed: seal_quorum(WHOSE, what, of, &credential(), &mut entropy).unwrap(),
        requester: OneTimeKey::generate(&mut Counting::from(200)).unwrap(),
        keys,
    }
}

impl House {
    fn release(&self, number: u8) -> ShareRelease {
        self.release_to(number, self.requester.public_key(), &REQUEST)
    }

    fn release_to(&self, number: u8, to: KemPublicKey, request: &[u8; 32]) -> ShareRelease {
        let share = self.share(number);
        let mut entropy = Stream(u64::from(number) << 32);
        share.release(to, request, &mut entropy).unwrap()
    }

    fn share(&self, number: u8) -> OwnShare {
        let key = &self.keys[usize::from(number) - 1];
        self.sealed.open_share(key, &self.sealed.digest()).unwrap()
    }

    fn open(&self, released: &[ShareRelease]) -> Result<QuorumOpened, QuorumOpenError> {
        open_quorum(&self.sealed, &self.requester, &self.asked(), released)
    }

    fn asked(&self) -> QuorumRequest {
        QuorumRequest {
            digest: REQUEST,
            binding: self.sealed.digest(),
        }
    }
}

#[track_caller]
fn opens(opened: &Result<QuorumOpened, QuorumOpenError>) -> &[BadShare] {
    let opened = opened.as_ref().unwrap();
    assert_eq!(*opened.credential.to_bytes(), *credential().to_bytes());
    &opened.bad
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_k_shares_open_and_fewer_do_not(
        (k, n, numbers) in (2..=15_u8)
            .prop_flat_map(|k| (Just(k), k + 1..=16))
            .prop_flat_map(|(k, n)| {
                let all: Vec<u8> = (1..=n).collect();
                let some = proptest::sample::subsequence(all, usize::from(k)).prop_shuffle();
                (Just(k), Just(n), some)
            }),
    ) {
        let house = house(k, n);
        let released: Vec<ShareRelease> = numbers.iter().map(|n| house.release(*n)).collect();
        opens(&house.open(&released));
        let fewer = house.open(&released[1..]);
        let (have, need) = (released.len() - 1, k);
        prop_assert_eq!(fewer.unwrap_err(), QuorumOpenError::TooFew { have, need, bad: vec![] });
        // Nor with one of them twice.
        let twice = [&released[1..], &released[1..2]].concat();
        prop_assert!(house.open(&twice).is_err());
    }
}

#[test]
fn every_subset_of_five_opens_if_it_has_two() {
    let house = house(2, 5);
    let all: Vec<ShareRelease> = (1..=5).map(|n| house.release(n)).collect();
    for subset in 0..32_u8 {
        let some = all
            .iter()
            .zip(0..)
            .filter(|(_, bit)| subset >> bit & 1 == 1);
        let some: Vec<ShareRelease> = some.map(|(share, _)| share.clone()).collect();
        let opened = house.open(&some);
        if subset.count_ones() >= 2 {
            assert!(opens(&opened).is_empty());
        } else {
            assert!(matches!(opened, Err(QuorumOpenError::TooFew { .. })));
        }
    }
}

#[test]
fn whoever_releases_a_bad_share_is_named_and_the_others_open() {
    let house = house(3, 5);
    let other = OneTimeKey::generate(&mut Counting::from(99)).unwrap();
    let mut forged = house.share(4);
    forged.share.value[31] ^= 1;
    let mut salted = house.share(4);
    salted.share.salt[0] ^= 1;
    let mut renamed = house.share(5);
    renamed.share.number = 4;
    let to = house.requester.public_key();
    let lie = |share: &OwnShare| share.release(to, &REQUEST, &mut Stream(5)).unwrap();
    let cases = [
        (lie(&forged), ShareFault::NotDealt),
        (lie(&salted), ShareFault::NotDealt),
        (lie(&renamed), ShareFault::NotDealt),
        (
            house.release_to(4, other.public_key(), &REQUEST),
            ShareFault::NotAuthentic,
        ),
        (
            house.release_to(4, to, &[0xc3; 32]),
            ShareFault::NotAuthentic,
        ),
    ];
    for (release, fault) in cases {
        let good = [house.release(1), house.release(2), house.release(3)];
        let with = [std::slice::from_ref(&release), &good[..]].concat();
        let custodian = Some("custodian-04".into());
        let expected = [BadShare {
            number: 4,
            custodian,
            fault,
        }];
        assert_eq!(opens(&house.open(&with)), expected);
        let without = house.open(&with[..3]).unwrap_err();
        let (have, need, bad) = (2, 3, expected.to_vec());
        assert_eq!(without, QuorumOpenError::TooFew { have, need, bad });
        // Whoever it names as its own is not kept from releasing a good one.
        let then = [&[release], &good[..2], &[house.release(4)]].concat();
        assert_eq!(opens(&house.open(&then)).len(), 1);
    }
}

#[test]
fn a_share_of_another_envelope_counts_for_nothing() {
    let house = house(2, 3);
    // The same custodians, account and version, sealed once more.
    let again = seal_quorum(
        WHOSE,
        ("acc_orders_db", 7),
        (2, named(&house.keys)),
        &credential(),
        &mut Stream(77),
    );
    let again = House {
        keys: custodian_keys(3),
        requester: OneTimeKey::generate(&mut Counting::from(200)).unwrap(),
        sealed: again.unwrap(),
    };
    let mixed = [house.release(1), again.release(2)];
    let bad = opens_not(&house.open(&mixed));
    assert_eq!(bad[0].fault, ShareFault::NotAuthentic);
    assert_ne!(house.sealed.digest(), again.sealed.digest());
}

#[track_caller]
fn opens_not(opened: &Result<QuorumOpened, QuorumOpenError>) -> Vec<BadShare> {
    match opened {
        Err(QuorumOpenError::TooFew { bad, .. }) => bad.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_altered_bit_of_a_released_share_is_found_and_whose_it_is() {
    let house = house(2, 3);
    let (good, bytes) = (house.release(1), house.release(2).to_bytes());
    for place in 0..bytes.len() * 8 {
        let mut other = bytes.clone();
        other[place / 8] ^= 1 << (place % 8);
        // What is no release any more names nobody; it came in somebody's signed approval.
        let Ok(release) = ShareRelease::parse(&other) else {
            assert!(place < 11 * 8, "{place}");
            continue;
        };
        let bad = opens_not(&house.open(&[good.clone(), release]));
        assert_eq!(bad.len(), 1, "{place}");
        let number = other[11];
        let named = bad[0].custodian.as_deref();
        let held = usize::from(number)
            .checked_sub(1)
            .and_then(|n| named_of(&house, n));
        assert_eq!((bad[0].number, named), (number, held.as_deref()), "{place}");
    }
}

fn named_of(house: &House, place: usize) -> Option<String> {
    let custodians = house.sealed.header().custodians();
    custodians.get(place).map(|c| c.principal.to_string())
}

#[test]
fn every_altered_bit_of_an_envelope_is_found_and_is_nobodys_who_sealed_or_released() {
    let house = house(2, 3);
    let (bytes, asked) = (house.sealed.to_bytes(), house.asked());
    let releases = [1, 3].map(|n| house.release(n));
    let mut read = 0;
    for place in 0..bytes.len() * 8 {
        let mut other = bytes.clone();
        other[place / 8] ^= 1 << (place % 8);
        let Ok(sealed) = QuorumCredential::parse(&other) else {
            continue;
        };
        read += 1;
        let opened = open_quorum(&sealed, &house.requester, &asked, &releases);
        assert!(matches!(opened, Err(QuorumOpenError::Other(_))), "{place}");
        for key in &house.keys {
            let opened = sealed.open_share(key, &asked.binding);
            assert!(matches!(opened, Err(OwnShareError::Other(_))), "{place}");
        }
    }
    assert!(read > 4_000, "{read}");
}

#[test]
fn whatever_of_an_envelope_is_altered_nothing_else_comes_out_of_it() {
    // A requester's client that was told another digest, which nobody signed.
    let house = house(2, 3);
    let bytes = house.sealed.to_bytes();
    let releases = [1, 3].map(|n| house.release(n));
    for place in 0..bytes.len() * 8 {
        let mut other = bytes.clone();
        other[place / 8] ^= 1 << (place % 8);
        let Ok(sealed) = QuorumCredential::parse(&other) else {
            continue;
        };
        let binding = sealed.digest();
        let digest = REQUEST;
        let asked = QuorumRequest { digest, binding };
        if let Ok(opened) = open_quorum(&sealed, &house.requester, &asked, &releases) {
            assert_eq!(*opened.credential.to_bytes(), *credential().to_bytes());
            // Only a share at rest is another one, and its custodian notices.
            let mut keys = house.keys.iter();
            assert!(
                keys.any(|key| sealed.open_share(key, &binding).is_err()),
                "{place}"
            );
        }
    }
}

#[test]
fn a_sealer_that_deals_shares_of_something_else_is_found_out() {
    let House {
        keys,
        requester,
        mut sealed,
    } = house(2, 3);
    // It commits to another key than the one that the shares give.
    sealed.commitment[0] ^= 1;
    let id = sealed.id();
    let shares: Vec<Share> = (1..=3_u8)
        .map(|number| Share {
            number,
            value: shamir::Value::new([number; 32]),
            salt: [0; 16],
        })
        .collect();
    for (share, number) in shares.iter().zip(0..) {
        sealed.shares[number].commitment = share.commitment(&id);
    }
    for (share, number) in shares.iter().zip(0_usize..) {
        let aad = sealed.share_context(share.number);
        let mut buffer = share.to_bytes();
        let to = keys[number].public_key();
        let to = to.as_bytes();
        let made = crate::hpke_base::seal(to, AT_REST, &aad, &mut *buffer, &mut Stream(4));
        let made = made.unwrap();
        sealed.shares[number].enc = made.enc;
        sealed.shares[number].ciphertext = *buffer;
        sealed.shares[number].tag = made.tag;
    }
    let house = House {
        keys,
        requester,
        sealed,
    };
    let opened = house.open(&[house.release(1), house.release(2)]);
    assert_eq!(opened.unwrap_err(), QuorumOpenError::Inconsistent);
}

#[test]
fn what_is_written_is_what_is_read_and_nothing_else_is() {
    let house = house(3, 16);
    let bytes = house.sealed.to_bytes();
    assert_eq!(QuorumCredential::parse(&bytes), Ok(house.sealed.clone()));
    for length in 0..bytes.len() {
        assert!(
            QuorumCredential::parse(&bytes[..length]).is_err(),
            "{length}"
        );
    }
    assert!(QuorumCredential::parse(&[&bytes[..], &[0]].concat()).is_err());
    let release = house.release(9);
    assert_eq!(
        ShareRelease::from_base64(&release.to_base64()),
        Ok(release.clone())
    );
    let bytes = release.to_bytes();
    for length in 0..bytes.len() {
        assert!(ShareRelease::parse(&bytes[..length]).is_err());
    }
    assert!(ShareRelease::parse(&[&bytes[..], &[0]].concat()).is_err());
    assert_eq!(
        ShareRelease::from_base64("?"),
        Err(ShareReleaseParseError::Form(FormError::Encoding {
            what: "a released share"
        }))
    );
}

#[test]
fn a_header_has_one_rendering() {
    let house = house(2, 3);
    let text = house.sealed.header().to_canonical();
    let read = QuorumHeader::parse_canonical(text.as_bytes()).unwrap();
    assert_eq!(&read, house.sealed.header());
    for (from, to) in [
        ("\"threshold\":2", "\"threshold\":02"),
        ("\"threshold\":2", "\"threshold\":+2"),
        ("\"version\":7", "\"version\": 7"),
        ("},{", "}{"),
        ("}],", "},],"),
        ("}]", "}] "),
        ("{\"account\"", " {\"account\""),
        ("\"version\":7}", "\"version\":7} "),
        ("custodian-02", "custodian-01"),
        ("custodian-01", "custodian-04"),
        ("\"threshold\":2", "\"threshold\":1"),
        ("\"threshold\":2", "\"threshold\":3"),
        ("sha256:a1", "sha256:A1"),
        (QUORUM_ALGORITHM, "ROT13"),
    ] {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text, "{from}");
        assert!(
            QuorumHeader::parse_canonical(other.as_bytes()).is_err(),
            "{to}"
        );
    }
}

#[test]
fn custodians_are_different_people_with_different_keys_and_one_may_be_away() {
    let keys = custodian_keys(17);
    let all = named(&keys);
    let made = |k: u8, custodians: &[Custodian]| {
        let of = (k, custodians.to_vec());
        QuorumHeader::new(WHOSE, ("acc", 1), of, [0; 16]).map(|_| ())
    };
    assert_eq!(made(2, &all[..3]), Ok(()));
    assert_eq!(made(15, &all[..16]), Ok(()));
    for (k, n) in [(0, 3), (1, 3), (2, 2), (3, 2), (2, 0), (2, 17), (255, 16)] {
        let refused = made(k, &all[..n]).unwrap_err();
        assert!(
            matches!(refused, QuorumHeaderError::Threshold { .. }),
            "{k} of {n}"
        );
    }
    let mut same_key = all[..3].to_vec();
    same_key[2].key = same_key[0].key;
    assert!(matches!(
        made(2, &same_key),
        Err(QuorumHeaderError::SameKey { .. })
    ));
    let mut order = all[..3].to_vec();
    order.swap(1, 2);
    assert!(matches!(
        made(2, &order),
        Err(QuorumHeaderError::Order { .. })
    ));
    for name in ["", "a\"b", "a b", "ä"] {
        let mut other = all[..3].to_vec();
        other[0].principal = name.into();
        assert_eq!(
            made(2, &other),
            Err(QuorumHeaderError::Principal),
            "{name:?}"
        );
    }
}

#[test]
fn without_entropy_nothing_is_sealed_or_released() {
    let keys = custodian_keys(3);
    // The nonce, the key, one coefficient, three salts, three ephemeral keys.
    let enough = 16 + 32 + 32 + 3 * 16 + 3 * 32;
    for (after, works) in [(0, false), (enough - 1, false), (enough, true)] {
        let of = (2, named(&keys));
        let mut entropy = Failing::after(after);
        let made = seal_quorum(WHOSE, ("acc", 1), of, &credential(), &mut entropy);
        assert_eq!(made.is_ok(), works, "{after}");
    }
    let house = house(2, 3);
    let (share, to) = (house.share(1), house.requester.public_key());
    assert!(
        share
            .release(to, &REQUEST, &mut Failing::after(31))
            .is_err()
    );
}

#[test]
fn whoever_is_no_custodian_has_nothing_to_open() {
    let house = house(2, 3);
    let other = CustodianKey::generate(&mut Counting::from(250)).unwrap();
    let refused = house
        .sealed
        .open_share(&other, &house.sealed.digest())
        .unwrap_err();
    assert!(
        matches!(refused, OwnShareError::NotMine { .. }),
        "{refused}"
    );
}

#[test]
fn debug_shows_no_share() {
    let house = house(2, 3);
    let shown = format!(
        "{:?} {:?} {:?}",
        house.sealed,
        house.share(1),
        house.release(1)
    );
    assert!(!shown.contains(PASSWORD));
    let value = &house.share(1).share.value;
    assert!(!shown.contains(&hex::format(&value[..8])), "{shown}");
    assert!(shown.contains("OwnShare(1)"), "{shown}");
}
