//! GF(2^8) with the polynomial x^8 + x^4 + x^3 + x + 1 (0x11b), without tables and without a branch
//! on a value: lookups by a secret are seen through the cache (CVE-2023-25000).
//!
//! Addition is `^`.

use subtle::{Choice, ConditionallySelectable};

/// The polynomial without its highest term.
const REDUCTION: u8 = 0x1b;

/// The product, in the same time for all values.
pub(crate) fn mul(a: u8, b: u8) -> u8 {
    let (mut product, mut power) = (0, a);
    for bit in 0..8 {
        product ^= selected(power, b >> bit);
        power = (power << 1) ^ selected(REDUCTION, power >> 7);
    }
    product
}

/// The inverse; 0 of 0. In the same time for all values: a^254 is a^-1.
pub(crate) fn invert(a: u8) -> u8 {
    let (mut power, mut result) = (a, 1);
    // 254 = 2 + 4 + … + 128.
    for _ in 0..7 {
        power = mul(power, power);
        result = mul(result, power);
    }
    result
}

/// The value where the lowest bit is set, otherwise 0.
fn selected(value: u8, bit: u8) -> u8 {
    u8::conditional_select(&0, &value, Choice::from(bit & 1))
}

#[cfg(test)]
mod tests {
    use vsss_rs::Gf256;

    use super::*;

    #[test]
    fn every_product_and_inverse_is_that_of_another_implementation() {
        for a in 0..=u8::MAX {
            for b in 0..=u8::MAX {
                assert_eq!(mul(a, b), (Gf256(a) * Gf256(b)).0, "{a} * {b}");
            }
            let inverse = invert(a);
            assert_eq!(mul(a, inverse), u8::from(a != 0), "{a}");
        }
        // FIPS 197, 4.2.
        assert_eq!(mul(0x57, 0x83), 0xc1);
        assert_eq!(mul(0x57, 0x13), 0xfe);
    }
}
