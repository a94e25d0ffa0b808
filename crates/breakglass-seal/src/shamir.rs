//! Shamir's secret sharing of 32 bytes over GF(2^8), each byte by itself: any `k` shares give the
//! secret, and fewer say nothing of it, whatever computing power looks at them.

use zeroize::Zeroizing;

use crate::{
    entropy::{Entropy, EntropyError},
    gf256::{invert, mul},
};

/// Length of a secret and of a share in bytes.
pub(crate) const SECRET_LEN: usize = 32;

/// A secret, or the value of its polynomials at one place; wiped when dropped.
pub(crate) type Value = Zeroizing<[u8; SECRET_LEN]>;

/// The shares 1 to `n`, of which `k` give the secret.
///
/// Every coefficient is drawn uniformly, zero as well: where the highest could not be zero, `k` − 1
/// shares would rule out one secret in 256 for each byte (RUSTSEC-2024-0398).
///
/// # Errors
///
/// The entropy source failed.
pub(crate) fn split(
    secret: &[u8; SECRET_LEN],
    (k, n): (u8, u8),
    entropy: &mut dyn Entropy,
) -> Result<Vec<Value>, EntropyError> {
    let mut coefficients = Vec::with_capacity(usize::from(k));
    for _ in 1..k {
        let mut one = Value::default();
        entropy.fill(one.as_mut())?;
        coefficients.push(one);
    }
    coefficients.push(Value::new(*secret));
    let share = |x| {
        let mut y = Value::default();
        // Horner's rule, the highest coefficient first.
        for coefficient in &coefficients {
            for (y, coefficient) in y.iter_mut().zip(coefficient.iter()) {
                *y = mul(*y, x) ^ coefficient;
            }
        }
        y
    };
    Ok((1..=n).map(share).collect())
}

/// The secret, from shares with their places, which are different ones and not 0. What comes of
/// too few, or of wrong ones, is no secret of anybody's.
pub(crate) fn combine(shares: &[(u8, &Value)]) -> Value {
    let mut secret = Value::default();
    for (x, y) in shares {
        let others = shares.iter().map(|(other, _)| *other);
        let weight = others.filter(|other| other != x).fold(1, |weight, other| {
            mul(weight, mul(other, invert(other ^ x)))
        });
        for (secret, y) in secret.iter_mut().zip(y.iter()) {
            *secret ^= mul(weight, *y);
        }
    }
    secret
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vsss_rs::Gf256;

    use super::*;
    use crate::danger::{Counting, Failing, Fixed};

    fn pick<'s>(shares: &'s [Value], places: &[u8]) -> Vec<(u8, &'s Value)> {
        places
            .iter()
            .map(|x| (*x, &shares[usize::from(*x) - 1]))
            .collect()
    }

    proptest! {
        #[test]
        fn any_k_shares_give_the_secret(
            secret: [u8; 32],
            random in proptest::collection::vec(any::<u8>(), 15 * 32),
            (k, n, places) in (2..=15_u8)
                .prop_flat_map(|k| (Just(k), k + 1..=16))
                .prop_flat_map(|(k, n)| {
                    let all: Vec<u8> = (1..=n).collect();
                    let some = proptest::sample::subsequence(all, usize::from(k)).prop_shuffle();
                    (Just(k), Just(n), some)
                }),
        ) {
            let shares = split(&secret, (k, n), &mut Fixed(random)).unwrap();
            prop_assert_eq!(shares.len(), usize::from(n));
            prop_assert_eq!(*combine(&pick(&shares, &places)), secret);
            // One fewer gives something else, but for one time in 2^256.
            prop_assert_ne!(*combine(&pick(&shares, &places[1..])), secret);
        }
    }

    /// The first byte of the shares of a secret for these coefficients.
    fn first(secret: u8, coefficients: &[u8], n: u8) -> Vec<u8> {
        let k = u8::try_from(coefficients.len()).unwrap() + 1;
        let mut random = Vec::new();
        for coefficient in coefficients.iter().rev() {
            random.extend([*coefficient; 32]);
        }
        let shares = split(&[secret; 32], (k, n), &mut Fixed(random)).unwrap();
        shares.iter().map(|share| share[0]).collect()
    }

    #[test]
    fn fewer_shares_are_as_likely_for_every_secret() {
        // Of two, one share has each value for exactly one coefficient, whatever the secret is.
        for secret in [0, 1, 0x53, 0xff] {
            for place in 0..3 {
                let mut seen = [false; 256];
                for a in 0..=u8::MAX {
                    seen[usize::from(first(secret, &[a], 3)[place])] = true;
                }
                assert!(seen.iter().all(|seen| *seen));
            }
        }
        // Of three, two shares have each pair of values for exactly one pair of coefficients.
        let mut seen = vec![false; 65_536];
        for a in 0..=u8::MAX {
            for b in 0..=u8::MAX {
                let shares = first(0xa5, &[a, b], 4);
                seen[usize::from(shares[1]) * 256 + usize::from(shares[3])] = true;
            }
        }
        assert!(seen.iter().all(|seen| *seen));
    }

    #[test]
    fn another_implementation_gives_the_same_shares() {
        let (secret, k, n) = ([0x2a; 32], 4, 9);
        let shares = split(&secret, (k, n), &mut Counting::from(77)).unwrap();
        for (share, x) in shares.iter().zip(1..) {
            for byte in 0..32_u8 {
                let coefficient = |power: u8| 77_u8.wrapping_add((3 - power) * 32 + byte);
                let powers = [1, 2, 3].map(|power: u8| {
                    let x = (0..power).fold(Gf256(1), |all, _| all * Gf256(x));
                    Gf256(coefficient(power)) * x
                });
                let expected = powers.into_iter().fold(Gf256(0x2a), |all, one| all + one);
                assert_eq!(share[usize::from(byte)], expected.0);
            }
        }
    }

    #[test]
    fn without_entropy_there_are_no_shares() {
        let failed = split(&[1; 32], (3, 4), &mut Failing::after(63));
        assert!(failed.is_err());
        assert!(split(&[1; 32], (3, 4), &mut Failing::after(64)).is_ok());
    }
}
