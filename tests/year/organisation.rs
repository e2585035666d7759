//! An organisation of invented people, and what a night brings: joiners, movers,
//! leavers, and the rest of what happens to people who work.

use std::collections::HashSet;

use fastrand::Rng;

/// The header of the feed.
pub(crate) const COLUMNS: [&str; 8] = [
    "Personnel number",
    "First name",
    "Last name",
    "E-mail",
    "Login",
    "City",
    "Department",
    "Country",
];

pub(crate) const ID: usize = 0;
pub(crate) const FIRST: usize = 1;
pub(crate) const LAST: usize = 2;
pub(crate) const EMAIL: usize = 3;
pub(crate) const LOGIN: usize = 4;
pub(crate) const CITY: usize = 5;
pub(crate) const DEPARTMENT: usize = 6;
pub(crate) const COUNTRY: usize = 7;

/// One row of the feed, and one account of the LMS.
pub(crate) type Row = [String; COLUMNS.len()];

/// Somebody, whatever the feed calls him or her.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// The human, whom no number, name or address of the feed changes.
    pub(crate) human: usize,
    pub(crate) row: Row,
    /// The login follows the last name.
    derives_login: bool,
    /// The e-mail address is that of a whole desk.
    shares_mailbox: bool,
}

/// What a night brings to 1,000 people, on average.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) joiners: f64,
    pub(crate) leavers: f64,
    pub(crate) movers: f64,
    pub(crate) marriages: f64,
    pub(crate) renumbered: f64,
    pub(crate) returners: f64,
    pub(crate) heirs: f64,
}

/// A fifth of the people come and a fifth go in a year.
pub(crate) const A_YEAR: Pace = Pace {
    joiners: 0.6,
    leavers: 0.5,
    movers: 2.0,
    marriages: 0.05,
    renumbered: 0.05,
    returners: 0.1,
    heirs: 0.02,
};

/// All of it within some weeks, in a small organisation.
pub(crate) const SOME_WEEKS: Pace = Pace {
    joiners: 2.0,
    leavers: 1.5,
    movers: 6.0,
    marriages: 1.0,
    renumbered: 0.7,
    returners: 0.7,
    heirs: 0.4,
};

/// How often each thing happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Happened {
    pub(crate) joined: u64,
    pub(crate) left: u64,
    pub(crate) moved: u64,
    pub(crate) married: u64,
    pub(crate) renumbered: u64,
    pub(crate) returned: u64,
    pub(crate) inherited_logins: u64,
    pub(crate) departments_renamed: u64,
}

pub(crate) struct Organisation {
    rng: Rng,
    pace: Pace,
    pub(crate) members: Vec<Member>,
    /// Who left and may return.
    away: Vec<Member>,
    humans: usize,
    next_id: u32,
    departments: Vec<String>,
    /// What was ever used is not given to a stranger.
    used: HashSet<String>,
    pub(crate) happened: Happened,
}

impl Organisation {
    pub(crate) fn new(people: usize, pace: Pace, seed: u64) -> Self {
        let mut it = Self {
            rng: Rng::with_seed(seed),
            pace,
            members: Vec::new(),
            away: Vec::new(),
            humans: 0,
            next_id: 1,
            departments: DEPARTMENTS.map(str::to_owned).to_vec(),
            used: HashSet::new(),
            happened: Happened::default(),
        };
        for _ in 0..people {
            let member = it.somebody();
            it.members.push(member);
        }
        it
    }

    /// The feed of today.
    pub(crate) fn rows(&self) -> Vec<Row> {
        self.members.iter().map(|it| it.row.clone()).collect()
    }

    /// A day passes.
    pub(crate) fn pass_a_day(&mut self) {
        let pace = self.pace;
        let of = self.members.len() as f64 / 1000.0;
        for _ in 0..self.draw(pace.leavers * of) {
            let leaver = self.leaves();
            self.away.push(leaver);
        }
        for _ in 0..self.draw(pace.heirs * of) {
            self.inherits();
        }
        for _ in 0..self.draw(pace.joiners * of) {
            let member = self.somebody();
            self.joins(member);
            self.happened.joined += 1;
        }
        for _ in 0..self.draw(pace.returners * of) {
            self.returns();
        }
        for _ in 0..self.draw(pace.movers * of) {
            self.moves();
        }
        for _ in 0..self.draw(pace.marriages * of) {
            self.marries();
        }
        for _ in 0..self.draw(pace.renumbered * of) {
            let (member, id) = (self.anybody(), self.new_id());
            self.members[member].row[ID] = id;
            self.happened.renumbered += 1;
        }
    }

    /// A department of 10 to 30 % of the people gets another name.
    pub(crate) fn rename_a_department(&mut self) {
        let size = |name: &str| {
            let members = self.members.iter();
            members.filter(|it| it.row[DEPARTMENT] == name).count() as f64
        };
        let all = self.members.len() as f64;
        let fits = |name: &&String| (0.1..=0.3).contains(&(size(name) / all));
        let old = self.departments.iter().find(fits).cloned().unwrap();
        self.happened.departments_renamed += 1;
        let new = format!("{old} {}", self.happened.departments_renamed);
        for member in &mut self.members {
            if member.row[DEPARTMENT] == old {
                member.row[DEPARTMENT].clone_from(&new);
            }
        }
        self.departments.retain(|name| *name != old);
        self.departments.push(new);
    }

    /// Another company joins, with IDs of its own.
    pub(crate) fn merge(&mut self, people: usize) {
        for number in 1..=people {
            let mut member = self.somebody();
            member.row[ID] = format!("M{number:05}");
            self.members.push(member);
        }
    }

    /// A company that nobody here knows, with these IDs.
    pub(crate) fn another_company(&mut self, ids: impl Iterator<Item = String>) -> Vec<Row> {
        ids.map(|id| {
            let mut row = self.somebody().row;
            row[ID] = id;
            row
        })
        .collect()
    }

    /// How many happen if `mean` happen on average.
    fn draw(&mut self, mean: f64) -> usize {
        // Knuth's way to draw from Poisson's distribution.
        let (end, mut product, mut count) = ((-mean).exp(), self.rng.f64(), 0);
        while product > end {
            product *= self.rng.f64();
            count += 1;
        }
        count
    }

    fn anybody(&mut self) -> usize {
        self.rng.usize(..self.members.len())
    }

    fn new_id(&mut self) -> String {
        // Numbers are not given one after the other, and none begins without 0.
        self.next_id += self.rng.u32(1..4);
        format!("{:07}", self.next_id)
    }

    fn pick(&mut self, from: &[&str]) -> String {
        from[self.rng.usize(..from.len())].to_owned()
    }

    fn last_name(&mut self) -> String {
        let (begin, end) = (self.pick(&BEGINNINGS), self.pick(&ENDS));
        format!("{begin}{end}")
    }

    /// `text`, or with the first number that makes it new.
    fn unused(&mut self, text: impl Fn(&str) -> String) -> String {
        let mut texts = (1..).map(|number| match number {
            1 => text(""),
            number => text(&number.to_string()),
        });
        texts.find(|text| self.used.insert(text.clone())).unwrap()
    }

    fn derived_login(&mut self, first: &str, last: &str) -> String {
        let initial = first.chars().next().unwrap();
        let login = format!("{initial}{last}").to_lowercase();
        self.unused(|number| format!("{login}{number}"))
    }

    fn own_email(&mut self, first: &str, last: &str) -> String {
        let name = format!("{first}.{last}").to_lowercase();
        self.unused(|number| format!("{name}{number}@example.com"))
    }

    /// Somebody whom nobody ever saw.
    fn somebody(&mut self) -> Member {
        self.humans += 1;
        let (first, last) = (self.pick(&FIRST_NAMES), self.last_name());
        let derives_login = self.rng.u8(..3) > 0;
        let shares_mailbox = self.rng.u8(..20) == 0;
        let login = if derives_login {
            self.derived_login(&first, &last)
        } else {
            let number = self.rng.u32(..);
            self.unused(|more| format!("u{number:08x}{more}"))
        };
        let email = if shares_mailbox {
            format!("desk{}@example.com", self.rng.u8(..4))
        } else {
            self.own_email(&first, &last)
        };
        // Some live nowhere.
        let city = if self.rng.u8(..20) == 0 {
            String::new()
        } else {
            self.pick(&CITIES)
        };
        let department = self.rng.usize(..self.departments.len());
        Member {
            human: self.humans,
            row: [
                self.new_id(),
                first,
                last,
                email,
                login,
                city,
                self.departments[department].clone(),
                self.pick(&["NL", "DE", "BE"]),
            ],
            derives_login,
            shares_mailbox,
        }
    }

    /// Somewhere in the feed: an export has an order of its own.
    fn joins(&mut self, member: Member) {
        let place = self.rng.usize(..=self.members.len());
        self.members.insert(place, member);
    }

    fn leaves(&mut self) -> Member {
        self.happened.left += 1;
        let place = self.anybody();
        self.members.remove(place)
    }

    /// Somebody leaves for good, and a joiner of the same day gets the login.
    fn inherits(&mut self) {
        let leaver = self.leaves();
        // With another name: or nobody could say who it is.
        let is_another = |heir: &Member| {
            let differs = |field: usize| heir.row[field] != leaver.row[field];
            [FIRST, LAST, EMAIL].into_iter().all(differs)
        };
        let mut heir = self.somebody();
        while !is_another(&heir) {
            heir = self.somebody();
        }
        heir.row[LOGIN].clone_from(&leaver.row[LOGIN]);
        heir.derives_login = false;
        self.joins(heir);
        self.happened.joined += 1;
        self.happened.inherited_logins += 1;
    }

    /// With the old number or a new one.
    fn returns(&mut self) {
        if self.away.is_empty() {
            return;
        }
        let place = self.rng.usize(..self.away.len());
        let mut member = self.away.swap_remove(place);
        if self.rng.bool() {
            member.row[ID] = self.new_id();
        }
        self.joins(member);
        self.happened.returned += 1;
    }

    fn moves(&mut self) {
        let place = self.anybody();
        let department = self.rng.usize(..self.departments.len());
        let (city, country) = (self.pick(&CITIES), self.pick(&["NL", "DE", "BE"]));
        let row = &mut self.members[place].row;
        row[CITY] = city;
        row[COUNTRY] = country;
        row[DEPARTMENT].clone_from(&self.departments[department]);
        self.happened.moved += 1;
    }

    fn marries(&mut self) {
        let (place, last) = (self.anybody(), self.last_name());
        let first = self.members[place].row[FIRST].clone();
        if !self.members[place].shares_mailbox {
            self.members[place].row[EMAIL] = self.own_email(&first, &last);
        }
        if self.members[place].derives_login && self.rng.bool() {
            self.members[place].row[LOGIN] = self.derived_login(&first, &last);
        }
        self.members[place].row[LAST] = last;
        self.happened.married += 1;
    }
}

const DEPARTMENTS: [&str; 7] = [
    "Care",
    "Finance",
    "Kitchen",
    "Sales",
    "Schooling",
    "Stores",
    "Transport",
];

const CITIES: [&str; 8] = [
    "Aalst", "Bremen", "Deventer", "Emden", "Gent", "Leer", "Meppel", "Zwolle",
];

const FIRST_NAMES: [&str; 24] = [
    "Aaltje", "Bram", "Carla", "Dirk", "Elske", "Femke", "Gerrit", "Hanna", "Ilse", "Jorrit",
    "Klaas", "Lotte", "Maaike", "Nico", "Okke", "Petra", "Quinten", "Rixt", "Sietske", "Teun",
    "Ute", "Vera", "Wiebke", "Ysbrand",
];

const BEGINNINGS: [&str; 22] = [
    "Acker", "Berg", "Brink", "Dijk", "Eik", "Feld", "Gans", "Haver", "Iep", "Kamp", "Land",
    "Meer", "Nijen", "Oost", "Plaat", "Roos", "Stein", "Tuin", "Veen", "Water", "Zand", "Zomer",
];

const ENDS: [&str; 20] = [
    "bakker", "beek", "boom", "brug", "dam", "huis", "hof", "horst", "hout", "kamp", "laan", "man",
    "meijer", "mann", "oord", "ring", "stra", "veld", "wijk", "zon",
];
