//! Sums of floating-point numbers that stay exact to the last digits, however many are added.

/// A sum with its rounding error carried along.
///
/// Adding n numbers leaves an error of about 2^-53 of the sum plus n² · 2^-106 of the sum of magnitudes, where a plain sum loses
/// n · 2^-53: over the four million worlds of an enumeration that is the difference between the last digit and the twelfth.
/// Source: A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54 (1974) 39–51.
#[derive(Debug, Default, Clone, Copy)]
pub struct CompensatedSum {
    sum: f64,
    lost: f64,
}

impl CompensatedSum {
    /// Adds a number.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let next = self.sum + value;
        // What the rounding of the larger one swallowed of the smaller one.
        self.lost += if self.sum.abs() >= value.abs() { (self.sum - next) + value } else { (value - next) + self.sum };
        self.sum = next;
    }

    /// The sum.
    pub fn value(self) -> f64 {
        self.sum + self.lost
    }
}

impl From<f64> for CompensatedSum {
    fn from(value: f64) -> Self {
        Self { sum: value, lost: 0.0 }
    }
}

impl FromIterator<f64> for CompensatedSum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sum = Self::default();
        values.into_iter().for_each(|value| sum.add(value));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plain_sum_loses_is_kept() {
        let many = || std::iter::repeat_n(0.1, 1 << 22).chain([1e15, 1.0, -1e15]);
        let exact = 419_431.4;
        assert!((many().collect::<CompensatedSum>().value() - exact).abs() < 1e-9);
        assert!((many().sum::<f64>() - exact).abs() > 1e-3);
    }
}
