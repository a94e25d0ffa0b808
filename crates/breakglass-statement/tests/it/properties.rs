//! Whatever comes in is refused or is right; nothing panics.

use breakglass_statement::{
    PublicKey, SshSig, armour, verify_approval, verify_request,
    wire::{Reader, Writer},
};
use proptest::prelude::*;

use crate::world::{World, signed};
use breakglass_format::statement::Statement as _;

/// The same ECDSA signature with n − s for s.
pub(crate) fn negated_s(blob: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(blob);
    let head_len = {
        reader.take(10).unwrap();
        for _ in 0..4 {
            reader.string().unwrap();
        }
        blob.len() - reader.rest().len()
    };
    let inner = reader.string().unwrap();
    let mut inner = Reader::new(inner);
    let name = inner.string().unwrap();
    let mut numbers = Reader::new(inner.string().unwrap());
    let mut scalar = || {
        let magnitude = numbers.mpint().unwrap();
        let mut out = [0; 32];
        out[32 - magnitude.len()..].copy_from_slice(magnitude);
        out
    };
    let signature = p256::ecdsa::Signature::from_scalars(scalar(), scalar()).unwrap();
    let (r, s) = signature.split_scalars();
    let twin = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-s).to_bytes()).unwrap();
    let (r, s) = twin.split_bytes();
    let numbers = Writer::new().mpint(&r).mpint(&s).into_bytes();
    let inner = Writer::new().string(name).string(&numbers).into_bytes();
    Writer::new()
        .raw(&blob[..head_len])
        .string(&inner)
        .into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_byte_of_the_text_is_refused(at in any::<prop::sample::Index>(), with in 1..=255_u8) {
        let world = World::new();
        let (mut bytes, armoured) = signed(&world.request(), world.alice.key());
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        prop_assert!(verify_request(&bytes, &armoured, &world.set).is_err());
    }

    #[test]
    fn a_changed_character_of_the_signature_is_refused(
        at in any::<prop::sample::Index>(),
        with in prop::char::range('\n', '~'),
        who in 0..4_usize,
    ) {
        let world = World::new();
        let by = [&world.bob, &world.carol, &world.erin, &world.pia][who];
        let (bytes, armoured) = signed(&world.approval(by), by.key());
        let mut characters: Vec<char> = armoured.chars().collect();
        let at = at.index(characters.len());
        prop_assume!(characters[at] != with);
        characters[at] = with;
        let changed: String = characters.into_iter().collect();
        let request = world.request().to_bytes().unwrap();
        prop_assert!(verify_approval(&bytes, &changed, &request, &world.set).is_err());
    }

    #[test]
    fn a_changed_bit_of_the_signature_is_refused(
        at in any::<prop::sample::Index>(),
        with in 1..=255_u8,
        who in 0..4_usize,
    ) {
        let world = World::new();
        let by = [&world.bob, &world.carol, &world.erin, &world.pia][who];
        let (bytes, armoured) = signed(&world.approval(by), by.key());
        let mut blob = armour::dearmour(&armoured).unwrap();
        let at = at.index(blob.len());
        blob[at] ^= with;
        let request = world.request().to_bytes().unwrap();
        let changed = armour::armour(&blob);
        prop_assert!(verify_approval(&bytes, &changed, &request, &world.set).is_err());
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), text in ".{0,200}") {
        let _ = SshSig::from_bytes(&bytes);
        let _ = SshSig::from_bytes(&[b"SSHSIG\0\0\0\x01", &bytes[..]].concat());
        let _ = SshSig::from_armoured(&text);
        let _ = SshSig::from_armoured(&armour::armour(&bytes));
        let _ = PublicKey::from_wire(&bytes);
        let _ = PublicKey::from_line(&text);
        let _ = armour::dearmour(&text);
    }

    #[test]
    fn what_is_read_is_written_as_it_was(at in any::<prop::sample::Index>(), with: u8, who in 0..4_usize) {
        let keys = crate::world::people();
        let key = [&keys[0], &keys[1], &keys[4], &keys[5]][who].key();
        let mut blob = armour::dearmour(&key.sign("n", b"m")).unwrap();
        let at = at.index(blob.len());
        blob[at] = with;
        if let Ok(signature) = SshSig::from_bytes(&blob) {
            prop_assert_eq!(signature.to_bytes(), blob);
        }
    }
}
