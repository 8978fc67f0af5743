//! Finds a few letters in a longer text, in their order but with gaps: "zs" in "Zoom to Selection". Knows no commands.

/// Score of a match, the larger the better, and the matching characters of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The larger the better.
    pub score: i32,
    /// Numbers of the characters, ascending.
    pub at: Vec<usize>,
}

const WORD_START: i32 = 8;
const CONSECUTIVE: i32 = 6;
const LETTER: i32 = 1;
/// Upper bound on the length of texts and patterns; longer ones are cut.
const MOST: usize = 200;

/// Best match of the letters of `wanted` in `text`; white space in `wanted` and case do not count.
#[must_use]
pub fn find(wanted: &str, text: &str) -> Option<Match> {
    let wanted: Vec<char> =
        wanted.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).take(MOST).collect();
    let text: Vec<char> = text.chars().take(MOST).collect();
    let lower: Vec<char> = text.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
    if wanted.is_empty() {
        return Some(Match { score: 0, at: Vec::new() });
    }
    // best[w][t]: the best score of the first w+1 letters with the last of them at t, and the position of the one before.
    let mut best: Vec<Vec<Option<(i32, usize)>>> = Vec::with_capacity(wanted.len());
    for (w, letter) in wanted.iter().enumerate() {
        let mut row = vec![None; text.len()];
        for t in (0..text.len()).filter(|t| lower[*t] == *letter) {
            let own = LETTER + if starts_word(&text, t) { WORD_START } else { 0 };
            row[t] = if w == 0 {
                Some((own - (t as i32) / 8, t))
            } else {
                let before = best[w - 1][..t].iter().enumerate().filter_map(|(p, cell)| {
                    let next = if p + 1 == t { CONSECUTIVE } else { 0 };
                    cell.map(|(score, _)| (score + own + next, p))
                });
                before.max_by_key(|(score, p)| (*score, *p))
            };
        }
        best.push(row);
    }
    let last = best.last()?.iter().enumerate().filter_map(|(t, cell)| cell.map(|(score, _)| (score, t)));
    let (score, mut t) = last.max_by_key(|(score, t)| (*score, usize::MAX - t))?;
    let mut at = vec![t];
    for row in best.iter().skip(1).rev() {
        t = row[t]?.1;
        at.push(t);
    }
    at.reverse();
    // Of two texts that fit alike, the shorter is meant.
    Some(Match { score: score * 4 - (text.len() as i32) / 8, at })
}

/// Words of a text, in lower case.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Bonus of a text that has the words of `wanted` and not only their letters: the most for the same text, then for all of them as
/// whole words, as the beginnings of words, and as a part of the text.
#[must_use]
pub fn word_bonus(wanted: &str, text: &str) -> i32 {
    let (wanted_words, text_words) = (words(wanted), words(text));
    if wanted_words.is_empty() {
        return 0;
    }
    if wanted_words == text_words {
        return SAME_TEXT;
    }
    // What is written last may be the beginning of a word.
    let all = |fits: &dyn Fn(&str, &str) -> bool| {
        wanted_words.iter().all(|wanted| text_words.iter().any(|word| fits(word, wanted)))
    };
    let begins_with_it = text_words.starts_with(&wanted_words);
    match () {
        () if begins_with_it => WHOLE_WORDS + FIRST_WORDS,
        () if all(&|word, wanted| word == wanted) => WHOLE_WORDS,
        () if all(&|word, wanted| word.starts_with(wanted)) => WORD_STARTS,
        () if text.to_lowercase().contains(wanted.trim().to_lowercase().as_str()) => PART_OF_TEXT,
        () => 0,
    }
}

const SAME_TEXT: i32 = 40_000;
const WHOLE_WORDS: i32 = 20_000;
const FIRST_WORDS: i32 = 5_000;
const WORD_STARTS: i32 = 10_000;
const PART_OF_TEXT: i32 = 5_000;

fn starts_word(text: &[char], at: usize) -> bool {
    text[at].is_alphanumeric() && (at == 0 || !text[at - 1].is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_of_words_win() {
        let found = find("zs", "Zoom to selection").expect("it fits");
        assert_eq!(found.at, [0, 8]);
        let there = |wanted: &str, text: &str| find(wanted, text).map_or(i32::MIN, |found| found.score);
        assert!(there("cs", "Copy stack") > there("cs", "Close trace summary"));
        assert!(there("open", "Open trace") > there("open", "Zoom to the sample plan end"));
        assert!(there("zoom", "Zoom in") > there("zoom", "Zoom to the whole trace"));
    }

    #[test]
    fn exact_words_come_before_letters() {
        let order = |wanted: &str, texts: &[&str]| {
            let bonus = |text: &&&str| std::cmp::Reverse(word_bonus(wanted, text));
            let mut sorted: Vec<&&str> = texts.iter().collect();
            sorted.sort_by_key(|text| bonus(text));
            sorted.into_iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()
        };
        let found =
            order("size", &["Synchronize", "Resize panels", "Sizes of rows", "Outstanding size", "Size class", "Size"]);
        assert_eq!(found[..4], ["Size", "Size class", "Outstanding size", "Sizes of rows"]);
        assert_eq!(word_bonus("leak h", "Preset: Leak hunt"), WORD_STARTS);
        assert_eq!(word_bonus("hunt leak", "Preset: Leak hunt"), WHOLE_WORDS);
        assert_eq!((word_bonus("zs", "Zoom to selection"), word_bonus(" ", "anything")), (0, 0));
    }

    #[test]
    fn letters_come_in_their_order_whatever_their_case() {
        assert_eq!(find("ZOOM in", "zoom In").map(|found| found.at), Some(vec![0, 1, 2, 3, 5, 6]));
        assert_eq!(find("moz", "zoom"), None);
        assert_eq!(find("x", ""), None);
        assert_eq!(find(" ", "anything").map(|found| found.at), Some(Vec::new()));
        assert_eq!(find("\u{e9}", "caf\u{c9}").map(|found| found.at), Some(vec![3]));
    }
}
