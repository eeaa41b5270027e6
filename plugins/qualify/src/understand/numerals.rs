//! Numbers written in words, French and English.

/// What a word does to a number under construction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Numeral {
    /// Adds itself: "trois", "trente".
    Plus(f64),
    /// Multiplies what stands before it: "cent", "dozen".
    Times(f64),
    /// As `Times`, and closes the group: "mille", "million".
    Group(f64),
    /// "vingt" is twenty, or eighty after four.
    Twenty,
    /// "et demi".
    Half,
}

/// Reads one folded word.
pub(super) fn numeral(word: &str) -> Option<Numeral> {
    use Numeral::{Group, Half, Plus, Times, Twenty};
    Some(match word {
        "zero" => Plus(0.0),
        "un" | "une" | "one" => Plus(1.0),
        "deux" | "two" => Plus(2.0),
        "trois" | "three" => Plus(3.0),
        "quatre" | "four" => Plus(4.0),
        "cinq" | "five" => Plus(5.0),
        "six" => Plus(6.0),
        "sept" | "seven" => Plus(7.0),
        "huit" | "eight" => Plus(8.0),
        "neuf" | "nine" => Plus(9.0),
        "dix" | "ten" => Plus(10.0),
        "onze" | "eleven" => Plus(11.0),
        "douze" | "twelve" => Plus(12.0),
        "treize" | "thirteen" => Plus(13.0),
        "quatorze" | "fourteen" => Plus(14.0),
        "quinze" | "fifteen" => Plus(15.0),
        "seize" | "sixteen" => Plus(16.0),
        "vingt" | "vingts" => Twenty,
        "twenty" => Plus(20.0),
        "trente" | "thirty" => Plus(30.0),
        "quarante" | "forty" => Plus(40.0),
        "cinquante" | "fifty" => Plus(50.0),
        "soixante" | "sixty" => Plus(60.0),
        "septante" | "seventy" => Plus(70.0),
        "huitante" | "octante" | "eighty" => Plus(80.0),
        "nonante" | "ninety" => Plus(90.0),
        "cent" | "cents" | "hundred" | "centaine" | "centaines" => Times(100.0),
        "dizaine" | "dizaines" => Times(10.0),
        "douzaine" | "douzaines" | "dozen" | "dozens" => Times(12.0),
        "quinzaine" => Times(15.0),
        "vingtaine" => Times(20.0),
        "trentaine" => Times(30.0),
        "quarantaine" => Times(40.0),
        "cinquantaine" => Times(50.0),
        "soixantaine" => Times(60.0),
        "mille" | "milles" | "thousand" | "millier" | "milliers" | "k" => Group(1_000.0),
        "million" | "millions" => Group(1_000_000.0),
        "demi" | "demie" | "half" => Half,
        _ => return None,
    })
}

/// The number at the head of some words, and how many words it takes. A leading digit number may be given
/// (`2` in "2 dizaines").
pub(super) fn spoken(words: &[&str], start: Option<f64>) -> Option<(f64, usize)> {
    let mut total = 0.0;
    let mut current = start.unwrap_or(0.0);
    let mut taken = 0;
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).and_then(|next| numeral(next));
        // "vingt et un", "deux et demi": the "et" belongs to the number only before a small numeral or a half.
        let joins = (*word == "et" || *word == "and") && (taken > 0 || start.is_some());
        if joins && matches!(next, Some(Numeral::Half)) || joins && taken == at && is_tens(current) && is_unit(next) {
            continue;
        }
        match numeral(word) {
            // After digits only a multiplier continues the number: "3 cinq" are two numbers.
            Some(Numeral::Plus(_) | Numeral::Twenty) if start.is_some() && taken == 0 => break,
            // "Trois quatre" and "dix quinze" are two numbers as well.
            Some(Numeral::Plus(value)) if !joins_tens(current, value) => break,
            Some(Numeral::Plus(value)) => current += value,
            Some(Numeral::Twenty) if current % 100.0 == 4.0 => current += 76.0,
            Some(Numeral::Twenty) => current += 20.0,
            Some(Numeral::Times(value)) => current = if current == 0.0 { value } else { current * value },
            Some(Numeral::Group(value)) => {
                total += if current == 0.0 { value } else { current * value };
                current = 0.0;
            }
            Some(Numeral::Half) if taken > 0 || start.is_some() => current += 0.5,
            Some(Numeral::Half) | None => break,
        }
        taken = at + 1;
    }
    (taken > 0).then_some((total + current, taken))
}

fn is_tens(value: f64) -> bool {
    value >= 20.0 && value % 10.0 == 0.0
}

/// Whether a number goes on with this one: "vingt deux", "quatre vingt quinze", "cent douze".
fn joins_tens(current: f64, value: f64) -> bool {
    let tens = current % 100.0;
    tens == 0.0 || tens % 10.0 == 0.0 && (value < 10.0 || tens == 60.0 || tens == 80.0)
}

fn is_unit(next: Option<Numeral>) -> bool {
    matches!(next, Some(Numeral::Plus(value)) if value <= 11.0)
}

#[cfg(test)]
mod tests {
    use super::spoken;

    #[test]
    fn words_are_numbers() {
        for (text, value) in [
            ("une dizaine", 10.0),
            ("deux cent cinquante", 250.0),
            ("quatre vingt dix sept", 97.0),
            ("vingt et un", 21.0),
            ("soixante et onze", 71.0),
            ("trois mille cinq cents", 3500.0),
            ("deux et demi", 2.5),
            ("a hundred", 100.0),
            ("two million", 2_000_000.0),
            ("trente quatre", 34.0),
        ] {
            let words: Vec<&str> = text.split(' ').filter(|word| *word != "a").collect();
            assert_eq!(spoken(&words, None), Some((value, words.len())), "{text}");
        }
        assert_eq!(spoken(&["six", "et", "sept"], None), Some((6.0, 1)));
        assert_eq!(spoken(&["dizaines"], Some(2.0)), Some((20.0, 1)));
        assert_eq!(spoken(&["cinq"], Some(2.0)), None);
    }
}
