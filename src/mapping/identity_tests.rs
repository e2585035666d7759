//! Who is the same human, and whom no run touches: what a mapping may say, and
//! what comes of it.

use std::io::Write as _;
use std::path::Path;

use super::*;
use crate::feed::{Feed, FeedSource};
use crate::mapping::Person;

const FIELDS: &str = "externalId = \"ID\"\nemail = \"Mail\"\nfirstName = \"First\"\n\
                      lastName = \"Last\"\nloginName = \"Login\"\n";

fn mapping_of(fields: &str, sections: &str) -> Result<Mapping, MappingError> {
    let text = format!(
        "[target]\nsystem = \"kmi\"\nbase_url = \"https://lms.example.com\"\n\
         api_key = {{ env = \"K\" }}\napi_secret = {{ env = \"S\" }}\n\
         [fields]\n{fields}{sections}"
    );
    Mapping::parse(Path::new("m.toml"), &text)
}

/// The names of what shows who a person is.
fn identity_of(fields: &str) -> String {
    let mapping = mapping_of(fields, "").unwrap();
    let names = |field: &IdentityField| {
        let rules = field
            .positions
            .iter()
            .map(|index| &mapping.fields()[*index]);
        rules
            .map(|rule| rule.field.name)
            .collect::<Vec<_>>()
            .join("|")
    };
    let fields = mapping.identity_fields();
    fields.iter().map(names).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_shows_who_a_person_is_does_not_come_from_the_external_id() {
    assert_eq!(identity_of(FIELDS), "loginName, email, firstName|lastName");
    let with = |from: &str, to: &str| {
        assert!(FIELDS.contains(from));
        identity_of(&FIELDS.replace(from, to))
    };
    assert_eq!(with("\"Login\"", "\"ID\""), "email, firstName|lastName");
    for template in [
        "{{ row.ID }}@x",
        "{{ row['ID'] }}",
        "{{ row [ 'ID' ]|lower }}",
        "{% if row.First %}{{ row.First }}{% else %}{{ row.ID }}{% endif %}",
    ] {
        let field = format!("{{ template = \"{template}\" }}");
        assert_eq!(
            with("\"Login\"", &field),
            "email, firstName|lastName",
            "{template}"
        );
    }
    for template in [
        "{{ row.IDs }}",
        "{{ row['My ID'] }}",
        "{{ row.First }} ID",
        "{{ row.First }}{{ arrow.ID }}",
    ] {
        let field = format!("{{ template = \"{template}\" }}");
        let identity = "loginName, email, firstName|lastName";
        assert_eq!(with("\"Login\"", &field), identity, "{template}");
    }
    // An ID that is the address itself; an ID made of two columns; a constant.
    assert_eq!(
        with("\"ID\"", "{ column = \"Mail\", lower = true }"),
        "loginName, firstName|lastName"
    );
    assert_eq!(
        with(
            "\"ID\"",
            "{ template = \"{{ row.Firm }}-{{ row['First'] }}\" }"
        ),
        "loginName, email, lastName"
    );
    assert_eq!(
        with("\"Mail\"", "{ value = \"hr@example.com\" }"),
        "loginName, firstName|lastName"
    );
}

#[test]
fn people_are_recognised_by_login_and_address_unless_the_mapping_says_otherwise() {
    let by = |sections: &str| {
        let mapping = mapping_of(FIELDS, sections).unwrap();
        let names = mapping
            .identity
            .by
            .iter()
            .map(|index| mapping.fields()[*index].field.name);
        (
            names.collect::<Vec<_>>().join(", "),
            mapping.identity.renumbered,
        )
    };
    assert_eq!(by(""), ("loginName, email".into(), Renumbered::Hold));
    assert_eq!(
        by("[identity]\nby = [\"email\", \"lastName\", \"email\"]\nrenumbered = \"rekey\""),
        ("email, lastName".into(), Renumbered::Rekey)
    );
    assert_eq!(
        by("[identity]\nrenumbered = \"reject\"").1,
        Renumbered::Reject
    );
}

/// The IDs of those whom the mapping protects, in the order of the feed.
fn protected(protect: &str, csv: &str) -> Result<Vec<String>, MappingError> {
    let mapping = mapping_of(FIELDS, &format!("[protect]\n{protect}"))?;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(csv.as_bytes()).unwrap();
    let mut feed = Feed::open(&FeedSource::from_argument(file.path()), &mapping.source).unwrap();
    let columns = feed.columns().to_vec();
    let bound = mapping.bind(&columns, &[], jiff::civil::date(2026, 11, 23))?;
    let mut protected = Vec::new();
    feed.read(
        |records| {
            let (mut faults, mut ids) = (Vec::new(), Vec::new());
            while let Some(record) = records.next_record() {
                let mut person = Person::default();
                bound.apply(record, &mut person, &mut faults)?;
                if person.is_protected() {
                    ids.push(person.text(0).unwrap_or_default().to_owned());
                }
            }
            Ok::<_, MappingError>(ids)
        },
        |ids, _| {
            protected.extend(ids?);
            Ok::<_, Box<dyn std::error::Error>>(())
        },
    )
    .map_err(|error| *error.downcast::<MappingError>().unwrap())?;
    Ok(protected)
}

const STAFF: &str = "ID,Mail,First,Last,Login,Dept\n\
                     E1,a@x.example,Ann,Lee,alee,Board\n\
                     e1,b@x.example,Bo,Lee,blee,Sales\n\
                     E2,c@x.example,Cy,Lee,clee,\n";

#[test]
fn whoever_the_mapping_names_by_id_or_by_condition_is_protected_and_nobody_else() {
    let none: [&str; 0] = [];
    for (protect, expected) in [
        ("ids = [\"E1\"]", &["E1"][..]),
        ("ids = [\" E2 \", \"e1\", \"E7\"]", &["e1", "E2"]),
        ("ids = []", &none),
        ("where = \"row['Dept'] == 'Board'\"", &["E1"]),
        (
            "where = \"row.Dept|lower == 'sales'\"\nids = [\"E2\"]",
            &["e1", "E2"],
        ),
        ("where = \"not row.Dept\"", &["E2"]),
    ] {
        assert_eq!(protected(protect, STAFF).unwrap(), expected, "{protect}");
    }
}

#[test]
fn an_id_in_another_unicode_form_is_the_same_id() {
    let csv = "ID,Mail,First,Last,Login\nZoe\u{308},a@x.example,A,B,ab\n";
    assert_eq!(
        protected("ids = [\"Zo\u{eb}\"]", csv).unwrap(),
        ["Zo\u{eb}"]
    );
    assert_eq!(
        protected("ids = [\"Zoe\u{308}\"]", csv).unwrap(),
        ["Zo\u{eb}"]
    );
}

#[test]
fn a_row_of_which_the_condition_cannot_judge_is_protected() {
    // Not a number where one is needed: of that row alone.
    let csv = "ID,Mail,First,Last,Login,Grade\nE1,a@x.example,A,B,ab,9\nE2,b@x.example,C,D,cd,x\n\
               E3,c@x.example,E,F,ef,12\n";
    assert_eq!(
        protected("where = \"row.Grade|int > 10\"", csv).unwrap(),
        ["E2", "E3"]
    );
}

#[test]
fn a_column_that_the_condition_names_and_the_feed_does_not_have_is_an_error_of_the_mapping() {
    let error = |condition: &str| {
        protected(&format!("where = \"{condition}\""), STAFF)
            .unwrap_err()
            .to_string()
    };
    let expected = "m.toml, line 13, column 9: the feed has no column `Dpt` (`where` in [protect])";
    assert_eq!(error("row.Dpt == 'Board'"), expected);
    // Found by the first row that comes to it.
    assert_eq!(error("row.Dept == 'Board' and row.Dpt"), expected);
}

#[test]
fn a_person_is_protected_in_that_row_and_not_in_the_next() {
    let mut person = Person::default();
    person.protect();
    assert!(person.is_protected());
    person.clear();
    assert!(!person.is_protected());
}
