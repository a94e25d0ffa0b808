use super::*;

const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE";

fn ed25519_wire(point: &[u8]) -> Vec<u8> {
    Writer::new()
        .string(b"ssh-ed25519")
        .string(point)
        .into_bytes()
}

#[test]
fn a_line_is_read_with_and_without_comment() {
    let key = PublicKey::from_line(&format!("{ED25519} alice at home\n")).unwrap();
    assert_eq!(key.line(), ED25519);
    assert_eq!(key.key_type(), KeyType::Ed25519);
    assert_eq!(PublicKey::from_line(&key.line()), Ok(key));
}

#[test]
fn a_line_begins_with_its_type_and_has_one_space() {
    let (name, base64) = ED25519.split_once(' ').unwrap();
    for odd in [
        format!(" {ED25519}"),
        format!("\u{c}{ED25519}"),
        format!("{name}  {base64}"),
        format!("{name}\t{base64}"),
        format!("{name} {base64}\u{c}comment"),
    ] {
        assert!(PublicKey::from_line(&odd).is_err(), "{odd:?}");
    }
    assert!(PublicKey::from_line(&format!("{ED25519}\tcomment")).is_ok());
}

#[test]
fn lines_that_are_none_are_refused() {
    for wrong in [
        "",
        "ssh-ed25519",
        "ssh-ed25519 ====",
        &format!("{ED25519}\n{ED25519}"),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAF=",
    ] {
        assert_eq!(
            PublicKey::from_line(wrong),
            Err(KeyError::NotALine),
            "{wrong}"
        );
    }
    let lying = ED25519.replacen("ssh-ed25519", "ecdsa-sha2-nistp256", 1);
    assert_eq!(
        PublicKey::from_line(&lying),
        Err(KeyError::TypesDiffer {
            stated: KeyType::EcdsaP256,
            actual: KeyType::Ed25519
        })
    );
}

#[test]
fn rsa_is_refused_with_what_to_use_instead() {
    let error = PublicKey::from_line("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ== x").unwrap_err();
    assert_eq!(error, KeyError::Rsa);
    assert!(error.to_string().contains("ssh-keygen -t ed25519"));
}

#[test]
fn other_types_are_refused_by_name() {
    for name in [
        "ssh-dss",
        "ecdsa-sha2-nistp384",
        "ssh-ed25519-cert-v01@openssh.com",
    ] {
        let line = format!("{name} AAAA");
        let got = name.to_owned();
        assert_eq!(
            PublicKey::from_line(&line),
            Err(KeyError::Unsupported { got })
        );
    }
}

/// The eight points of small order, by their y coordinate: the order-1, 2, 4 and 8 points.
#[test]
fn keys_of_small_order_are_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    let mut order_8 = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ];
    for point in [one, minus_one, [0; 32], order_8] {
        let key = PublicKey::from_wire(&ed25519_wire(&point));
        assert_eq!(key, Err(KeyError::Weak), "{point:x?}");
    }
    order_8[31] |= 0x80;
    assert_eq!(
        PublicKey::from_wire(&ed25519_wire(&order_8)),
        Err(KeyError::Weak)
    );
}

#[test]
fn a_second_spelling_of_a_point_is_refused() {
    // y = 3 + p is on the curve and not of small order; so is y = 3.
    for low in 0xed..=0xff {
        let mut point = [0xff; 32];
        point[0] = low;
        for high in [0x7f, 0xff] {
            point[31] = high;
            let key = PublicKey::from_wire(&ed25519_wire(&point));
            assert_eq!(key, Err(KeyError::NotAPoint));
        }
    }
}

#[test]
fn ecdsa_keys_are_uncompressed_points_of_their_own_curve() {
    let line = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBN7LnfPBVdDfBT7KWUley1qo+rjzy0WYkrHpzbhGALXlj8g4K2bFmy81wblCbnHqWgjblv0FoBwUW641o9xEZtw=";
    let key = PublicKey::from_line(line).unwrap();
    let with = |curve: &[u8], point: &[u8]| {
        let name = KeyType::EcdsaP256.as_str().as_bytes();
        let wire = Writer::new().string(name).string(curve).string(point);
        PublicKey::from_wire(&wire.into_bytes())
    };
    let point = &key.wire()[key.wire().len() - 65..];
    assert_eq!(with(b"nistp256", point).as_ref(), Ok(&key));
    assert_eq!(with(b"nistp384", point), Err(KeyError::Curve));
    let mut compressed = point[..33].to_vec();
    compressed[0] = 2;
    assert_eq!(with(b"nistp256", &compressed), Err(KeyError::NotAPoint));
    let mut off_curve = point.to_vec();
    off_curve[64] ^= 1;
    assert_eq!(with(b"nistp256", &off_curve), Err(KeyError::NotAPoint));
}

#[test]
fn a_token_key_has_a_readable_application() {
    let with = |application: &[u8]| {
        let name = KeyType::SkEd25519.as_str().as_bytes();
        let point = PublicKey::from_line(ED25519).unwrap().wire()[19..].to_vec();
        let wire = Writer::new()
            .string(name)
            .string(&point)
            .string(application);
        PublicKey::from_wire(&wire.into_bytes())
    };
    assert_eq!(with(b"ssh:").unwrap().application(), "ssh:");
    for wrong in [&b""[..], b"a b", b"\x00", &[b'a'; 256]] {
        assert_eq!(with(wrong), Err(KeyError::Application));
    }
}
