//! Who people are: their addresses and their experience.
//!
//! Git names people by what they typed into their settings, so a match is a help, not a proof. What must hold: nobody is
//! taken to be more experienced than the file says; where a name or an address belongs to two members nobody is found.

use super::facts::{Level, same};

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamMember {
    /// The name.
    pub name: String,
    /// All addresses.
    pub emails: Vec<String>,
    /// The experience.
    pub level: Level,
    /// The teams, as named by `owner` in topologies.
    pub teams: Vec<String>,
}

/// Everybody who is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Team {
    /// The members.
    pub people: Vec<TeamMember>,
}

impl Team {
    /// The member behind an address, else behind a name; letter case does not matter.
    pub fn find(&self, name: Option<&str>, emails: &[String]) -> Option<&TeamMember> {
        let by_email = |member: &&TeamMember| member.emails.iter().any(|a| emails.iter().any(|b| same(a, b)));
        let mut found = self.people.iter().filter(by_email);
        match (found.next(), found.next()) {
            (Some(member), None) => return Some(member),
            (Some(_), Some(_)) => return None,
            _ => {}
        }
        let name = name?;
        let mut found = self.people.iter().filter(|member| same(&member.name, name));
        found.next().filter(|_| found.next().is_none())
    }

    /// The team where a change edits its file: of each member the lower level, and the teams and addresses of both versions. Who is
    /// new to the file has a name only.
    #[must_use]
    pub fn held_to(&self, before: &Self) -> Self {
        let held = |member: &TeamMember| {
            let mut known = before.people.iter().filter(|known| same(&known.name, &member.name));
            // Two of one name are nobody.
            let known = known.next().filter(|_| known.next().is_none());
            let both = |now: &[String], then: &[String]| now.iter().filter(|one| then.contains(one)).cloned().collect();
            TeamMember {
                name: member.name.clone(),
                emails: known.map_or_else(Vec::new, |known| both(&member.emails, &known.emails)),
                level: match known {
                    Some(known) if known.level.caution() < member.level.caution() => known.level,
                    Some(_) => member.level,
                    None => Level::Unknown,
                },
                teams: known.map_or_else(Vec::new, |known| both(&member.teams, &known.teams)),
            }
        };
        Self { people: self.people.iter().map(held).collect() }
    }

    /// The experience of a person, [`Level::Unknown`] where nobody is found.
    pub fn level(&self, name: Option<&str>, emails: &[String]) -> Level {
        self.find(name, emails).map_or(Level::Unknown, |member| member.level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_before_names_and_doubt_finds_nobody() {
        let member = |name: &str, email: &str, level| TeamMember {
            name: name.to_owned(),
            emails: vec![email.to_owned()],
            level,
            teams: Vec::new(),
        };
        let people = vec![
            member("Kim", "kim@x.org", Level::Junior),
            member("Lee", "lee@x.org", Level::Senior),
            member("Lee", "lee2@x.org", Level::Mid),
        ];
        let team = Team { people };
        assert_eq!(team.level(Some("Lee"), &["KIM@x.org".to_owned()]), Level::Junior);
        assert_eq!(team.level(Some(" kim "), &[]), Level::Junior);
        assert_eq!(team.level(Some("Lee"), &[]), Level::Unknown);
        assert_eq!(team.level(Some("Lee"), &["lee@x.org".to_owned()]), Level::Senior);
        assert_eq!(team.level(None, &["nobody@x.org".to_owned()]), Level::Unknown);
    }
}
