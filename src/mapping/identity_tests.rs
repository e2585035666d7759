//! Who is the same human, and whom no run touches: what a mapping may say, and
//! what comes of it.

use std::path::Path;

use super::*;

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
fn people_are_recognized_by_login_and_address_unless_the_mapping_says_otherwise() {
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
