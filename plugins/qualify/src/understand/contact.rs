//! E-mail addresses and postcodes.

use super::{Reading, fold};

/// The e-mail address in a message. "jean arobase exemple.fr" and a comma for the dot are likely ones.
pub(crate) fn email(text: &str) -> Option<Reading<String>> {
    let found = |text: &str| text.split_whitespace().map(trimmed).find(|word| is_email(word)).map(str::to_lowercase);
    if let Some(address) = found(text) {
        return Some(Reading::sure(address));
    }
    let mut spoken = fold(text);
    for (word, sign) in [
        (" arobase ", "@"),
        ("(at)", "@"),
        ("[at]", "@"),
        (" at ", "@"),
        (" point ", "."),
        (" dot ", "."),
        (" @ ", "@"),
        (" @", "@"),
        ("@ ", "@"),
    ] {
        spoken = spoken.replace(word, sign);
    }
    let with_comma = |word: &str| match word.rsplit_once('@') {
        Some((name, domain)) => format!("{name}@{}", domain.replace(',', ".")),
        None => word.to_owned(),
    };
    let repaired: Vec<String> = spoken.split_whitespace().map(with_comma).collect();
    found(&repaired.join(" ")).map(Reading::likely)
}

fn trimmed(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_' && c != '+')
}

fn is_email(word: &str) -> bool {
    let Some((name, domain)) = word.split_once('@') else { return false };
    let name_fits = |c: char| c.is_alphanumeric() || "._%+-'".contains(c);
    let labels: Vec<&str> = domain.split('.').collect();
    let label_fits = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let ends = labels.last().is_some_and(|last| last.len() >= 2 && last.chars().all(char::is_alphabetic));
    !name.is_empty() && name.chars().all(name_fits) && labels.len() >= 2 && labels.iter().all(label_fits) && ends
}

/// The postcode in a message: five digits (France, Germany, Italy, Spain…), also written "75 011"; four (Belgium,
/// Switzerland…) are likely one.
pub(crate) fn postcode(text: &str) -> Option<Reading<String>> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let digits = |word: &&&str, len: usize| word.len() == len && word.chars().all(|c| c.is_ascii_digit());
    if let Some(code) = words.iter().find(|word| digits(word, 5)) {
        return Some(Reading::sure((*code).to_owned()));
    }
    for pair in words.windows(2) {
        if let [head, tail] = pair
            && digits(&head, 2)
            && digits(&tail, 3)
        {
            return Some(Reading::sure(format!("{head}{tail}")));
        }
    }
    // "F-75011" and "L1234" have a letter stuck on.
    let stuck = words.iter().map(|word| word.trim_start_matches(|c: char| c.is_ascii_alphabetic()));
    let mut stuck = stuck.filter(|word| digits(&word, 5) || digits(&word, 4));
    stuck.next().map(|code| Reading::likely(code.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::How;
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("C'est Jean.Roux+x@exemple.fr.", Some(("jean.roux+x@exemple.fr", How::Sure))),
            ("<a@b.co>", Some(("a@b.co", How::Sure))),
            ("jean arobase exemple point fr", Some(("jean@exemple.fr", How::Likely))),
            ("jean@exemple,fr", Some(("jean@exemple.fr", How::Likely))),
            ("jean @ exemple.fr", Some(("jean@exemple.fr", How::Likely))),
            ("@jean", None),
            ("jean@exemple", None),
            ("je ne donne pas mon mail", None),
        ] {
            let read = email(text).map(|reading| (reading.what, reading.how));
            assert_eq!(read, expected.map(|(address, how)| (address.to_owned(), how)), "{text}");
        }
    }

    #[test]
    fn postcodes() {
        for (text, expected) in [
            ("75011", Some(("75011", How::Sure))),
            ("J'habite à Lyon (69003)", Some(("69003", How::Sure))),
            ("75 011 Paris", Some(("75011", How::Sure))),
            ("F-13001", Some(("13001", How::Sure))),
            ("1000 Bruxelles", Some(("1000", How::Likely))),
            ("L1234", Some(("1234", How::Likely))),
            ("Paris 11", None),
            ("0612345678", None),
        ] {
            let read = postcode(text).map(|reading| (reading.what, reading.how));
            assert_eq!(read, expected.map(|(code, how)| (code.to_owned(), how)), "{text}");
        }
    }
}
