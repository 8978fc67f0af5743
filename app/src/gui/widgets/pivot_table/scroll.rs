//! The scroll position in whole rows plus a fraction: `f32`, the type of places on the screen, cannot hold the pixels of ten million
//! rows.

/// The first visible row, and the part of it that is scrolled out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ScrollPos {
    /// Index of the first row that is at least partly visible.
    pub row: u64,
    /// The part of the row above the edge, from 0 to less than 1.
    pub fraction: f64,
}

impl ScrollPos {
    /// The position `rows` rows above `end`, exact for any `end`; the top if there are fewer.
    #[must_use]
    pub fn above(end: u64, rows: f64) -> Self {
        let whole = rows.ceil();
        if whole >= 1e15 || end < whole as u64 {
            return Self::default();
        }
        Self { row: end - whole as u64, fraction: whole - rows }
    }

    /// Moves by `rows` rows (negative: up), within a table of `count` rows of which `visible` fit.
    pub fn scroll(&mut self, rows: f64, count: u64, visible: f64) {
        let moved = self.fraction + rows.clamp(-1e15, 1e15);
        let whole = moved.floor();
        match self.row.checked_add_signed(whole as i64) {
            Some(row) => *self = Self { row, fraction: moved - whole },
            None => *self = Self::default(),
        }
        self.clamp(count, visible);
    }

    /// Limits the position to the last row at the bottom edge.
    pub fn clamp(&mut self, count: u64, visible: f64) {
        let last = Self::above(count, visible);
        if (self.row, self.fraction) > (last.row, last.fraction) {
            *self = last;
        }
    }

    /// Moves by the smallest distance that shows the whole row at `index`.
    pub fn reveal(&mut self, index: u64, count: u64, visible: f64) {
        if index < self.row || (index == self.row && self.fraction > 0.0) {
            *self = Self { row: index, fraction: 0.0 };
        } else {
            let lowest = Self::above(index.saturating_add(1), visible);
            if (self.row, self.fraction) < (lowest.row, lowest.fraction) {
                *self = lowest;
            }
        }
        self.clamp(count, visible);
    }

    /// The position as a share of the distance from top to bottom, 0 to 1.
    #[must_use]
    pub fn share(self, count: u64, visible: f64) -> f64 {
        let last = Self::above(count, visible);
        let way = last.row as f64 + last.fraction;
        if way <= 0.0 { 0.0 } else { ((self.row as f64 + self.fraction) / way).clamp(0.0, 1.0) }
    }

    /// The position at this share of the distance.
    #[must_use]
    pub fn from_share(share: f64, count: u64, visible: f64) -> Self {
        let last = Self::above(count, visible);
        let place = (last.row as f64 + last.fraction) * share.clamp(0.0, 1.0);
        let mut pos = Self { row: place.floor() as u64, fraction: place.fract() };
        pos.clamp(count, visible);
        pos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: u64 = 50_000_000;

    #[test]
    fn scrolls_to_the_last_rows_exactly() {
        let mut pos = ScrollPos::default();
        pos.scroll(9_999_999.0, COUNT, 20.0);
        assert_eq!(pos, ScrollPos { row: 9_999_999, fraction: 0.0 });
        pos.scroll(0.125, COUNT, 20.0);
        assert_eq!(pos, ScrollPos { row: 9_999_999, fraction: 0.125 });
        for _ in 0..7 {
            pos.scroll(0.125, COUNT, 20.0);
        }
        assert_eq!(pos, ScrollPos { row: 10_000_000, fraction: 0.0 });
        pos.scroll(1e18, COUNT, 20.5);
        assert_eq!(pos, ScrollPos { row: COUNT - 21, fraction: 0.5 });
        pos.scroll(-1e18, COUNT, 20.5);
        assert_eq!(pos, ScrollPos::default());
    }

    #[test]
    fn stays_at_the_top_when_all_fits() {
        let mut pos = ScrollPos::default();
        pos.scroll(3.0, 10, 20.0);
        assert_eq!(pos, ScrollPos::default());
        pos.scroll(3.0, 0, 0.0);
        assert_eq!(pos, ScrollPos::default());
    }

    #[test]
    fn reveals_with_the_smallest_move() {
        let mut pos = ScrollPos { row: 100, fraction: 0.25 };
        pos.reveal(105, COUNT, 20.0);
        assert_eq!(pos, ScrollPos { row: 100, fraction: 0.25 });
        pos.reveal(100, COUNT, 20.0);
        assert_eq!(pos, ScrollPos { row: 100, fraction: 0.0 });
        pos.reveal(120, COUNT, 20.5);
        assert_eq!(pos, ScrollPos { row: 100, fraction: 0.5 });
        pos.reveal(COUNT - 1, COUNT, 20.0);
        assert_eq!(pos, ScrollPos { row: COUNT - 20, fraction: 0.0 });
        pos.reveal(0, COUNT, 20.0);
        assert_eq!(pos, ScrollPos::default());
    }

    #[test]
    fn the_bar_goes_from_end_to_end() {
        let bottom = ScrollPos::above(COUNT, 20.0);
        assert_eq!(ScrollPos::from_share(1.0, COUNT, 20.0), bottom);
        assert_eq!(ScrollPos::from_share(0.0, COUNT, 20.0), ScrollPos::default());
        assert!((bottom.share(COUNT, 20.0) - 1.0).abs() < 1e-12);
        let middle = ScrollPos::from_share(0.5, COUNT, 20.0);
        assert_eq!(middle.row, (COUNT - 20) / 2);
    }
}
