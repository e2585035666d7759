//! How the library's enums are named on the command line: by the words that the
//! mapping, the journal and the JSON use too.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::model::Outcome;
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
    Outcome: &Self::ALL;
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
