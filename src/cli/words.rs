//! How the library's enums are named on the command line: by the words that the
//! mapping, the journal and the JSON use too.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::model::{HoldState, Outcome};
use crate::report::Format;
use crate::schema::System;

macro_rules! named_by_their_word {
    ($($type:ty: $all:expr;)*) => {$(
        impl ValueEnum for $type {
            fn value_variants<'a>() -> &'a [Self] {
                $all
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                Some(PossibleValue::new(self.word()))
            }
        }
    )*};
}

named_by_their_word! {
    System: Self::ALL;
    HoldState: &Self::ALL;
}

impl ValueEnum for Outcome {
    fn value_variants<'a>() -> &'a [Self] {
        // Held rows count as pending, and are asked for by themselves.
        const ALL: [Outcome; Outcome::ALL.len() + 1] = {
            let mut all = [Outcome::Held; Outcome::ALL.len() + 1];
            let mut at = 0;
            while at < Outcome::ALL.len() {
                all[at] = Outcome::ALL[at];
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.word()))
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Table, Self::Csv, Self::Json]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
        }))
    }
}
