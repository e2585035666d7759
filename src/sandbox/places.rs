//! People by number: 1, 2, 3, … A number is never used again.

/// A person's number.
pub(super) type Number = u32;

/// People in the order of their numbers.
#[derive(Debug)]
pub(super) struct Places<T> {
    /// `None` where the person was removed. Boxed, so that a page far into a
    /// long list is found fast.
    places: Vec<Option<Box<T>>>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { places: Vec::new() }
    }
}

impl<T> Places<T> {
    /// The highest number that was ever given.
    pub(super) fn last(&self) -> Number {
        Number::try_from(self.places.len()).unwrap_or(Number::MAX)
    }

    pub(super) fn get(&self, number: Number) -> Option<&T> {
        self.places.get(place(number))?.as_deref()
    }

    pub(super) fn get_mut(&mut self, number: Number) -> Option<&mut T> {
        self.places.get_mut(place(number))?.as_deref_mut()
    }

    /// Adds a person. `None` where no number is left.
    pub(super) fn push(&mut self, person: T) -> Option<Number> {
        let number = Number::try_from(self.places.len() + 1).ok()?;
        self.places.push(Some(Box::new(person)));
        Some(number)
    }

    pub(super) fn remove(&mut self, number: Number) -> Option<T> {
        self.places
            .get_mut(place(number))?
            .take()
            .map(|person| *person)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Number, &T)> {
        let all = (1..).zip(&self.places);
        all.filter_map(|(number, person)| Some((number, person.as_deref()?)))
    }

    /// Another person than `number`, picked by `pick`.
    pub(super) fn other_than(&self, number: Number, pick: u32) -> Option<Number> {
        let first = pick.checked_rem(self.last())? + 1;
        (first..=self.last())
            .chain(1..first)
            .find(|&other| other != number && self.get(other).is_some())
    }
}

/// The place of number 0 is beyond the end of any list.
fn place(number: Number) -> usize {
    (number as usize).wrapping_sub(1)
}
