//! A column of numbers that repeat: a table of the different ones and positions in it, 2 bytes a row instead of 8.
//!
//! Probabilities of an edge list are guesses of one or two digits. Where more than 65,536 of them differ the column holds the
//! numbers themselves. Numbers are told apart by their bits, so what comes out is what went in.

use std::collections::HashMap;

/// Numbers that a builder remembers without a search; a power of two.
const RECENT: usize = 256;

/// A column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Repeated {
    values: Vec<f64>,
    /// Positions in `values`; empty when the numbers stand in `all`.
    positions: Vec<u16>,
    all: Vec<f64>,
}

impl Repeated {
    /// The number of a row.
    pub(crate) fn get(&self, row: usize) -> Option<f64> {
        match self.positions.get(row) {
            Some(position) => Some(self.values[usize::from(*position)]),
            None => self.all.get(row).copied(),
        }
    }

    /// The different numbers and the position of each row's, unless too many differ.
    pub(crate) fn table(&self) -> Option<(&[f64], &[u16])> {
        self.all.is_empty().then_some((&self.values, &self.positions))
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.positions.len().max(self.all.len())
    }

    /// No rows?
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Changes a row that exists. O(different numbers), once O(rows).
    pub(crate) fn set(&mut self, row: usize, value: f64) {
        if !self.positions.is_empty() {
            let known = self.values.iter().position(|other| other.to_bits() == value.to_bits());
            match known.map_or_else(|| self.added(value), u16::try_from) {
                Ok(position) => {
                    self.positions[row] = position;
                    return;
                }
                Err(_) => self.spread(),
            }
        }
        self.all[row] = value;
    }

    /// Position of a number that is new, if the table has room for it.
    fn added(&mut self, value: f64) -> Result<u16, std::num::TryFromIntError> {
        let position = u16::try_from(self.values.len())?;
        self.values.push(value);
        Ok(position)
    }

    /// From now on the numbers themselves.
    fn spread(&mut self) {
        self.all = self.positions.iter().map(|position| self.values[usize::from(*position)]).collect();
        self.positions = Vec::new();
        self.values = Vec::new();
    }
}

/// A column that grows.
#[derive(Debug)]
pub(crate) struct RepeatedBuilder {
    column: Repeated,
    known: HashMap<u64, u16>,
    /// Bits and position of a number, by a digest of the bits.
    recent: [(u64, u16); RECENT],
    is_spread: bool,
}

impl Default for RepeatedBuilder {
    fn default() -> Self {
        // The bits of no number: a NaN that nobody writes would only be looked up.
        let recent = [(u64::MAX, 0); RECENT];
        Self { column: Repeated::default(), known: HashMap::new(), recent, is_spread: false }
    }
}

impl RepeatedBuilder {
    /// Adds a row. The number is no NaN.
    pub(crate) fn push(&mut self, value: f64) {
        if self.is_spread {
            self.column.all.push(value);
            return;
        }
        let bits = value.to_bits();
        let slot = (crate::random::mix(bits) % RECENT as u64) as usize;
        if self.recent[slot].0 == bits {
            self.column.positions.push(self.recent[slot].1);
            return;
        }
        let position = match self.known.get(&bits) {
            Some(position) => Ok(*position),
            None => self.column.added(value),
        };
        match position {
            Ok(position) => {
                self.known.insert(bits, position);
                self.recent[slot] = (bits, position);
                self.column.positions.push(position);
            }
            Err(_) => {
                self.is_spread = true;
                self.column.spread();
                self.column.all.push(value);
            }
        }
    }

    /// The column.
    pub(crate) fn finish(self) -> Repeated {
        self.column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: impl IntoIterator<Item = f64>) -> Repeated {
        let mut builder = RepeatedBuilder::default();
        values.into_iter().for_each(|value| builder.push(value));
        builder.finish()
    }

    #[test]
    fn few_and_many_numbers_come_out_as_they_went_in() {
        for different in [1, 300, 65_536, 65_537] {
            let value = |row: usize| (row * 7 % different) as f64 / different as f64;
            let rows = 70_000;
            let mut made = column((0..rows).map(value));
            assert!(made.len() == rows && made.get(rows).is_none() && !made.is_empty());
            assert_eq!(made.positions.is_empty(), different > 65_536);
            made.set(5, 2.0);
            assert!((0..rows).all(|row| made.get(row) == Some(if row == 5 { 2.0 } else { value(row) })), "{different}");
        }
        assert_eq!(column([0.0, -0.0]).get(1).map(f64::to_bits), Some((-0.0_f64).to_bits()));
        assert!(column([]).is_empty() && column([]).get(0).is_none());
    }
}
