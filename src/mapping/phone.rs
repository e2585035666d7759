//! `phone`: phone numbers in the form that every system dials.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

use super::file::Node;
use super::value::clean;
use super::{COUNTRIES, FieldRule, MappingError};
use crate::schema::FieldKind;

/// What a mapping says of the phone numbers of a field.
#[derive(Debug)]
pub(super) struct Phone {
    pub(super) region: Region,
}

/// To which country numbers without a country code belong.
#[derive(Debug)]
pub(super) enum Region {
    /// The country that the person's field `country` has.
    OfPerson,
    /// This one.
    Named(&'static str),
    /// The one that a column of the feed names, or else this one.
    Column {
        name: String,
        default: Option<&'static str>,
    },
}

/// A number as the mapping wants it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// `+31612345678`
    pub(super) text: String,
    /// An extension was left out, for which this form has no place.
    pub(super) has_extension: bool,
}

const NOT_A_NUMBER: &str = "is not a phone number";
const NO_SUCH_NUMBER: &str = "is not a phone number that its country has";
const NO_COUNTRY: &str = "is a phone number without a country code, and the person's country is \
                          not known: set phone = { form = \"E164\", region = \"NL\" } for the field, \
                          or map `country`";

const SEVERAL_NUMBERS: &str = "has several phone numbers: one is possible";

/// The most digits of an extension: what has more is another number.
const MAX_EXTENSION: usize = 6;

/// More than any number with its extension and what is between the digits.
const MAX_BYTES: usize = 100;

/// A phone number in the form of E.164. `region` is the ISO code of the country of numbers
/// without a country code.
///
/// # Errors
/// Why it is none, as a fragment of a sentence.
pub(super) fn e164(text: &str, region: Option<&str>) -> Result<Number, &'static str> {
    if text.len() > MAX_BYTES || text.bytes().filter(u8::is_ascii_digit).count() < 3 {
        return Err(NOT_A_NUMBER);
    }
    let code = region.and_then(|region| region.parse().ok());
    let number = PHONE_NUMBER_UTIL.parse(text, code).map_err(|_| {
        let is_international = text.trim_start_matches(['(', ' ']).starts_with(['+', '＋']);
        let may_be_one = !text.contains(char::is_alphabetic);
        if code.is_none() && !is_international && may_be_one {
            NO_COUNTRY
        } else {
            NOT_A_NUMBER
        }
    })?;
    let extension = number.extension.as_deref().unwrap_or_default();
    if extension.len() > MAX_EXTENSION {
        return Err(SEVERAL_NUMBERS);
    }
    if !PHONE_NUMBER_UTIL.is_valid_number(&number) {
        return Err(NO_SUCH_NUMBER);
    }
    let text = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
    Ok(Number {
        text: text.into_owned(),
        has_extension: !extension.is_empty(),
    })
}

impl Phone {
    const EXAMPLE: &str = "phone = { form = \"E164\", region = \"NL\" }";

    /// Reads the `phone` of a field whose other settings are read.
    ///
    /// # Errors
    /// It contradicts them, or is wrong in itself.
    pub(super) fn read(rule: &FieldRule, node: Node<'_>) -> Result<Self, MappingError> {
        let name = rule.field.name;
        let is_text = matches!(rule.field.kind, FieldKind::Text | FieldKind::Login);
        let conflict = if !is_text {
            Some(format!("field {name} has no phone numbers: remove `phone`"))
        } else if rule.date.is_some() {
            Some(format!(
                "field {name} has both `phone` and `date`: keep one of them"
            ))
        } else if !rule.spelling.is_kept() {
            Some(format!(
                "field {name} has `phone`, which writes digits: remove `lower`, `upper`, `title` \
                 and `ascii`"
            ))
        } else {
            None
        };
        if let Some(conflict) = conflict {
            return Err(node.error(conflict, None));
        }
        if node.as_text().is_some() {
            form(&node)?;
            return Ok(Self {
                region: Region::OfPerson,
            });
        }
        let mut table = node.table(&format!("`phone` of field {name}"), Self::EXAMPLE)?;
        form(&table.need("form", &format!("for example {}", Self::EXAMPLE))?)?;
        let region = table.take("region");
        table.finish()?;
        let region = match region {
            None => Region::OfPerson,
            Some(node) if node.as_text().is_some() => Region::Named(country(&node)?),
            Some(node) => of_column(node)?,
        };
        Ok(Self { region })
    }
}

/// The one form that there is.
fn form(node: &Node<'_>) -> Result<(), MappingError> {
    let text = node.text()?;
    if ["E164", "E.164"]
        .iter()
        .any(|form| form.eq_ignore_ascii_case(&text))
    {
        return Ok(());
    }
    let help = "the form is \"E164\", as in +31612345678; a country is the `region`: phone = { form \
                = \"E164\", region = \"NL\" }";
    Err(node.error(
        format!("{} cannot be \"{text}\"", node.name),
        Some(help.into()),
    ))
}

/// A country, by its code or name.
fn country(node: &Node<'_>) -> Result<&'static str, MappingError> {
    let text = node.text()?;
    COUNTRIES.named(&text).ok_or_else(|| {
        node.error(
            format!("`{text}` is not a country"),
            Some("for example region = \"NL\"".into()),
        )
    })
}

fn of_column(node: Node<'_>) -> Result<Region, MappingError> {
    const EXAMPLE: &str = "region = \"NL\" or region = { column = \"Country\", default = \"NL\" }";
    let mut table = node.table("`region` of `phone`", EXAMPLE)?;
    let column = table.need("column", &format!("for example {EXAMPLE}"))?;
    let default = table.take("default");
    table.finish()?;
    Ok(Region::Column {
        name: clean(&column.text()?).into_owned(),
        default: default.map(|node| country(&node)).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(region: Option<&str>, cases: &[(&str, Result<&str, &'static str>)]) {
        for (text, expected) in cases {
            let number = e164(text, region);
            let number = number.as_ref().map(|it| it.text.as_str());
            assert_eq!(number, expected.as_ref().copied(), "{text}");
        }
    }

    #[test]
    fn a_number_is_read_however_people_write_it() {
        let mobile = Ok("+31612345678");
        check(
            Some("NL"),
            &[
                ("0612345678", mobile),
                ("06 - 123 456 78", mobile),
                ("(06) 12345678", mobile),
                ("06.12.34.56.78", mobile),
                ("+31 (0)6 12345678", mobile),
                ("0031612345678", mobile),
                ("tel:+31612345678", mobile),
                // A spreadsheet took the zero or the sign away.
                ("612345678", mobile),
                ("31612345678", mobile),
                ("+1 201 555 0123", Ok("+12015550123")),
                ("020 123 45 67", Ok("+31201234567")),
            ],
        );
        check(
            Some("US"),
            &[
                ("(201) 555-0123", Ok("+12015550123")),
                ("+31 (0)6 12345678", mobile),
            ],
        );
        check(Some("DE"), &[("030 901820", Ok("+4930901820"))]);
        check(
            None,
            &[("+31 6 12345678", mobile), ("\u{ff0b}31612345678", mobile)],
        );
    }

    #[test]
    fn what_is_no_number_says_why() {
        check(
            Some("NL"),
            &[
                ("06-1234", Err(NO_SUCH_NUMBER)),
                ("+3161234567", Err(NO_SUCH_NUMBER)),
                ("112", Err(NO_SUCH_NUMBER)),
                ("0612345678 / 0201234567", Err(NOT_A_NUMBER)),
                ("0612345678;0687654321", Err(SEVERAL_NUMBERS)),
                ("0612345678, 0687654321", Err(NOT_A_NUMBER)),
                ("3.16123E+10", Err(NOT_A_NUMBER)),
                ("ask reception", Err(NOT_A_NUMBER)),
                ("-", Err(NOT_A_NUMBER)),
                ("x", Err(NOT_A_NUMBER)),
                ("+99912345678", Err(NOT_A_NUMBER)),
            ],
        );
        check(
            None,
            &[
                ("0612345678", Err(NO_COUNTRY)),
                ("0031612345678", Err(NO_COUNTRY)),
                ("ask 123", Err(NOT_A_NUMBER)),
            ],
        );
    }

    #[test]
    fn an_extension_is_left_out_and_said() {
        for text in [
            "+31 20 123 4567 ext. 89",
            "020 1234567 x89",
            "020 1234567;ext=89",
        ] {
            let number = e164(text, Some("NL")).unwrap();
            assert_eq!(number.text, "+31201234567", "{text}");
            assert!(number.has_extension, "{text}");
        }
        assert!(!e164("020 1234567", Some("NL")).unwrap().has_extension);
    }

    proptest! {
        #[test]
        fn a_number_once_read_is_read_as_the_same(text in "\\PC{0,40}|[+0-9 ()./x-]{3,24}") {
            for region in [None, Some("NL"), Some("US"), Some("ZZ")] {
                if let Ok(number) = e164(&text, region) {
                    prop_assert!(number.text.starts_with('+') && number.text.is_ascii());
                    let again = e164(&number.text, region);
                    prop_assert_eq!(again.as_ref().map(|it| &it.text), Ok(&number.text));
                }
            }
        }
    }
}
