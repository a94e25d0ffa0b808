//! Attacks by name, each of which must fail at the check that is there for it.

use breakglass_format::{
    Digest,
    canonical::CanonicalError,
    statement::{AuthorityRef, Kind, Statement as _},
};
use breakglass_statement::{
    AnswerError, PublicKey, SignatureError, SshSig, SshSigError, StatementError, to_be_signed,
    verify_approval, verify_denial, verify_request,
    wire::{Reader, Writer},
};
use p256::ecdsa::{RecoveryId, VerifyingKey};

use crate::{
    keys::{Assertion, TestKey},
    world::{
        Somebody, World, genesis_of, key_entry, people, person_id, principal, prose,
        root_signatures, signed,
    },
};

/// The same ECDSA signature with the other public key under which it verifies.
pub(crate) fn recovered(armoured: &str, message: &[u8]) -> SshSig {
    let honest = SshSig::from_armoured(armoured).unwrap();
    let bytes = honest.to_bytes();
    let mut reader = Reader::new(&bytes);
    reader.take(10).unwrap();
    for _ in 0..4 {
        reader.string().unwrap();
    }
    let blob = reader.string().unwrap();
    let mut inner = Reader::new(blob);
    inner.string().unwrap();
    let mut numbers = Reader::new(inner.string().unwrap());
    let mut scalar = || {
        let magnitude = numbers.mpint().unwrap();
        let mut out = [0; 32];
        out[32 - magnitude.len()..].copy_from_slice(magnitude);
        out
    };
    let raw = p256::ecdsa::Signature::from_scalars(scalar(), scalar()).unwrap();
    let signed = to_be_signed(honest.namespace(), message);
    let second = [false, true]
        .into_iter()
        .filter_map(|odd| {
            VerifyingKey::recover_from_msg(&signed, &raw, RecoveryId::new(odd, false)).ok()
        })
        .map(|point| {
            let wire = Writer::new()
                .string(b"ecdsa-sha2-nistp256")
                .string(b"nistp256")
                .string(&point.to_sec1_point(false).to_bytes());
            PublicKey::from_wire(&wire.into_bytes()).unwrap()
        })
        .find(|key| key != honest.key())
        .unwrap();
    SshSig::pack_agent_signature(&second, honest.namespace(), blob).unwrap()
}

fn on_file(world: &World) -> Vec<u8> {
    world.request().to_bytes().unwrap()
}

#[test]
fn honest_answers_are_accepted() {
    let world = World::new();
    for by in [&world.bob, &world.carol, &world.erin, &world.pia] {
        let (bytes, armoured) = signed(&world.approval(by), by.key());
        let approval = verify_approval(&bytes, &armoured, &on_file(&world), &world.set).unwrap();
        assert_eq!(*approval.signer(), by.signer());
        assert_eq!(
            approval.presence(),
            by.key().public.key_type().is_security_key()
        );
        assert_eq!(approval.browser(), by.key().is_passkey());
        assert_eq!(approval.bytes(), bytes);
        assert_eq!(approval.armoured(), armoured);
        let (request, signature) = signed(&world.request(), world.alice.key());
        let request = verify_request(&request, &signature, &world.set).unwrap();
        assert_eq!(approval.request_digest(), request.digest());
        let (bytes, armoured) = signed(&world.denial(by), by.key());
        let denial = verify_denial(&bytes, &armoured, &on_file(&world), &world.set).unwrap();
        assert_eq!(denial.request_digest(), request.digest());
    }
}

#[test]
fn the_request_stands_in_its_approval_as_a_substring() {
    let world = World::new();
    let approval = world.approval(&world.bob).to_bytes().unwrap();
    let request = on_file(&world);
    assert!(approval.windows(request.len()).any(|w| w == request));
}

#[test]
fn a_denial_counted_as_an_approval() {
    let world = World::new();
    let (bytes, armoured) = signed(&world.denial(&world.bob), world.bob.key());
    let got = verify_approval(&bytes, &armoured, &on_file(&world), &world.set);
    assert_eq!(
        got.unwrap_err(),
        StatementError::Signature(SignatureError::Namespace {
            expected: Kind::Approval.namespace().to_owned(),
            got: Kind::Denial.namespace().to_owned(),
        })
    );
    // Even where the signer's program was made to sign the denial in the other namespace.
    let armoured = world.bob.key().sign(Kind::Approval.namespace(), &bytes);
    let got = verify_approval(&bytes, &armoured, &on_file(&world), &world.set);
    assert!(matches!(
        got.unwrap_err(),
        StatementError::Text(CanonicalError::Shape(_))
    ));
}

#[test]
fn a_signature_for_another_purpose() {
    let world = World::new();
    let bytes = on_file(&world);
    for kind in Kind::ALL.iter().filter(|k| **k != Kind::Request) {
        let armoured = world.alice.key().sign(kind.namespace(), &bytes);
        let got = verify_request(&bytes, &armoured, &world.set).unwrap_err();
        let wrong = StatementError::Signature(SignatureError::Namespace {
            expected: Kind::Request.namespace().to_owned(),
            got: kind.namespace().to_owned(),
        });
        assert_eq!(got, wrong);
    }
}

#[test]
fn a_token_that_nobody_touched() {
    let world = World::new();
    let bytes = world.approval(&world.erin).to_bytes().unwrap();
    for flags in [0x00, 0x04] {
        let as_ = Assertion {
            flags,
            ..Assertion::default()
        };
        let armoured = world
            .erin
            .key()
            .sign_as(Kind::Approval.namespace(), &bytes, &as_);
        let got = verify_approval(&bytes, &armoured, &on_file(&world), &world.set);
        assert_eq!(
            got.unwrap_err(),
            StatementError::Signature(SignatureError::NotPresent { flags })
        );
    }
}

#[test]
fn one_ecdsa_signature_counted_as_two_peoples() {
    let mut world = World::new();
    let (bytes, armoured) = signed(&world.approval(&world.bob), world.bob.key());
    let forged = recovered(&armoured, &bytes);
    // It is a valid signature under mallory's key, but not bob's …
    let namespace = Kind::Approval.namespace();
    assert!(forged.verify(forged.key(), namespace, &bytes, &[]).is_ok());
    assert!(matches!(
        forged.verify(&world.bob.key().public, namespace, &bytes, &[]),
        Err(SignatureError::Key { .. })
    ));
    // … and even where mallory's key is enrolled, the text names bob's.
    let mut next = crate::world::next_of(&world.set, "2026-01-06T09:00:00.000Z");
    let mut mallory = Somebody::new("mallory", vec![TestKey::ed25519(66)], false).entry();
    mallory.keys[0].public_key = crate::world::line(&forged.key().line());
    mallory.keys[0].fingerprint = forged.key().fingerprint();
    next.people.push(mallory);
    let document = next.to_bytes().unwrap();
    let roots = root_signatures(&document, &[&world.carol, &world.dave]);
    world.set.succeed(&document, &roots).unwrap();
    let got = verify_approval(&bytes, &forged.to_armoured(), &on_file(&world), &world.set);
    assert_eq!(
        got.unwrap_err(),
        StatementError::KeyDiffers {
            named: world.bob.key().fingerprint(),
            signed: forged.key().fingerprint(),
        }
    );
}

#[test]
fn another_persons_key_under_ones_own_name_and_the_other_way_round() {
    let world = World::new();
    let mut approval = world.approval(&world.bob);
    approval.approver.person = person_id("carol");
    approval.approver.principal = principal("carol");
    let (bytes, armoured) = signed(&approval, world.bob.key());
    let got = verify_approval(&bytes, &armoured, &on_file(&world), &world.set);
    assert!(matches!(
        got.unwrap_err(),
        StatementError::ForeignKey { version: 1, .. }
    ));

    approval.approver.person = person_id("bob");
    let (bytes, armoured) = signed(&approval, world.bob.key());
    let got = verify_approval(&bytes, &armoured, &on_file(&world), &world.set);
    assert!(matches!(got.unwrap_err(), StatementError::Principal { .. }));

    approval.approver.person = person_id("nobody");
    let (bytes, armoured) = signed(&approval, world.bob.key());
    let got = verify_approval(&bytes, &armoured, &on_file(&world), &world.set);
    assert!(matches!(
        got.unwrap_err(),
        StatementError::UnknownPerson { .. }
    ));
}

#[test]
fn a_key_that_is_not_listed_for_the_kind() {
    let mut people = people();
    let bytes = {
        let mut document = genesis_of(&people);
        document.people[1].keys = vec![key_entry(people[1].key(), &[Kind::Denial])];
        document.to_bytes().unwrap()
    };
    let mut world = World::new();
    let roots = root_signatures(&bytes, &[&people[2], &people[3], &people[4]]);
    world.set = breakglass_statement::AuthoritySet::genesis(&bytes, &roots, None).unwrap();
    world.bob = people[1].clone();
    people.reverse();
    let (bytes, armoured) = signed(&world.approval(&world.bob), world.bob.key());
    let got = verify_approval(&bytes, &armoured, &on_file(&world), &world.set);
    assert_eq!(
        got.unwrap_err(),
        StatementError::NotListed {
            key: world.bob.key().fingerprint(),
            namespace: Kind::Approval.namespace(),
        }
    );
}

#[test]
fn a_changed_request_inside_an_approval() {
    let world = World::new();
    let mut approval = world.approval(&world.bob);
    approval.request.justification = prose("Something else.");
    let (bytes, armoured) = signed(&approval, world.bob.key());
    let got = verify_approval(&bytes, &armoured, &on_file(&world), &world.set);
    assert!(matches!(
        got.unwrap_err(),
        StatementError::Answer(AnswerError::RequestDiffers { .. })
    ));
}

#[test]
fn other_spellings_of_the_same_statement() {
    let world = World::new();
    let text = String::from_utf8(on_file(&world)).unwrap();
    let cases = [
        text.replacen(':', ": ", 1),
        format!("{text}\n"),
        format!(" {text}"),
        text.replacen("\"drill\":false,", "", 1).replacen(
            "{\"_type\"",
            "{\"drill\":false,\"_type\"",
            1,
        ),
        text.replacen("\"drill\":false", "\"drill\":false,\"drill\":false", 1),
        text.replacen("3600", "3.6e3", 1),
        text.replacen("orders-db-root", "orders\\u002ddb-root", 1),
        text.replacen("\"drill\":false", "\"drill\":false,\"e\":1", 1),
    ];
    for wrong in cases {
        assert_ne!(wrong, text);
        let armoured = world
            .alice
            .key()
            .sign(Kind::Request.namespace(), wrong.as_bytes());
        let got = verify_request(wrong.as_bytes(), &armoured, &world.set);
        assert!(
            matches!(got.unwrap_err(), StatementError::Text(_)),
            "{wrong}"
        );
    }
}

#[test]
fn a_signature_moved_to_another_text() {
    let world = World::new();
    let (_, armoured) = signed(&world.request(), world.alice.key());
    let mut other = world.request();
    other.duration_s = 14_400;
    let got = verify_request(&other.to_bytes().unwrap(), &armoured, &world.set);
    assert_eq!(
        got.unwrap_err(),
        StatementError::Signature(SignatureError::Invalid)
    );
}

#[test]
fn an_authority_that_is_not_known() {
    let world = World::new();
    let known = world.named();
    let wrong = [
        AuthorityRef::default(),
        AuthorityRef {
            version: 2,
            ..known.clone()
        },
        AuthorityRef {
            version: 0,
            ..known.clone()
        },
        AuthorityRef {
            digest: Digest::from_bytes([7; 32]).into(),
            ..known
        },
    ];
    for named in wrong {
        let mut request = world.request();
        request.authority = named;
        let got = world.verify_request(&request);
        assert!(matches!(
            got.unwrap_err(),
            StatementError::UnknownAuthority { .. }
        ));
    }
}

/// An old version stays known, so that old statements verify, but it does not lend its keys to a
/// statement that names the new one.
#[test]
fn an_authority_rolled_back() {
    let mut world = World::new();
    let old = world.named();
    let mut next = crate::world::next_of(&world.set, "2026-01-06T09:00:00.000Z");
    next.people.retain(|p| p.principal != principal("alice"));
    let document = next.to_bytes().unwrap();
    let roots = root_signatures(&document, &[&world.carol, &world.dave]);
    world.set.succeed(&document, &roots).unwrap();
    let got = world.verify_request(&world.request());
    assert!(matches!(
        got.unwrap_err(),
        StatementError::UnknownPerson { version: 2, .. }
    ));
    // Named by digest of one and number of the other it is neither.
    let mut request = world.request();
    request.authority.digest = old.digest;
    assert!(matches!(
        world.verify_request(&request).unwrap_err(),
        StatementError::UnknownAuthority { version: 2, .. }
    ));
    request.authority = old.clone();
    let (bytes, armoured) = signed(&request, world.alice.key());
    let request = verify_request(&bytes, &armoured, &world.set).unwrap();
    assert_eq!(*request.authority(), old);
}

#[test]
fn a_statement_for_another_installation() {
    let world = World::new();
    let mut request = world.request();
    request.instance = Digest::from_bytes([7; 32]);
    let got = world.verify_request(&request).unwrap_err();
    assert!(matches!(got, StatementError::ForeignInstance { .. }));
}

#[test]
fn a_key_of_small_order_in_a_signature() {
    let world = World::new();
    let bytes = on_file(&world);
    let mut point = [0; 32];
    point[0] = 1;
    let key = Writer::new()
        .string(b"ssh-ed25519")
        .string(&point)
        .into_bytes();
    // R = identity and s = 0 satisfy the equation for every text.
    let mut all_fits = [0; 64];
    all_fits[0] = 1;
    let inner = Writer::new()
        .string(b"ssh-ed25519")
        .string(&all_fits)
        .into_bytes();
    let blob = Writer::new()
        .raw(b"SSHSIG")
        .u32(1)
        .string(&key)
        .string(Kind::Request.namespace().as_bytes())
        .string(b"")
        .string(b"sha512")
        .string(&inner)
        .into_bytes();
    let armoured = breakglass_statement::armour::armour(&blob);
    let got = verify_request(&bytes, &armoured, &world.set).unwrap_err();
    let weak = breakglass_statement::KeyError::Weak;
    assert_eq!(got, StatementError::SshSig(SshSigError::Key(weak)));
}

#[test]
fn high_s_is_accepted_because_stock_tools_make_it() {
    let world = World::new();
    let (bytes, armoured) = signed(&world.approval(&world.bob), world.bob.key());
    let blob = breakglass_statement::armour::dearmour(&armoured).unwrap();
    let twin = crate::properties::negated_s(&blob);
    assert_ne!(blob, twin);
    let armoured = breakglass_statement::armour::armour(&twin);
    assert!(verify_approval(&bytes, &armoured, &on_file(&world), &world.set).is_ok());
}

#[test]
fn more_bytes_than_a_statement_may_have() {
    let world = World::new();
    let bytes = vec![b'x'; 8 * 1024 + 1];
    let armoured = world.alice.key().sign(Kind::Request.namespace(), &bytes);
    let got = verify_request(&bytes, &armoured, &world.set).unwrap_err();
    assert_eq!(
        got,
        StatementError::TooLong {
            kind: "request",
            got: 8_193,
            limit: 8_192
        }
    );
}
