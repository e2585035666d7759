//! What a first mapping says as a whole.

use std::io::Write as _;

use super::*;
use crate::feed::FeedSource;

/// The first mapping for a feed with this text.
pub(super) fn draft(system: System, feed: &str) -> Draft {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(feed.as_bytes()).unwrap();
    let source = FeedOptions::default();
    let mut feed = Feed::open(&FeedSource::from_argument(file.path()), &source).unwrap();
    let options = DraftOptions {
        system,
        feed_name: "people.csv".into(),
        source,
        is_newest: false,
    };
    Draft::of(&mut feed, &options).unwrap()
}

const FEED: &str = "Nr;Voornaam;Achternaam;E-mail;Land;Rol;Rang\n\
                    1;Ann;de Boer;ann@example.com;Nederland;Baas;3\n\
                    1;Bo;Jansen;bo@example.com;België;Learner;4\n";

#[test]
fn a_first_mapping_says_what_was_found() {
    let kmi = draft(System::Kmi, FEED);
    insta::assert_snapshot!(kmi.text, @r#"
    # How hrfeed reads `people.csv` for KMI LMS.
    # Found: CSV, semicolon, header in row 1.

    [target]
    system = "kmi"
    # The address of your LMS.
    base_url = "https://lms.example.com"
    # The environment variables that hold key and secret, never these themselves;
    # or { file = "…" }.
    api_key = { env = "KMI_API_KEY" }
    api_secret = { env = "KMI_API_SECRET" }
    requests_per_second = 10  # never exceeded
    max_in_flight = 8
    # How long a request may take, and how much later one without an answer may
    # still be carried out.
    # timeout = "60s"
    # settle_after = "30s"

    # Field of the LMS = where its value comes from. Above each: why, and what the
    # cells look like (0 is a digit, a and A are letters).
    [fields]
    # No column was recognised as the HR system's ID for a person: the e-mail
    # address is used; like aaa@aaaaaaa.aaa
    # A person whose address changes becomes a new person: name a better column if
    # there is one.
    externalId = { column = "E-mail", lower = true }
    # By name, all filled; like aaa@aaaaaaa.aaa
    email = { column = "E-mail", lower = true }
    # By name, all filled; like Aaa | Aa
    firstName = "Voornaam"
    # By name, all filled; like aa Aaaa | Aaaaaa
    lastName = "Achternaam"
    # No column of its own: the e-mail address is used; like aaa@aaaaaaa.aaa
    loginName = { column = "E-mail", lower = true }
    # By name, all filled; like Aaaaaaaaa | Aaaaaa
    country = "Land"

    # Columns of the feed that are not used:
    #   "Nr": a key, but one value is in several rows (rows 2, 3)
    #   "Rol"
    #   "Rang"
    # Fields of the LMS that are not set:
    #   address, address2, city, state, zip, expirationDate

    [unique]
    fields = ["externalId", "loginName"]
    duplicates = "reject"  # sends neither of two such rows; or "first", "last"

    # Accounts created manually have no external ID: the account with the login of
    # a row gets the row's ID, instead of a second account being created.
    # [adopt]
    # by = "loginName"

    # How hrfeed recognises the same person under another external ID. "hold"
    # waits for your approval, "rekey" changes the ID of the account, "reject"
    # rejects the row. A value that several people share identifies nobody.
    # [identity]
    # by = ["loginName", "email"]
    # renumbered = "hold"

    # People whom no import changes or removes, by external ID. A condition can
    # name more: for example where = "row['Department'] == 'Board'".
    # [protect]
    # ids = ["E1", "E2"]

    # People who are no longer in the feed: "delete" deletes them for good,
    # "ignore" leaves them alone, the default.
    # [leavers]
    # action = "ignore"

    # Safety limits, with their defaults. A share is of the people known. Beyond
    # one of the first five, these changes wait for your approval, and everything
    # else goes on. Beyond one of the others, the file is probably damaged, and
    # nothing is sent.
    # [guards]
    # A period of its own: { share = "5%", per = "30 days" }
    # max_leavers = "5%"  # people to remove, in 7 days
    # max_creates = "25%"  # people to create, once 100 are known
    # max_updates = "50%"  # people to change, once 100 are known
    # max_lost = "1%"  # known people whom the LMS does not show
    # max_identities = "2%"  # people whose login, e-mail and name change together
    # max_rejected = "10%"  # rejected rows
    # max_shrink = "20%"  # rows fewer than in the files before
    # max_emptied = "20%"  # empty cells of a column that was filled
    # min_rows = 1  # rows at least
    # max_age = "36 h"  # age of the file; not checked without this line
    # tolerate = 0  # rejected rows up to this number end with exit code 0
    "#);
    insta::assert_snapshot!(kmi.checks.join("\n"), @"externalId: no column was recognised as the HR system's ID for a person: the e-mail address is used, so a person whose address changes becomes a new person");
    assert!(kmi.notes.is_empty(), "{:?}", kmi.notes);
    assert!(kmi.missing.is_empty());
}

#[test]
fn a_first_mapping_says_what_a_person_can_choose() {
    let anewspring = draft(System::ANewSpring, FEED);
    let (_, fields) = anewspring.text.split_once("[fields]\n").unwrap();
    insta::assert_snapshot!(fields, @r#"
    # No column was recognised as the HR system's ID for a person: the e-mail
    # address is used; like aaa@aaaaaaa.aaa
    # A person whose address changes becomes a new person: name a better column if
    # there is one.
    userID = { column = "E-mail", lower = true }
    # No column of its own: the e-mail address is used; like aaa@aaaaaaa.aaa
    login = { column = "E-mail", lower = true }
    # By name, all filled; like Aaa | Aa
    firstName = "Voornaam"
    # By name, all filled; like aa Aaaa | Aaaaaa
    lastName = "Achternaam"
    # By name, all filled; like aaa@aaaaaaa.aaa
    email = { column = "E-mail", lower = true }
    # By name, all filled; like Aaaaaaaaa | Aaaaaa
    country = "Land"

    # The feed does not decide what follows: remove the # from the lines that you
    # want.

    # The password of a new person: aNewSpring generates one, which it probably
    # mails, and it must be changed at the first sign-in. Not with single sign-on.
    # generatePassword = true
    # forcePasswordChange = true

    # Roles: Learner, Instructor, Observer, Author, Designer; `split` separates
    # several in one cell, and `map` translates: check each word. No role is ever
    # taken away.
    # role = { column = "Rol", map = { Baas = "Learner" }, default = "Learner" }

    # User groups, by their external ID; see [groups] below. An empty cell removes
    # the person from the groups that hrfeed added him or her to.
    # group = { value = "Everybody" }

    # Columns of the feed that are not used:
    #   "Nr": a key, but one value is in several rows (rows 2, 3)
    #   "Rol"
    #   "Rang"
    # Fields of the LMS that are not set:
    #   middleName, gender, title, initials, function, company, dateOfBirth,
    #     telephoneNumber, faxNumber, cellPhoneNumber, address, zip, residence,
    #     invoiceAddress, invoiceZip, invoiceResidence, invoiceCountry, custom1,
    #     custom2, custom3, custom4, custom5, locale, timeZoneGroup, timeZone,
    #     active, renewable

    [unique]
    fields = ["userID", "login"]
    duplicates = "reject"  # sends neither of two such rows; or "first", "last"

    # Groups that do not exist are created; without this section their rows are
    # rejected. People need the role of the group's type. The lines `name` and
    # `parent` may name columns for the group's name and the group above it.
    # [groups]
    # create = true
    # type = { value = "Learner" }

    # Accounts created manually have no external ID: the account with the login of
    # a row gets the row's ID, instead of a second account being created.
    # [adopt]
    # by = "login"

    # How hrfeed recognises the same person under another external ID. "hold"
    # waits for your approval, "rekey" changes the ID of the account, "reject"
    # rejects the row. A value that several people share identifies nobody.
    # [identity]
    # by = ["login", "email"]
    # renumbered = "hold"

    # People whom no import changes or removes, by external ID. A condition can
    # name more: for example where = "row['Department'] == 'Board'".
    # [protect]
    # ids = ["E1", "E2"]

    # People who are no longer in the feed: "deactivate" keeps them from signing
    # in, "delete" deletes them for good, "ignore" leaves them alone, the
    # default.
    # [leavers]
    # action = "deactivate"

    # Safety limits, with their defaults. A share is of the people known. Beyond
    # one of the first five, these changes wait for your approval, and everything
    # else goes on. Beyond one of the others, the file is probably damaged, and
    # nothing is sent.
    # [guards]
    # A period of its own: { share = "5%", per = "30 days" }
    # max_leavers = "5%"  # people to remove, in 7 days
    # max_creates = "25%"  # people to create, once 100 are known
    # max_updates = "50%"  # people to change, once 100 are known
    # max_lost = "1%"  # known people whom the LMS does not show
    # max_identities = "2%"  # people whose login, e-mail and name change together
    # max_rejected = "10%"  # rejected rows
    # max_shrink = "20%"  # rows fewer than in the files before
    # max_emptied = "20%"  # empty cells of a column that was filled
    # min_rows = 1  # rows at least
    # max_age = "36 h"  # age of the file; not checked without this line
    # tolerate = 0  # rejected rows up to this number end with exit code 0
    "#);
    assert!(anewspring.missing.is_empty());
}

#[test]
fn people_are_identified_by_fields_that_the_mapping_has() {
    let by = |system, csv| {
        let draft = draft(system, csv);
        let mut lines = draft.text.lines();
        lines
            .find(|line| line.starts_with("# by = ["))
            .unwrap()
            .to_owned()
    };
    let without = "Nr,Login,First name,Last name\n1,ann,Ann,Lee\n2,bo,Bo,Kay\n";
    assert_eq!(by(System::ANewSpring, without), "# by = [\"login\"]");
    assert_eq!(
        by(System::ANewSpring, FEED),
        "# by = [\"login\", \"email\"]"
    );
    assert_eq!(by(System::Kmi, FEED), "# by = [\"loginName\", \"email\"]");
}

#[test]
fn a_field_that_is_required_and_not_recognised_is_marked() {
    let draft = draft(System::Kmi, "Rank,Given name\n3,Ann\n4,Bo\n");
    assert_eq!(
        draft.missing,
        ["externalId", "email", "lastName", "loginName"]
    );
    for field in draft.missing {
        let line = format!("\n# ? {field} = ");
        assert!(draft.text.contains(&line), "{}", draft.text);
    }
}
