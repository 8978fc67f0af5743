//! Deterministic random numbers: xoshiro256**, seeded by splitmix64.

/// Pseudo-random number generator: the same seed gives the same sequence on every machine.
#[derive(Debug, Clone)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// A generator for any `seed`, including zero.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut mix = seed;
        let state = std::array::from_fn(|_| {
            mix = mix.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = mix;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        });
        Self { state }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// An index below `len`; 0 for 0.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// A number from `low` to `high`, both inclusive.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// A number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with the given probability; never for 0 or less, always for 1 or more.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A lifetime, approximately exponentially distributed with the given mean, at least 1. Piecewise linear between powers of
    /// two, so that results do not depend on a platform's logarithm.
    pub fn lifetime(&mut self, mean: u64) -> u64 {
        let bits = self.next_u64();
        let halvings = (bits >> 20).leading_zeros().saturating_sub(20);
        let fraction = (bits & 0xF_FFFF) as f64 / f64::from(1u32 << 20);
        let scaled = mean as f64 * (f64::from(halvings) + fraction) * std::f64::consts::LN_2;
        (scaled as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sequence_of_seed_zero() {
        // The first outputs of xoshiro256** whose state is splitmix64 from 0.
        let mut rng = Rng::new(0);
        assert_eq!(rng.state[0], 0xE220_A839_7B1D_CDAF);
        assert_eq!(rng.next_u64(), 0x99EC_5F36_CB75_F2B4);
        assert_eq!(rng.next_u64(), 0xBF6E_1F78_4956_452A);
    }

    #[test]
    fn bounds_hold_and_the_mean_is_near() {
        let mut rng = Rng::new(7);
        let mut sum = 0u64;
        for _ in 0..20_000 {
            assert!(rng.below(10) < 10);
            assert!((5..=9).contains(&rng.between(5, 9)));
            assert!((0.0..1.0).contains(&rng.unit()));
            sum += rng.lifetime(1000);
        }
        let mean = sum / 20_000;
        assert!((900..1200).contains(&mean), "{mean}");
    }
}
