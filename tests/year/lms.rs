//! The LMS of the simulation, and what a night did to it.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::organisation::{ID, LOGIN, Member, Row};
use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::lms::Lms;

/// The LMS's own number of an account.
pub(crate) type AccountId = String;

/// The accounts of an LMS that have an external ID.
pub(crate) type Accounts = BTreeMap<AccountId, Row>;

/// The fields of an account, in the order of a row.
pub(crate) const fn fields(system: System) -> [&'static str; 8] {
    match system {
        Kmi => [
            "externalId",
            "firstName",
            "lastName",
            "email",
            "loginName",
            "city",
            "address2",
            "country",
        ],
        AnewSpring => [
            "userID",
            "firstName",
            "lastName",
            "email",
            "login",
            "residence",
            "custom1",
            "country",
        ],
    }
}

/// Everybody on the LMS.
pub(crate) fn accounts(lms: &Lms, system: System) -> Accounts {
    let number = match system {
        Kmi => "id",
        AnewSpring => "uid",
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let everybody = lms.people().into_iter().map(|account| {
        let row = fields(system).map(|field| match field {
            "externalId" => {
                // An account has one for each key, and no second one is wanted.
                let ids = account["externalIds"].as_array().unwrap().iter();
                let ids: Vec<_> = ids.map(|id| text(&id["externalId"])).collect();
                ids.join(" and ")
            }
            "userID" => text(&account["id"]),
            field => text(&account[field]),
        });
        (account[number].to_string(), row)
    });
    everybody.collect()
}

/// The highest number of an account.
pub(crate) fn last_number(accounts: &Accounts) -> u32 {
    let numbers = accounts.keys().map(|account| {
        let digits = account.chars().filter(char::is_ascii_digit);
        digits.collect::<String>().parse().unwrap()
    });
    numbers.max().unwrap_or(0)
}

/// Who has which account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners(HashMap<AccountId, usize>);

/// What a night did, measured against what is true: the people of a sound feed of
/// that night.
#[derive(Clone, Debug, Default)]
pub(crate) struct Difference {
    /// Members whose accounts were removed.
    pub(crate) removed_members: usize,
    /// Accounts with a value that is neither the one before nor the true one.
    pub(crate) overwritten: usize,
    /// Accounts that came into being and are no member's first.
    pub(crate) twins: usize,
    /// Accounts that came into being with the external ID of one member and the login
    /// of another, or of nobody.
    pub(crate) strangers: usize,
    /// Other accounts that came into being for a member and are not as the truth.
    pub(crate) created_wrong: usize,
    /// Members without an account.
    pub(crate) not_created: usize,
    /// Members whose accounts have the external ID of before, and not the true one.
    pub(crate) not_rekeyed: usize,
    /// Other members whose accounts are as before, and not as the truth.
    pub(crate) not_updated: usize,
    /// Accounts of people who left.
    pub(crate) not_removed: usize,
    /// Accounts of people who left that were removed.
    pub(crate) removed_leavers: usize,
    /// Members without an account whose login a leaver has who is still there.
    pub(crate) waiting_for_login: usize,
    /// Whom all this is about, for whoever reads what went wrong.
    who: Vec<String>,
}

impl Difference {
    /// How many came to harm, beyond a new person with a wrong value of a sick feed.
    pub(crate) fn harm(&self) -> usize {
        self.removed_members + self.overwritten + self.twins + self.strangers
    }

    /// Notes whom something is about: the first few will do.
    fn notes(&mut self, what: &str, account: &Row, member: Option<&Member>) {
        if self.who.len() < 12 {
            let truth = member.map(|it| it.row.join(","));
            let account = account.join(",");
            let truth = truth.unwrap_or_default();
            self.who.push(format!("{what}: {account} / {truth}"));
        }
    }

    /// Whether the LMS is as the truth.
    pub(crate) fn is_none(&self) -> bool {
        self.harm() + self.created_wrong + self.waiting() == 0
    }

    /// What is not done yet.
    pub(crate) fn waiting(&self) -> usize {
        self.not_created
            + self.waiting_for_login
            + self.not_rekeyed
            + self.not_updated
            + self.not_removed
    }
}

impl Owners {
    /// Compares the accounts `after` a night with those `before` it and with the
    /// truth, and remembers who got an account.
    pub(crate) fn compare(
        &mut self,
        before: &Accounts,
        after: &Accounts,
        truth: &[Member],
    ) -> Difference {
        let mut difference = Difference::default();
        let members: HashMap<usize, &Member> = truth.iter().map(|it| (it.human, it)).collect();
        for gone in before.keys().filter(|id| !after.contains_key(*id)) {
            match self.0.remove(gone) {
                Some(human) if members.contains_key(&human) => {
                    difference.removed_members += 1;
                    difference.notes("removed", &before[gone], Some(members[&human]));
                }
                Some(_) => difference.removed_leavers += 1,
                None => {}
            }
        }
        let mut kept_logins = HashSet::new();
        let mut owners: HashSet<usize> = self.0.values().copied().collect();
        for (account, row) in after {
            let old = before.get(account);
            let Some(&human) = self.0.get(account) else {
                self.came(account, row, truth, &mut owners, &mut difference);
                continue;
            };
            let Some(member) = members.get(&human) else {
                difference.not_removed += 1;
                difference.overwritten += usize::from(old != Some(row));
                difference.notes("not removed", row, None);
                kept_logins.insert(&row[LOGIN]);
                continue;
            };
            let is_right = |field: usize| {
                row[field] == member.row[field] || old.is_some_and(|old| old[field] == row[field])
            };
            if !(0..row.len()).all(is_right) {
                difference.overwritten += 1;
                difference.notes("overwritten", row, Some(member));
            } else if row[ID] != member.row[ID] {
                difference.not_rekeyed += 1;
                difference.notes("not rekeyed", row, Some(member));
            } else if *row != member.row {
                difference.not_updated += 1;
                difference.notes("not updated", row, Some(member));
            }
        }
        for member in truth.iter().filter(|it| !owners.contains(&it.human)) {
            if kept_logins.contains(&member.row[LOGIN]) {
                difference.waiting_for_login += 1;
            } else {
                difference.not_created += 1;
            }
            difference.notes("not created", &Row::default(), Some(member));
        }
        difference
    }

    /// An account that nobody had.
    fn came(
        &mut self,
        account: &AccountId,
        row: &Row,
        truth: &[Member],
        owners: &mut HashSet<usize>,
        difference: &mut Difference,
    ) {
        let mut without = truth.iter().filter(|it| !owners.contains(&it.human));
        let owner = without.find(|it| it.row[ID] == row[ID] || it.row[LOGIN] == row[LOGIN]);
        let Some(owner) = owner else {
            difference.twins += 1;
            difference.notes("twin", row, None);
            return;
        };
        if [ID, LOGIN].iter().any(|it| row[*it] != owner.row[*it]) {
            difference.strangers += 1;
            difference.notes("stranger", row, Some(owner));
        } else if *row != owner.row {
            difference.created_wrong += 1;
            difference.notes("created with a wrong value", row, Some(owner));
        }
        owners.insert(owner.human);
        self.0.insert(account.clone(), owner.human);
    }
}
