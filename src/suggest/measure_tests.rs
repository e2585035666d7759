//! How many lines of a first mapping a person must correct, measured on invented feeds in
//! the shapes of real systems: `suggest/samples.txt`.

use std::collections::BTreeMap;

use super::draft_tests::draft;
use super::*;

/// What a first mapping gets wrong of one sample.
struct Judged {
    name: &'static str,
    wrong: Vec<String>,
}

/// The name of a field of KMI in a system.
fn field_in(system: System, name: &str) -> &str {
    match (system, name) {
        (System::ANewSpring, "externalId") => "userID",
        (System::ANewSpring, "city") => "residence",
        (System::Kmi, "login") => "loginName",
        _ => name,
    }
}

fn judge(system: System, sample: &'static str) -> Judged {
    let (name, rest) = sample.split_once('\n').unwrap();
    let (feed, right) = rest.split_once("\n-- ").unwrap();
    let draft = draft(system, feed);
    let of = |proposal: &Proposal| {
        let columns: Vec<_> = proposal
            .columns
            .iter()
            .map(|it| it.replace(' ', "_"))
            .collect();
        (proposal.field, columns.join("+"))
    };
    let mut found: BTreeMap<_, _> = draft.proposals.iter().map(of).collect();
    let filter = draft
        .text
        .lines()
        .find_map(|line| line.strip_prefix("where = "));
    let filter = filter.and_then(|it| it.split('\'').nth(1));
    found.insert("where", filter.unwrap_or_default().replace(' ', "_"));
    let mut wrong = Vec::new();
    let mut right: Vec<_> = right.lines().next().unwrap().split_whitespace().collect();
    // What else is set is wrong as well.
    if right.pop_if(|it| *it == "only").is_some() {
        let listed: Vec<_> = right.iter().filter_map(|it| it.split('=').next()).collect();
        let more = found.iter().filter(|(field, columns)| {
            **field != "where"
                && !columns.is_empty()
                && !listed.iter().any(|it| field_in(system, it) == **field)
        });
        wrong.extend(more.map(|(field, columns)| format!("{field} is set to `{columns}`")));
    }
    for pair in &right {
        let (field, columns) = pair.split_once('=').unwrap();
        let field = field_in(system, field);
        if field != "where" && system.spec().field(field).is_none() {
            continue;
        }
        let is = found.get(field).map_or("", String::as_str);
        if columns.split('|').all(|it| it != is) {
            wrong.push(format!("{field} is `{is}` and not `{columns}`"));
        }
    }
    let wants_filter = right.iter().any(|it| it.starts_with("where="));
    if !wants_filter && !found["where"].is_empty() {
        wrong.push(format!("where asks `{}`", found["where"]));
    }
    Judged { name, wrong }
}

#[test]
fn a_person_corrects_at_most_one_line_of_most_first_mappings() {
    let samples = include_str!("samples.txt").split("== ").skip(1);
    let samples: Vec<_> = samples.collect();
    assert!(samples.len() >= 30);
    for system in System::ALL {
        let judged = samples.iter().map(|sample| judge(*system, sample));
        let judged: Vec<_> = judged.collect();
        let mut lines: Vec<_> = judged.iter().map(|it| it.wrong.len()).collect();
        lines.sort_unstable();
        let list = judged.iter().filter(|it| !it.wrong.is_empty());
        let list: Vec<_> = list
            .map(|it| format!("{}: {:?}", it.name, it.wrong))
            .collect();
        let list = list.join("\n");
        let whole = lines.iter().filter(|it| **it == 0).count();
        assert!(lines[lines.len() / 2] == 0, "{system}\n{list}");
        assert!(
            whole * 10 >= lines.len() * 9,
            "{system}: {whole} of {} are right\n{list}",
            lines.len()
        );
        assert!(lines.iter().all(|it| *it <= 2), "{system}\n{list}");
    }
}
