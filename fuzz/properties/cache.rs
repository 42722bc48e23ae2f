//! The validation cache changes no result: whatever was validated, appended or edited before, it reports the
//! same for a text as validating the text does.

use arbitrary::{Arbitrary, Unstructured};
use jsonmerge::array::{Array, Brackets, Invalid};
use jsonmerge::cache::{self, StemHasher};

/// An operation on one of the texts.
#[derive(Arbitrary, Debug)]
struct Step {
    #[arbitrary(with = |input: &mut Unstructured| input.choose_index(TEXTS))]
    text: usize,
    operation: Operation,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Validate,
    /// Makes the text an array of this many digits, as APPEND does if the key is missing.
    Create(u8),
    /// Appends, as APPEND does.
    Append {
        #[arbitrary(with = |input: &mut Unstructured| input.choose(&ADDED).copied())]
        added: &'static str,
        trust: bool,
    },
    /// Changes a byte, as SETRANGE does.
    Edit {
        at: u16,
        #[arbitrary(with = |input: &mut Unstructured| input.choose(TELLING).copied())]
        byte: u8,
    },
    /// Copies another text.
    Copy {
        #[arbitrary(with = |input: &mut Unstructured| input.choose_index(TEXTS))]
        from: usize,
    },
    /// Changes `jsonmerge.validation-cache-entries`.
    Entries(#[arbitrary(with = |input: &mut Unstructured| input.choose(&ENTRIES).copied())] usize),
}

const TEXTS: usize = 3;
const ADDED: [&str; 4] = ["[1]", " [ 2 , 3 ] ", "[[],{}]", "[\"]\"]"];
/// Bytes that turn a text into a different array or make it invalid.
const TELLING: &[u8] = b"12,[]\" x\xff";
const ENTRIES: [usize; 4] = [0, 4, 8, 64];

/// Runs the operations that the input encodes, starting with an empty cache.
pub fn assert_holds(input: &[u8]) {
    let Ok(steps) = Vec::<Step>::arbitrary_take_rest(Unstructured::new(input)) else { return };
    cache::set_entries(64);
    // These texts have 255 bytes, which is too short for the cache, 257 and 401 bytes.
    let mut texts: [_; TEXTS] = [127, 128, 200].map(digits);
    for (done, Step { text, operation }) in steps.iter().enumerate() {
        let history = &steps[..=done];
        match *operation {
            Operation::Validate => _ = validate(&mut StemHasher::default(), &texts[*text], history),
            Operation::Create(len) => texts[*text] = create(len.into()),
            Operation::Append { added, trust } => append(&mut texts[*text], added, trust, history),
            Operation::Edit { at, byte } => {
                let at = usize::from(at) % texts[*text].len();
                texts[*text][at] = byte;
            }
            Operation::Copy { from } => texts[*text] = texts[from].clone(),
            Operation::Entries(entries) => cache::set_entries(entries),
        }
    }
}

fn digits(len: usize) -> Vec<u8> {
    format!("[{}]", vec!["1"; len].join(",")).into_bytes()
}

fn create(len: usize) -> Vec<u8> {
    let text = digits(len);
    let brackets = Brackets::find(&text).expect("an array");
    cache::remember(brackets.stem(&text), len);
    text
}

fn append(text: &mut Vec<u8>, added: &str, trust: bool, history: &[Step]) {
    let mut hasher = StemHasher::default();
    let added = Array::validate(added.as_bytes()).expect("an array");
    match Brackets::find(text) {
        Some(brackets) if trust => *text = brackets.splice(&added.brackets).apply(text),
        _ => {
            let Ok(stored) = validate(&mut hasher, text, history) else { return };
            let (splice, len) = (stored.brackets.splice(&added.brackets), stored.len + added.len);
            *text = splice.apply(text);
            hasher.remember(splice.extension(), len);
        }
    }
}

fn validate<'t>(
    hasher: &mut StemHasher,
    text: &'t [u8],
    history: &[Step],
) -> Result<Array<'t>, Invalid> {
    let found = hasher.validate(text);
    assert_eq!(found, Array::validate(text), "{history:?}");
    found
}
