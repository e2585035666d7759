//! A feed becomes a first mapping: each field of the LMS gets the column that
//! it probably comes from, and each decision that is a person's a line to
//! choose.
//!
//! # Invariants
//!
//! - The text is a mapping that fits the feed, once the lines marked `# ?` are
//!   filled in.
//! - Who may do what is never guessed: roles, groups and passwords are lines
//!   behind a `#`.

mod columns;
mod fields;
mod names;
mod quote;
mod recognise;
mod settings;
mod words;

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use self::columns::Column;
use self::quote::{listed, quoted};
use self::recognise::recognise;
use crate::feed::{Feed, FeedError, FeedOptions, Format};
use crate::model::Remark;
use crate::report::sanitize;
use crate::schema::{Field, System};

/// What a first mapping is written from, apart from the feed.
#[derive(Clone, Debug)]
pub struct DraftOptions {
    /// The LMS to feed.
    pub system: System,
    /// The feed's name for people: that of its file.
    pub feed_name: String,
    /// How the feed was opened.
    pub source: FeedOptions,
}

/// A first mapping, and remarks on it.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The mapping.
    pub text: String,
    /// Required fields that were not recognised.
    pub missing: Vec<&'static str>,
    /// Remarks for the person who will use it.
    pub notes: Vec<String>,
}

/// For each field the column it comes from.
type Found = [(&'static Field, Option<usize>)];

/// Names of fields on one line of a remark.
const FIELDS_A_LINE: usize = 7;

impl Draft {
    /// Reads the first rows of a feed and writes a mapping for it.
    ///
    /// # Errors
    /// The feed cannot be read.
    pub fn of(feed: &mut Feed, options: &DraftOptions) -> Result<Self, FeedError> {
        let columns = columns::read(feed)?;
        let system = options.system;
        let found = recognise(system.spec().fields, &columns);
        let email = system.spec().email;
        let has_email =
            (found.iter()).any(|(field, column)| field.name == email && column.is_some());
        let mut draft = Self::default();
        // Writing into a String cannot fail.
        let _infallible = draft
            .head(feed, options)
            .and_then(|()| draft.source(feed, &options.source))
            .and_then(|()| draft.fields(system, &columns, &found))
            .and_then(|()| draft.left_over(&columns, &found))
            .and_then(|()| draft.unique(system))
            .and_then(|()| settings::write(&mut draft.text, system, has_email));
        if columns.iter().all(|column| column.rows == 0) {
            draft
                .notes
                .push("the feed has no rows, so its columns were recognised by name only".into());
        }
        // What the mapping itself says is not said again.
        let said = |remark: &Remark| {
            matches!(remark, Remark::Encoding { .. } | Remark::OtherSheets { .. })
        };
        let remarks = feed.remarks().into_iter();
        let unsaid = remarks.filter(|it| !said(&it.remark));
        draft
            .notes
            .extend(unsaid.map(|it| format!("note: {}", sanitize(&it.to_string()))));
        Ok(draft)
    }

    fn head(&mut self, feed: &Feed, options: &DraftOptions) -> fmt::Result {
        let (text, system) = (&mut self.text, options.system);
        let name = sanitize(&options.feed_name);
        let format = feed.format().to_string();
        writeln!(text, "# How hrfeed reads `{name}` for {system}.")?;
        writeln!(
            text,
            "# Found: {}, header in row {}.",
            sanitize(&format),
            feed.header_row()
        )?;
        let word = system.word();
        writeln!(
            text,
            "\n[target]\n\
             system = \"{word}\"\n\
             # The address of your LMS.\n\
             base_url = \"https://lms.example.com\""
        )?;
        let name = word.to_uppercase();
        if system.spec().secret_header.is_some() {
            writeln!(
                text,
                "# The environment variables that hold key and secret, never these themselves;\n\
                 # or {{ file = \"…\" }}.\n\
                 api_key = {{ env = \"{name}_API_KEY\" }}\n\
                 api_secret = {{ env = \"{name}_API_SECRET\" }}"
            )?;
        } else {
            writeln!(
                text,
                "# The environment variable that holds the key, never the key itself;\n\
                 # or {{ file = \"…\" }}.\n\
                 api_key = {{ env = \"{name}_API_KEY\" }}"
            )?;
        }
        writeln!(text, "requests_per_second = 10  # never exceeded")?;
        writeln!(
            text,
            "max_in_flight = 8\n\
             # How long a request may take, and how much later one without an answer may\n\
             # still be carried out.\n\
             # timeout = \"60s\"\n\
             # settle_after = \"30s\""
        )
    }

    /// Where the table is in the file, if that was given or is ambiguous.
    fn source(&mut self, feed: &Feed, asked: &FeedOptions) -> fmt::Result {
        let others = feed.other_sheets();
        let found = match feed.format() {
            Format::Workbook { sheet } if !others.is_empty() => Some(sheet),
            _ => None,
        };
        let nothing_asked =
            asked.encoding.is_none() && asked.sheet.is_none() && asked.header_row.is_none();
        if nothing_asked && found.is_none() {
            return Ok(());
        }
        writeln!(self.text, "\n[source]")?;
        if let Some(encoding) = &asked.encoding {
            writeln!(self.text, "encoding = {}", quoted(encoding))?;
        }
        if let Some(sheet) = &asked.sheet {
            writeln!(self.text, "sheet = {}", quoted(sheet))?;
        } else if let Some(sheet) = found {
            let others = listed(others.iter().map(String::as_str));
            writeln!(self.text, "# Other sheets contain tables, too: {others}.")?;
            writeln!(self.text, "sheet = {}", quoted(sheet))?;
            self.notes.push(format!(
                "note: this is sheet {}; other sheets contain tables, too: {others} \
                 (choose one with `--sheet`)",
                sanitize(&quoted(sheet))
            ));
        }
        if let Some(row) = asked.header_row {
            writeln!(self.text, "header_row = {row}")?;
        }
        Ok(())
    }

    /// What is on one side only.
    fn left_over(&mut self, columns: &[Column], found: &Found) -> fmt::Result {
        let used: HashSet<usize> = found.iter().filter_map(|(_, column)| *column).collect();
        let unused: Vec<_> = (0..columns.len())
            .filter(|index| !used.contains(index))
            .collect();
        if !unused.is_empty() {
            writeln!(self.text, "\n# Columns of the feed that are not used:")?;
            for index in unused {
                let column = &columns[index];
                let remark = if column.repeated {
                    "  appears more than once: to use one, give them different names in the feed"
                } else {
                    ""
                };
                writeln!(self.text, "#   {}{remark}", quoted(&column.name))?;
            }
        }
        let unmapped: Vec<_> = found
            .iter()
            .filter(|(field, column)| column.is_none() && !field.required)
            .map(|(field, _)| field.name)
            .collect();
        if !unmapped.is_empty() {
            writeln!(self.text, "# Fields of the LMS that are not set:")?;
            // Some systems have more fields than a line has room for.
            let lines: Vec<_> = unmapped
                .chunks(FIELDS_A_LINE)
                .map(|names| names.join(", "))
                .collect();
            writeln!(self.text, "#   {}", lines.join(",\n#   "))?;
        }
        let mut repeated: Vec<_> = columns
            .iter()
            .filter(|column| column.repeated)
            .map(|column| column.name.as_str())
            .collect();
        repeated.sort_unstable();
        repeated.dedup();
        if !repeated.is_empty() {
            self.notes.push(format!(
                "note: column names that appear more than once: {}",
                listed(repeated.into_iter())
            ));
        }
        Ok(())
    }

    fn unique(&mut self, system: System) -> fmt::Result {
        writeln!(self.text, "\n[unique]")?;
        let fields = listed(system.spec().unique.iter().copied());
        writeln!(self.text, "fields = [{fields}]")?;
        writeln!(
            self.text,
            "duplicates = \"reject\"  # sends neither of two such rows; or \"first\", \"last\""
        )
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::feed::FeedSource;

    fn draft(system: System, feed: &str) -> Draft {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(feed.as_bytes()).unwrap();
        let source = FeedOptions::default();
        let mut feed = Feed::open(&FeedSource::from_argument(file.path()), &source).unwrap();
        let options = DraftOptions {
            system,
            feed_name: "people.csv".into(),
            source,
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

        # Field of the LMS = where its value comes from.
        [fields]
        # No column was recognised as the HR system's ID for a person, so the
        # e-mail address is used. A person whose address changes becomes a new person:
        # name a better column if there is one.
        externalId = { column = "E-mail", lower = true }
        email = { column = "E-mail", lower = true }
        firstName = "Voornaam"
        lastName = "Achternaam"
        # No column of its own: the e-mail address is used.
        loginName = { column = "E-mail", lower = true }
        country = "Land"

        # Columns of the feed that are not used:
        #   "Nr"
        #   "Rol"
        #   "Rang"
        # Fields of the LMS that are not set:
        #   address, address2, city, state, zip, expirationDate

        [unique]
        fields = ["externalId", "loginName"]
        duplicates = "reject"  # sends neither of two such rows; or "first", "last"

        # Accounts created manually have no external ID: the account with the login of a
        # row gets the row's ID, instead of a second account being created.
        # [adopt]
        # by = "loginName"

        # How hrfeed recognises the same person under another external ID. "hold" waits for
        # your approval, "rekey" changes the ID of the account, "reject" rejects the row.
        # A value that several people share identifies nobody.
        # [identity]
        # by = ["loginName", "email"]
        # renumbered = "hold"

        # People whom no import changes or removes, by external ID. A condition can name more:
        # for example where = "row['Department'] == 'Board'".
        # [protect]
        # ids = ["E1", "E2"]

        # People who are no longer in the feed: "delete" deletes them for good,
        # "ignore" leaves them alone, the default.
        # [leavers]
        # action = "ignore"

        # Safety limits, with their defaults. A share is of the people known. Beyond one of the
        # first five, these changes wait for your approval, and everything else goes on. Beyond
        # one of the others, the file is probably damaged, and nothing is sent.
        # [guards]
        # max_leavers = "5%"  # people to remove, in 7 days; or { share = "5%", per = "30 days" }
        # max_creates = "25%"  # people to create, once 100 are known
        # max_updates = "50%"  # people to change, once 100 are known
        # max_lost = "1%"  # known people whom the LMS does not show
        # max_identities = "2%"  # people whose login, e-mail address and name change together
        # max_rejected = "10%"  # rejected rows
        # max_shrink = "20%"  # rows fewer than in the files before
        # max_emptied = "20%"  # empty cells of a column that was filled
        # min_rows = 1  # rows at least
        # max_age = "36 h"  # age of the file; not checked without this line
        # tolerate = 0  # rejected rows up to this number end with exit code 0
        "#);
        insta::assert_snapshot!(kmi.notes.join("\n"), @"no column was recognised for externalId: the e-mail address is used, so a person whose address changes becomes a new person");
        assert!(kmi.missing.is_empty());
    }

    #[test]
    fn a_first_mapping_says_what_a_person_can_choose() {
        let anewspring = draft(System::ANewSpring, FEED);
        insta::assert_snapshot!(anewspring.text, @r#"
        # How hrfeed reads `people.csv` for aNewSpring.
        # Found: CSV, semicolon, header in row 1.

        [target]
        system = "anewspring"
        # The address of your LMS.
        base_url = "https://lms.example.com"
        # The environment variable that holds the key, never the key itself;
        # or { file = "…" }.
        api_key = { env = "ANEWSPRING_API_KEY" }
        requests_per_second = 10  # never exceeded
        max_in_flight = 8
        # How long a request may take, and how much later one without an answer may
        # still be carried out.
        # timeout = "60s"
        # settle_after = "30s"

        # Field of the LMS = where its value comes from.
        [fields]
        # No column was recognised as the HR system's ID for a person, so the
        # e-mail address is used. A person whose address changes becomes a new person:
        # name a better column if there is one.
        userID = { column = "E-mail", lower = true }
        # No column of its own: the e-mail address is used.
        login = { column = "E-mail", lower = true }
        firstName = "Voornaam"
        lastName = "Achternaam"
        email = { column = "E-mail", lower = true }
        country = "Land"

        # The feed does not decide what follows: remove the # from the lines that you want.

        # The password of a new person: aNewSpring generates one, which it probably mails,
        # and it must be changed at the first sign-in. Not with single sign-on.
        # generatePassword = true
        # forcePasswordChange = true

        # Roles: Learner, Instructor, Observer, Author, Designer; `split` separates several in
        # one cell, and `map` translates: check each word. No role is ever taken away.
        # role = { column = "Rol", map = { Baas = "Learner" }, default = "Learner" }

        # User groups, by their external ID; see [groups] below. An empty cell removes the
        # person from the groups that hrfeed added him or her to.
        # group = { value = "Everybody" }

        # Columns of the feed that are not used:
        #   "Nr"
        #   "Rol"
        #   "Rang"
        # Fields of the LMS that are not set:
        #   middleName, gender, title, initials, function, company, dateOfBirth,
        #   telephoneNumber, faxNumber, cellPhoneNumber, address, zip, residence, invoiceAddress,
        #   invoiceZip, invoiceResidence, invoiceCountry, custom1, custom2, custom3, custom4,
        #   custom5, locale, timeZoneGroup, timeZone, active, renewable

        [unique]
        fields = ["userID", "login"]
        duplicates = "reject"  # sends neither of two such rows; or "first", "last"

        # Groups that do not exist are created; without this section their rows are rejected.
        # People need the role of the group's type. The lines `name` and `parent` may name
        # columns for the group's name and the group above it.
        # [groups]
        # create = true
        # type = { value = "Learner" }

        # Accounts created manually have no external ID: the account with the login of a
        # row gets the row's ID, instead of a second account being created.
        # [adopt]
        # by = "login"

        # How hrfeed recognises the same person under another external ID. "hold" waits for
        # your approval, "rekey" changes the ID of the account, "reject" rejects the row.
        # A value that several people share identifies nobody.
        # [identity]
        # by = ["login", "email"]
        # renumbered = "hold"

        # People whom no import changes or removes, by external ID. A condition can name more:
        # for example where = "row['Department'] == 'Board'".
        # [protect]
        # ids = ["E1", "E2"]

        # People who are no longer in the feed: "deactivate" keeps them from signing
        # in, "delete" deletes them for good, "ignore" leaves them alone, the
        # default.
        # [leavers]
        # action = "deactivate"

        # Safety limits, with their defaults. A share is of the people known. Beyond one of the
        # first five, these changes wait for your approval, and everything else goes on. Beyond
        # one of the others, the file is probably damaged, and nothing is sent.
        # [guards]
        # max_leavers = "5%"  # people to remove, in 7 days; or { share = "5%", per = "30 days" }
        # max_creates = "25%"  # people to create, once 100 are known
        # max_updates = "50%"  # people to change, once 100 are known
        # max_lost = "1%"  # known people whom the LMS does not show
        # max_identities = "2%"  # people whose login, e-mail address and name change together
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
}
