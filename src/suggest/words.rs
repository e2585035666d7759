//! Words that cells of a column hold, normalized as column names are.

use crate::headers::normalized;

/// Forms of address and academic titles.
const TITLES: &str = "dr drs ir ing mr mrs ms miss mx prof profdr profdring drir dring bsc msc ba ma mba llm \
     phd md sir dame rev dhr deheer heer mw mevr mevrouw meneer herr frau dipling mag m mme \
     mlle monsieur madame sr sra srta don dona sig sigra signor signora pan pani";

/// What is between first and last name in Dutch, German, French, Spanish, Portuguese and
/// Italian.
const NAME_PREFIXES: &str = "van de der den het ter ten te vande vander vanden vandenberg vandenb in int op aan bij \
    von vom zu zum zur zuder vonder vonden vondem vonund vonundzu la le les du des d l t s da do dos das del dela \
    delos delas dal della di el al af av vant vandet opde inden inde aande aanden vander vander bin ibn";

/// What a status says of somebody who is still there.
const HERE: &str = "active activ actief aktiv actif active activo activa a employed current working present \
    onleave leave leaveofabsence loa paidleave unpaidleave parentalleave maternityleave sabbatical furlough furloughed \
    leavewithpay l p probation regular fulltime parttime hired yes \
    indienst werkzaam verlof metverlof beschaftigt inelternzeit elternzeit beurlaubt angestellt ruhend mutterschutz \
    enposte presente present enactivite enconge conge cdi cdd \
    alta enalta vigente deactivo empleado licencia \
    ansatt ipermisjon permisjon ansat orlov paorlov anstalld tjanstledig foraldraledig \
    aktywny aktywna zatrudniony zatrudniona urlop attivo attiva inforza inservizio inaspettativa dipendente \
    ativo ativa afastado afastada ferias emferias delicenca \
    在籍 在職 在籍中 在職中 休職 休職中 育休 産休 在职 正式 试用 试用期 休假 正常";

/// What it says of somebody who is not.
const LEFT: &str = "terminated inactive left leaver retired deceased resigned dismissed discharged departed \
    former formeremployee exemployee quit deleted tobedeleted archived closed t r d i term separated \
    withdrawn expired notactive nolongeremployed offboarded deprovisioned terminatedwithpay retiredwithpay deactivated \
    uitdienst opgezegd inactief gestopt vertrokken gepensioneerd overleden ontslagen \
    ausgeschieden ausgetreten inaktiv verrentet pensioniert verstorben entlassen ehemalig ehemaliger \
     gekündigt gekuendigt \
    sorti parti inactif inactive retraite licencie demissionne decede ancien \
    baja debaja inactivo inactiva cesado cesada jubilado jubilada despedido retirado fallecido \
    sluttet oppsagt fratradt pensjonert opsagt fratrådt pensioneret slutat avslutad uppsagd pensionerad \
    nieaktywny nieaktywna zwolniony zwolniona rozwiazany emeryt odszedł nonattivo inattivo cessato cessata dimesso \
    dimissionario licenziato licenziata pensionato inpensione demitido demitida desligado desligada inativo inativa \
    rescindido aposentado aposentada falecido \
    退職 退社 退職済 退職済み 離職 定年退職 离职 已离职 辞职 退休 离退";

/// Who works there without being employed.
const EXTERNAL: &str = "contractor contractors external extern externe contingent contingentworker freelancer freelance \
    vendor agency inhuur ingehuurd uitzendkracht zzp leiharbeiter zeitarbeit dienstleister prestataire interimaire \
    contratista consultant guest temp volunteer vrijwilliger \
    innleid konsulent konsult vikar esterno collaboratoreesterno externo terceiro terceirizado prestador zewnetrzny";

const YES: &str = "true yes y 1 ja j oui o si s waar wahr vrai verdadero x on tak sim sant sand sann vero verdadeiro prawda 是 有";
const NO: &str = "false no n 0 nee nein non onwaar falsch faux falso off nei nej nie nao usant falsk falskt fałsz 否 無 无";

fn is_one_of(words: &str, text: &str) -> bool {
    let word = normalized(text);
    !word.is_empty()
        && words
            .split_whitespace()
            .any(|known| normalized(known) == word)
}

/// Whether a text is a form of address, and not a job.
pub(super) fn is_title(text: &str) -> bool {
    is_one_of(TITLES, text)
}

/// Whether a text is what may be before a last name: `van der`.
pub(super) fn is_name_prefix(text: &str) -> bool {
    let mut words = text
        .split(|char: char| char.is_whitespace() || matches!(char, '\'' | '’' | '.'))
        .filter(|word| !word.is_empty())
        .peekable();
    words.peek().is_some() && words.all(|word| is_one_of(NAME_PREFIXES, word))
}

/// Whether a person with this status is still there; `None` if that is not known. Of
/// several words, one that says it counts: `Terminated for cause`.
pub(super) fn is_here(text: &str) -> Option<bool> {
    // Shorter ones mean something else beside other words.
    const LEAST: usize = 6;
    if is_one_of(HERE, text) {
        return Some(true);
    }
    if is_one_of(LEFT, text) {
        return Some(false);
    }
    let words = text.split(|char: char| !char.is_alphanumeric());
    let words: Vec<_> = words.filter(|it| it.chars().count() >= LEAST).collect();
    let says = |known: &str| words.iter().any(|it| is_one_of(known, it));
    let is_open = text.split_whitespace().any(|it| {
        is_one_of(
            "not no non nicht niet kein keine pending future planned",
            it,
        )
    });
    match (says(HERE), says(LEFT)) {
        (here, left) if is_open || here == left => None,
        (here, _) => Some(here),
    }
}

/// Whether a status says that somebody, or an account, is shut out for a time.
pub(super) fn is_suspended(text: &str) -> bool {
    is_one_of(
        "suspended suspendido suspendu gesperrt opgeschort sospeso suspenso",
        text,
    )
}

/// Whether a status says that somebody works there without being employed.
pub(super) fn is_external(text: &str) -> bool {
    is_one_of(EXTERNAL, text)
}

/// Yes or no, if a text says either.
pub(super) fn is_yes(text: &str) -> Option<bool> {
    if is_one_of(YES, text) {
        Some(true)
    } else if is_one_of(NO, text) {
        Some(false)
    } else {
        None
    }
}

/// `male` or `female`, if a normalized word means it in English, Dutch, German,
/// French, Spanish, Japanese, Chinese, a Scandinavian language, Polish, Italian or
/// Portuguese, and nothing if it means unknown, or another
/// gender, which no LMS takes.
pub(super) fn gender(word: &str) -> Option<&'static str> {
    match word {
        "m" | "male" | "man" | "mannelijk" | "heer" | "dhr" | "mann" | "mannlich" | "herr"
        | "mr" | "monsieur" | "meneer" | "deheer" | "sr" | "maennlich" | "sig" | "signor"
        | "pan" | "h" | "homme" | "masculin" | "hombre" | "masculino" | "varon" | "mand"
        | "mezczyzna" | "maschio" | "uomo" | "maschile" | "homem" | "男" | "男性" => {
            Some("male")
        }
        "f" | "female" | "woman" | "v" | "vrouw" | "vrouwelijk" | "mevrouw" | "mevr" | "mw"
        | "w" | "weiblich" | "frau" | "mrs" | "ms" | "miss" | "mme" | "madame" | "mlle" | "sra"
        | "srta" | "sigra" | "signora" | "pani" | "femme" | "feminin" | "mujer" | "femenino"
        | "k" | "kvinne" | "kvinde" | "kvinna" | "kobieta" | "femmina" | "donna" | "femminile"
        | "mulher" | "feminino" | "女" | "女性" => Some("female"),
        "unknown" | "unspecified" | "notspecified" | "undisclosed" | "notdisclosed" | "na"
        | "none" | "onbekend" | "nietopgegeven" | "nvt" | "unbekannt" | "keineangabe"
        | "inconnu" | "desconocido" | "不明" | "未知" | "d" | "x" | "o" | "u" | "divers"
        | "diverse" | "other" | "nonbinary" | "anders" | "autre" | "otro" | "その他" | "其他" => {
            Some("")
        }
        _ => None,
    }
}

/// The same for the numbers of ISO/IEC 5218.
pub(super) fn gender_number(word: &str) -> Option<&'static str> {
    match word {
        "1" => Some("male"),
        "2" => Some("female"),
        "0" | "9" => Some(""),
        _ => None,
    }
}

/// Whether hrfeed reads the word as a gender by itself.
pub(super) fn is_known_gender(word: &str) -> bool {
    matches!(word, "m" | "male" | "man" | "f" | "female" | "woman")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_of_several_says_whether_somebody_is_still_there() {
        for (status, here) in [
            ("Terminated for cause", Some(false)),
            ("Voluntarily Terminated", Some(false)),
            ("Active Assignment", Some(true)),
            ("gekündigt", Some(false)),
            ("Gekuendigt", Some(false)),
            ("Not active", Some(false)),
            ("On leave", Some(true)),
            ("Pending terminated", None),
            ("Inactive - Active Payroll", None),
            ("Left-handed", None),
            ("Contract", None),
        ] {
            assert_eq!(is_here(status), here, "{status}");
        }
    }
}
