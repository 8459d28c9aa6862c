//! Noise as a function of place, so that pictures can be drawn in any order and on any number of
//! threads and still be the same.

/// SplitMix64's finaliser: every bit of the result depends on every bit of `x`.
pub fn hash(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Roughly normal with mean 0 and deviation 1: the sum of four uniform numbers.
pub fn gaussian(seed: u64, index: u64) -> f32 {
    let bits = hash(seed ^ index.wrapping_mul(0xd6e8_feb8_6659_fd93));
    let sum: u32 = (0..4).map(|k| (bits >> (16 * k)) as u32 & 0xffff).sum();
    // Four uniforms on 0..1 have mean 2 and variance 1/3.
    (sum as f32 / 65536.0 - 2.0) * 1.732_050_8
}

/// Smooth noise between −1 and 1 that changes over distances of about 1.
pub fn smooth(seed: u64, at: [f32; 3]) -> f32 {
    let cell = at.map(f32::floor);
    let part = [0, 1, 2].map(|k| ease(at[k] - cell[k]));
    let mut total = 0.0;
    for corner in 0..8u64 {
        let step = [corner & 1, corner >> 1 & 1, corner >> 2 & 1];
        let mut weight = 1.0;
        let mut key = seed;
        for k in 0..3 {
            weight *= if step[k] == 1 { part[k] } else { 1.0 - part[k] };
            key = hash(key ^ (cell[k] as i64).wrapping_add(step[k] as i64) as u64);
        }
        total += weight * ((key >> 40) as f32 / (1u64 << 23) as f32 - 1.0);
    }
    total
}

/// 0 below 0, 1 above 1, smooth between.
pub fn ease(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
